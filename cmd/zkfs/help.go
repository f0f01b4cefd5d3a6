package main

import (
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

// The help is made from the tables of commands and flags: in the order in which people need them,
// under headings, and no wider than the terminal.

const appHelp = `{{.Name}}: {{.Usage}}

{{range .VisibleCommands}}{{if .UsageText}}  {{wrap .UsageText 6}}
      {{wrap .Usage 6}}
{{end}}{{end}}  zkfs help COMMAND
      say more about one of them

{{wrap "The first thing to try, which needs no ZooKeeper: zkfs demo /tmp/zk" 0}}
`

const commandHelp = `usage: {{wrap .UsageText 7}}

{{wrap .Description 0}}
{{range sections .Flags}}
{{.Heading}}:
{{range .Flags}}  {{wrap .String 6}}
{{end}}{{end}}`

// printHelp is for cli.HelpPrinter.
func printHelp(w io.Writer, template string, data any) {
	cli.HelpPrinterCustom(w, template, data, map[string]any{
		"sections": sections,
		"wrapAt":   func() int { return widthOf(w) },
	})
}

// widthOf returns the width of a terminal, 80 if w is none.
func widthOf(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err == nil && size.Col > 0 {
			return min(int(size.Col), 100)
		}
	}
	return 80
}

// A section is the flags under one heading.
type section struct {
	Heading string
	Flags   []cli.Flag
}

// sections returns the flags that are not hidden, in their order.
func sections(flags []cli.Flag) []section {
	var all []section
	for _, f := range flags {
		heading := f.(cli.CategorizableFlag).GetCategory()
		if heading == "" {
			heading = "Flags"
		}
		i := slices.IndexFunc(all, func(s section) bool { return s.Heading == heading })
		if i < 0 {
			i, all = len(all), append(all, section{Heading: heading})
		}
		all[i].Flags = append(all[i].Flags, f)
	}
	return all
}

// String describes the flag.
func (v *valued) String() string { return flagText(v) }

// flagText is for cli.FlagStringer: the names of a flag and of its value on a line, and on the next
// what it is good for, with its default.
func flagText(f cli.Flag) string {
	var names []string
	for _, name := range f.Names() {
		names = append(names, hyphened(name))
	}
	slices.SortStableFunc(names, func(a, b string) int { return min(len(a), 3) - min(len(b), 3) })
	doc := f.(cli.DocGenerationFlag)
	before, rest, _ := strings.Cut(doc.GetUsage(), "`")
	value, after, quoted := strings.Cut(rest, "`")
	if v, ok := f.(*valued); ok && !quoted {
		value = v.kind.name
	}
	text := strings.TrimSpace(strings.Join(names, ", ")+" "+value) + "\n" + before
	if quoted {
		text += value + after
	}
	if value := strings.Trim(doc.GetDefaultText(), `"`); doc.TakesValue() && value != "" {
		text += " (default " + value + ")"
	}
	return text
}

// hyphened returns the name of a flag as a command line has it.
func hyphened(name string) string { return strings.Repeat("-", min(len(name), 2)) + name }
