package checkout

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/zkfs/zkfs/internal/printable"
)

// around is how many lines that stay a diff shows beside those that change.
const around = 3

// WriteDiff writes a change in the unified format of diff(1). root is the path of the tree.
func WriteDiff(w io.Writer, root string, c *Change) error {
	var b strings.Builder
	path := printable.Line(strings.TrimSuffix(root, "/") + c.Path)
	if c.Path == "/" {
		path = printable.Line(root)
	}
	from, to := "a"+path, "b"+path
	switch c.Kind {
	case Create:
		from = "/dev/null"
	case Delete:
		to = "/dev/null"
	}
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", from, to)
	if isText(c.Old) && isText(c.Data) {
		hunk(&b, lines(c.Old), lines(c.Data))
	} else {
		fmt.Fprintf(&b, "Binary data of %d and %d bytes differ\n", len(c.Old), len(c.Data))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func isText(data []byte) bool { return utf8.Valid(data) && !bytes.Contains(data, []byte{0}) }

// lines splits text. The last line has no end if the text has none there.
func lines(data []byte) []string {
	all := strings.SplitAfter(string(data), "\n")
	return slices.DeleteFunc(all, func(line string) bool { return line == "" })
}

// hunk writes what differs between two texts, from the first line that does to the last.
func hunk(b *strings.Builder, from, to []string) {
	same := 0
	for same < len(from) && same < len(to) && from[same] == to[same] {
		same++
	}
	if same == len(from) && same == len(to) {
		return
	}
	end := 0
	for end < len(from)-same && end < len(to)-same && from[len(from)-1-end] == to[len(to)-1-end] {
		end++
	}
	before, behind := max(0, same-around), min(end, around)
	a, z := from[before:len(from)-end+behind], to[before:len(to)-end+behind]
	fmt.Fprintf(b, "@@ -%s +%s @@\n", span(before, len(a)), span(before, len(z)))
	write := func(sign string, lines []string) {
		for _, line := range lines {
			text, whole := strings.CutSuffix(line, "\n")
			fmt.Fprintf(b, "%s%s\n", sign, printable.Lines(text))
			if !whole {
				b.WriteString("\\ No newline at end of file\n")
			}
		}
	}
	write(" ", a[:same-before])
	write("-", a[same-before:len(a)-behind])
	write("+", z[same-before:len(z)-behind])
	write(" ", a[len(a)-behind:])
}

// span is the lines of a hunk, as diff(1) counts them.
func span(before, count int) string {
	if count == 0 {
		return fmt.Sprintf("%d,0", before)
	}
	return fmt.Sprintf("%d,%d", before+1, count)
}
