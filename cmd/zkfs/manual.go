package main

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/urfave/cli/v2"
)

// The manual pages are made from the tables of the help. docs/zkfs.1.md and docs/zkfs-mount.8.md are what they say, for reading
// in a browser; `make install` makes pages for man(1).

func (z *command) manualCommand() *cli.Command {
	return &cli.Command{
		Name:        "manual",
		Hidden:      true,
		Usage:       "print a manual page",
		UsageText:   "zkfs manual [--markdown] zkfs.1|zkfs-mount.8",
		Description: "Prints a manual page in the form that man(1) reads.",
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "markdown", Usage: "in the form that browsers of repositories show"}},
		Action: func(c *cli.Context) error {
			var page string
			switch name := c.Args().First(); name {
			case "zkfs.1":
				page = commandsPage(z.app())
			case "zkfs-mount.8":
				page = mountPage(z.mountCommand())
			default:
				return usagef("there is no manual page %q", name).hinting("they are zkfs.1 and zkfs-mount.8")
			}
			if !c.Bool("markdown") {
				_, err := z.out.Write(md2man.Render([]byte(page)))
				return err
			}
			title, text, _ := strings.Cut(page, "\n")
			fields := strings.Fields(title) // % NAME SECTION
			text = strings.ReplaceAll(text, "\n# ", "\n## ")
			_, err := fmt.Fprintf(z.out, "# %s(%s)\n%s", fields[1], fields[2], text)
			return err
		},
	}
}

// commandsPage is zkfs(1) in Markdown.
func commandsPage(app *cli.App) string {
	var b strings.Builder
	b.WriteString("% zkfs 1\n\n# NAME\n\nzkfs - " + app.Usage + "\n\n# SYNOPSIS\n\n")
	for _, cmd := range app.VisibleCommands() {
		fmt.Fprintf(&b, "    %s\n", cmd.UsageText)
	}
	b.WriteString("\n# DESCRIPTION\n\nFlags may stand before or after names. `zkfs COMMAND --help` says what is said here.\n")
	for _, cmd := range app.VisibleCommands() {
		fmt.Fprintf(&b, "\n# %s\n\n`%s`\n\n", strings.ToUpper(cmd.Name), cmd.UsageText)
		if cmd.Name == "mount" {
			b.WriteString("Mounts an ensemble, or a part of it, on a directory: zkfs-mount(8).\n")
			continue
		}
		b.WriteString(paragraphs(cmd.Description))
		if len(cmd.Flags) > 0 {
			b.WriteString("\n")
			ownFlagItems(&b, cmd.Flags)
		}
	}
	b.WriteString("\n# CONNECTION\n\nThe flags of each command that opens a session of its own:\n\n")
	flagItems(&b, connectionFlags())
	b.WriteString(commonSections + "\n# SEE ALSO\n\nzkfs-mount(8), flock(1), getfattr(1), mount(8)\n")
	return b.String()
}

// mountPage is zkfs-mount(8) in Markdown.
func mountPage(cmd *cli.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%% zkfs-mount 8\n\n# NAME\n\nzkfs-mount, mount.zkfs - %s\n\n# SYNOPSIS\n\n    %s\n    mount -t zkfs SOURCE DIRECTORY [-o OPTIONS]\n\n# DESCRIPTION\n\n%s",
		cmd.Usage, cmd.UsageText, paragraphs(cmd.Description))
	for _, s := range sections(cmd.Flags) {
		fmt.Fprintf(&b, "\n# %s\n\n", strings.ToUpper(s.Heading))
		flagItems(&b, s.Flags)
	}
	b.WriteString(fstabSection + commonSections + "\n# SEE ALSO\n\nzkfs(1), fstab(5), mount(8), systemd.automount(5), fusermount3(1)\n")
	return b.String()
}

// ownFlagItems describes the flags of a command. Those that all commands with a session share have
// a section of their own.
func ownFlagItems(b *strings.Builder, flags []cli.Flag) {
	var shared []string
	for _, f := range connectionFlags() {
		shared = append(shared, flagText(f))
	}
	own := slices.DeleteFunc(slices.Clone(flags), func(f cli.Flag) bool {
		return slices.Contains(shared, flagText(f))
	})
	if len(flags)-len(own) < len(shared) {
		own, shared = flags, nil
	}
	flagItems(b, own)
	if shared != nil {
		b.WriteString("* the flags under CONNECTION\n")
	}
}

// flagItems describes flags as a list.
func flagItems(b *strings.Builder, flags []cli.Flag) {
	for _, f := range flags {
		names, usage, _ := strings.Cut(flagText(f), "\n")
		fmt.Fprintf(b, "* `%s`: %s\n", names, usage)
	}
}

// paragraphs makes Markdown of a description, where what is indented is an example.
func paragraphs(description string) string {
	var b strings.Builder
	for line := range strings.Lines(description + "\n") {
		if strings.HasPrefix(line, "  ") {
			line = "  " + line
		}
		b.WriteString(line)
	}
	return b.String()
}

// What all pages say, and what that of mount says besides.
//
//go:embed manual/common.md
var commonSections string

//go:embed manual/fstab.md
var fstabSection string
