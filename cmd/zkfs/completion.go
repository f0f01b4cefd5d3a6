package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

func (z *command) completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print the completion for a shell",
		UsageText: "zkfs completion bash|zsh|fish",
		Description: "Prints a script that completes commands, flags, the words that flags accept, and directories. `make install` and the\n" +
			"packages install it for all users; for one shell:\n\n" +
			"  source <(zkfs completion bash)",
		Action: func(c *cli.Context) error {
			scripts := map[string]func([]completed) string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
			script := scripts[c.Args().First()]
			if c.NArg() != 1 || script == nil {
				return usagef("completion needs the name of a shell").hinting("it is one of: bash, zsh, fish")
			}
			_, err := fmt.Fprint(z.out, script(completions(z.app())))
			return err
		},
	}
}

// completed is what can be completed of a command.
type completed struct {
	name, usage string
	flags       []completedFlag
}

type completedFlag struct {
	names      []string // with their hyphens
	usage      string   // one line without quotes
	takesValue bool
}

// completions reads the tables of commands and flags.
func completions(app *cli.App) []completed {
	var all []completed
	for _, cmd := range app.VisibleCommands() {
		c := completed{name: cmd.Name, usage: plainUsage(cmd.Usage)}
		for _, f := range cmd.Flags {
			doc := f.(cli.DocGenerationFlag)
			flag := completedFlag{usage: plainUsage(doc.GetUsage()), takesValue: doc.TakesValue()}
			for _, name := range f.Names() {
				flag.names = append(flag.names, strings.Repeat("-", min(len(name), 2))+name)
			}
			c.flags = append(c.flags, flag)
		}
		all = append(all, c)
	}
	return all
}

// plainUsage leaves of a usage what shells can show on a line between single quotes.
func plainUsage(text string) string {
	text, _, _ = strings.Cut(text, "; ")
	text, _, _ = strings.Cut(text, ". ")
	return strings.NewReplacer("`", "", "'", "", "[", "(", "]", ")", ":", " -").Replace(text)
}

// values are the words that flags accept, and what the others take that is not free text.
var values = map[string][]string{
	"--acl":        {"inherit", "open", "creator"},
	"--commit":     {"close", "write"},
	"--conflict":   {"intent", "fail"},
	"--local":      {"scratch", "none"},
	"--log-format": {"text", "json"},
	"--log-level":  {"debug", "info", "warn", "error"},
	"--sasl":       {"digest-md5", "gssapi"},
	"--watch":      {"tree", "node", "off"},
}

// fileFlags are those whose value is the name of a file.
var fileFlags = []string{"--auth-file", "--log-file", "--sasl-keytab", "--tls-ca", "--tls-cert", "--tls-key"}

func takesFile(name string) bool { return slices.Contains(fileFlags, name) }

func bashCompletion(commands []completed) string {
	var b strings.Builder
	b.WriteString("# Completion of zkfs for bash.\n_zkfs() {\n\tlocal cur=$2 prev=$3 flags=\n\tCOMPREPLY=()\n")
	b.WriteString("\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\tCOMPREPLY=($(compgen -W '")
	for _, c := range commands {
		b.WriteString(c.name + " ")
	}
	b.WriteString("help' -- \"$cur\"))\n\t\treturn\n\tfi\n\tcase $prev in\n")
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&b, "\t%s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n", name, strings.Join(values[name], " "))
	}
	fmt.Fprintf(&b, "\t%s) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n\tesac\n\tcase ${COMP_WORDS[1]} in\n", strings.Join(fileFlags, "|"))
	for _, c := range commands {
		var flags []string
		for _, f := range c.flags {
			flags = append(flags, f.names...)
		}
		fmt.Fprintf(&b, "\t%s) flags='%s' ;;\n", c.name, strings.Join(flags, " "))
	}
	b.WriteString("\tesac\n\tcase $cur in\n\t-*) COMPREPLY=($(compgen -W \"$flags --help\" -- \"$cur\")) ;;\n\t*) COMPREPLY=($(compgen -d -- \"$cur\")) ;;\n\tesac\n}\n")
	b.WriteString("complete -o filenames -F _zkfs zkfs\n")
	return b.String()
}

func zshCompletion(commands []completed) string {
	var b strings.Builder
	b.WriteString("#compdef zkfs\n# Completion of zkfs for zsh.\n_zkfs() {\n\tif (( CURRENT == 2 )); then\n\t\tlocal -a commands=(\n")
	for _, c := range commands {
		fmt.Fprintf(&b, "\t\t\t'%s:%s'\n", c.name, c.usage)
	}
	b.WriteString("\t\t)\n\t\t_describe command commands\n\t\treturn\n\tfi\n\tlocal name=$words[2]\n\tshift words\n\t(( CURRENT-- ))\n\tcase $name in\n")
	for _, c := range commands {
		fmt.Fprintf(&b, "\t%s)\n\t\t_arguments -S \\\n", c.name)
		for _, f := range c.flags {
			for _, name := range f.names {
				fmt.Fprintf(&b, "\t\t\t'%s[%s]%s' \\\n", name, f.usage, zshValue(name, f.takesValue))
			}
		}
		b.WriteString("\t\t\t'--help[show the help]' '*:directory:_files -/'\n\t\t;;\n")
	}
	b.WriteString("\tesac\n}\n_zkfs \"$@\"\n")
	return b.String()
}

// zshValue describes the value of a flag to _arguments.
func zshValue(name string, takesValue bool) string {
	switch {
	case !takesValue:
		return ""
	case values[name] != nil:
		return ":value:(" + strings.Join(values[name], " ") + ")"
	case takesFile(name):
		return ":file:_files"
	}
	return ":value:"
}

func fishCompletion(commands []completed) string {
	var b strings.Builder
	b.WriteString("# Completion of zkfs for fish.\ncomplete -c zkfs -f\n")
	for _, c := range commands {
		fmt.Fprintf(&b, "complete -c zkfs -n __fish_use_subcommand -a %s -d '%s'\n", c.name, c.usage)
	}
	for _, c := range commands {
		seen := "-n '__fish_seen_subcommand_from " + c.name + "'"
		fmt.Fprintf(&b, "complete -c zkfs %s -a '(__fish_complete_directories)'\n", seen)
		for _, f := range c.flags {
			line := "complete -c zkfs " + seen
			for _, name := range f.names {
				line += map[bool]string{true: " -l ", false: " -s "}[strings.HasPrefix(name, "--")] + strings.TrimLeft(name, "-")
			}
			switch name := f.names[0]; {
			case values[name] != nil:
				line += " -x -a '" + strings.Join(values[name], " ") + "'"
			case takesFile(name):
				line += " -r -F"
			case f.takesValue:
				line += " -x"
			}
			fmt.Fprintf(&b, "%s -d '%s'\n", line, f.usage)
		}
	}
	return b.String()
}
