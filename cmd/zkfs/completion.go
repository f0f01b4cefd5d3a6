package main

import (
	"embed"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// completionScripts ask the program itself, by the flag of the library, for what may stand at the
// place of the last word. Where it has nothing to say they complete the names of files. They do not
// ask behind "--": there that flag belongs to another program, and the command line would be run.
//
//go:embed completion
var completionScripts embed.FS

func (z *command) completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print the completion for a shell",
		UsageText: "zkfs completion bash|zsh|fish",
		Description: "Prints a script that completes commands, flags, the words that flags accept, mounts, " +
			"contexts and files. `make install` and the packages install it for all users; for one shell:\n\n" +
			"  source <(zkfs completion bash)",
		Action: func(c *cli.Context) error {
			script, err := completionScripts.ReadFile("completion/" + c.Args().First())
			if c.NArg() != 1 || err != nil {
				return usagef("completion needs the name of a shell").hinting("it is one of: bash, zsh, fish")
			}
			_, err = z.out.Write(script)
			return err
		},
	}
}

// complete prints what may stand at the place of the last word, one candidate a line, with a tab
// before what it is for. Words are split as a shell does it: in bash "=" is one.
func (z *command) complete(c *cli.Context) {
	words := slices.DeleteFunc(slices.Clone(z.args[:len(z.args)-1]), func(w string) bool { return w == "=" })
	word, flag, prefix := "", "", ""
	if n := len(words); n > 0 && z.args[len(z.args)-2] != "=" {
		word, words = words[n-1], words[:n-1]
	}
	if n := len(words); n > 0 {
		flag = words[n-1]
	}
	if name, value, ok := strings.Cut(word, "="); ok && strings.HasPrefix(name, "-") {
		word, flag, prefix = value, name, name+"="
	}
	for _, candidate := range candidates(c.Command, words, flag, strings.HasPrefix(word, "-")) {
		if strings.HasPrefix(candidate, word) {
			fmt.Fprintln(z.out, prefix+candidate)
		}
	}
}

// candidates returns what may stand after words, as the value of flag if that is one.
func candidates(cmd *cli.Command, words []string, flag string, wantsFlag bool) (all []string) {
	v, ok := findFlag(cmd.Flags, flag).(*valued)
	switch isValue := ok && strings.HasPrefix(flag, "-"); {
	case isValue && v.Name == "server":
		return contextNames()
	case isValue:
		return v.kind.words
	case wantsFlag:
		for _, f := range cmd.Flags {
			usage := strings.ReplaceAll(f.(cli.DocGenerationFlag).GetUsage(), "`", "")
			for _, name := range f.Names() {
				all = append(all, hyphened(name)+"\t"+usage)
			}
		}
		return all
	}
	for _, sub := range cmd.VisibleCommands() {
		all = append(all, sub.Name+"\t"+sub.Usage)
	}
	a := arranger{flags: cmd.Flags, command: cmd.Name}
	if len(words) == 0 || a.walk(words[1:]) != nil {
		return all
	}
	if slices.Contains(ofVerbs, cmd.Name) {
		if len(a.names) == 0 {
			return []string{"get\tshow", "set\tchange"}
		}
		a.names = a.names[1:]
	}
	if len(a.names) != treeArgument(cmd.Name) {
		return all
	}
	if table, err := mountTable(); err == nil && slices.Contains(ofMounts, cmd.Name) {
		for _, m := range table {
			if m.isOurs() {
				all = append(all, m.point+"\t"+m.source)
			}
		}
	}
	if slices.Contains(ofSources, cmd.Name) {
		all = append(all, contextNames()...)
	}
	return all
}

// The commands that take a mount, those that take a source, those that take get or set before the
// mount, and those that take a file or directory before the mount or source.
var (
	ofVerbs  = []string{"acl", "quota"}
	ofFiles  = []string{"import", "push"}
	ofMounts = []string{
		"umount", "status", "watch",
		"get", "set", "create", "rm", "ls", "stat", "ephemerals", "whoami", "reconfig",
		"acl", "quota",
		"sessions", "export", "import", "diff", "clone", "push", "pull", "mirror",
	}
	ofSources = []string{
		"mount", "status", "watch",
		"sessions", "export", "import", "diff", "clone", "push", "pull", "mirror",
	}
)

// treeArgument returns which argument of a command is the mount or source.
func treeArgument(command string) int {
	if slices.Contains(ofFiles, command) {
		return 1
	}
	return 0
}

// contextNames returns the contexts that there are.
func contextNames() (all []string) {
	for _, folder := range contextFolders() {
		files, _ := filepath.Glob(filepath.Join(folder, "*.conf")) // the only error is a bad pattern
		for _, file := range files {
			all = append(all, strings.TrimSuffix(filepath.Base(file), ".conf")+"\t"+file)
		}
	}
	return all
}
