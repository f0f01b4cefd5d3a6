// Package printable makes text harmless to show that servers and other clients wrote. A terminal
// obeys control characters, and bidirectional ones change the order in which a line reads.
package printable

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Line returns text with each character that is not graphic written as in a Go string, \n or
// \u202e, and each byte that is not UTF-8 as \xff. These are controls, format characters such as
// bidirectional overrides, line separators, private and unassigned ones. A backslash stays as it
// is: the result is for people, and the same however often it is made.
func Line(text string) string { return escape(text, "") }

// Lines is Line for text of many lines: their ends stay, and tabs.
func Lines(text string) string { return escape(strings.ReplaceAll(text, "\r\n", "\n"), "\n\t") }

// escape is Line, which leaves the characters of kept as they are.
func escape(text, kept string) string {
	harmless := func(r rune) bool { return unicode.IsGraphic(r) || strings.ContainsRune(kept, r) }
	var b strings.Builder
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[at])
		case harmless(r):
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		at += size
	}
	return b.String()
}

// JSON returns a writer of JSON to w. Characters that Line would escape become \u escapes, which
// mean the same to a program. Each Write must be whole characters, as those of encoding/json and
// log/slog are.
func JSON(w io.Writer) io.Writer { return jsonWriter{w} }

type jsonWriter struct{ w io.Writer }

func (j jsonWriter) Write(p []byte) (int, error) {
	var b bytes.Buffer
	for _, r := range string(p) { // outside of strings, JSON is ASCII
		switch {
		case r == '\n' || unicode.IsGraphic(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	if _, err := j.w.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}
