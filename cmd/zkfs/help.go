package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// The help is made by hand from the tables of commands and flags: in the order in which people need them, under
// headings, and no wider than a terminal.

const helpWidth = 100

// appHelp returns the help of the program.
func appHelp(app *cli.App) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\n", app.Name, app.Usage)
	for _, cmd := range app.VisibleCommands() {
		fmt.Fprintf(&b, "  %s\n      %s\n", cmd.UsageText, cmd.Usage)
	}
	b.WriteString("  zkfs help COMMAND\n      say more about one of them\n\n")
	b.WriteString("The first thing to try, which needs no ZooKeeper: zkfs demo /tmp/zk\n")
	return b.String()
}

// commandHelp returns the help of one command.
func commandHelp(cmd *cli.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "usage: %s\n\n%s\n", cmd.UsageText, cmd.Description)
	var headings []string
	for _, f := range cmd.Flags {
		if heading := headingOf(f); !slices.Contains(headings, heading) {
			headings = append(headings, heading)
		}
	}
	for _, heading := range headings {
		fmt.Fprintf(&b, "\n%s:\n", heading)
		for _, f := range cmd.Flags {
			if headingOf(f) == heading {
				writeFlag(&b, f)
			}
		}
	}
	return b.String()
}

func headingOf(f cli.Flag) string {
	if c, ok := f.(cli.CategorizableFlag); ok && c.GetCategory() != "" {
		return c.GetCategory()
	}
	return "Flags"
}

// writeFlag describes a flag: its names on a line, and below what it is good for and its default.
func writeFlag(b *strings.Builder, f cli.Flag) {
	names, usage := flagText(f)
	fmt.Fprintf(b, "  %s\n%s", names, wrap(usage, "      "))
}

// flagText returns the names of a flag and of its value, and what it is good for with its default.
func flagText(f cli.Flag) (names, usage string) {
	doc := f.(cli.DocGenerationFlag)
	var list []string
	for _, name := range f.Names() {
		if len(name) == 1 {
			list = slices.Insert(list, 0, "-"+name)
			continue
		}
		list = append(list, "--"+name)
	}
	names = strings.Join(list, ", ")
	usage, value := placeholder(f, doc.GetUsage())
	if doc.TakesValue() {
		names += " " + value
	}
	if text := strings.Trim(doc.GetDefaultText(), `"`); doc.TakesValue() && text != "" {
		usage += " (default " + text + ")"
	}
	return names, usage
}

// placeholder returns the usage of a flag without the quotes about its value's name, and that name.
func placeholder(f cli.Flag, usage string) (text, name string) {
	if before, rest, ok := strings.Cut(usage, "`"); ok {
		name, after, _ := strings.Cut(rest, "`")
		return before + name + after, name
	}
	switch f.(type) {
	case *cli.DurationFlag:
		return usage, "TIME"
	case *cli.IntFlag, *cli.UintFlag:
		return usage, "NUMBER"
	}
	return usage, "WORD"
}

// wrap breaks text into lines that are indented.
func wrap(text, indent string) string {
	var b strings.Builder
	width := 0
	for _, word := range strings.Fields(text) {
		switch {
		case width == 0:
			b.WriteString(indent + word)
			width = len(indent) + len(word)
		case width+1+len(word) > helpWidth:
			b.WriteString("\n" + indent + word)
			width = len(indent) + len(word)
		default:
			b.WriteString(" " + word)
			width += 1 + len(word)
		}
	}
	return b.String() + "\n"
}
