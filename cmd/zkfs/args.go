package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// arrange puts the flags of a command before its names, so that both orders work (but leaves those
// of a command line that it is to run), and turns the lists of -o into long flags where they stand:
// the last of two flags wins, however they are written.
func arrange(args []string, commands []*cli.Command) ([]string, error) {
	if len(args) == 0 {
		return nil, nil
	}
	i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(args[0]) })
	if i < 0 {
		return args, nil
	}
	a := arranger{flags: commands[i].Flags, command: commands[i].Name}
	if err := a.walk(args[1:]); err != nil {
		return nil, err
	}
	return slices.Concat(args[:1], a.found, []string{"--"}, a.names), nil
}

type arranger struct {
	flags   []cli.Flag
	command string
	found   []string
	names   []string
}

func (a *arranger) walk(args []string) error {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--" && a.command == "register": // which takes more than one name before it
			a.names = append(append(a.names, arg), args...)
			return nil
		case arg == "--":
			a.names = append(a.names, args...)
			return nil
		case arg == "-" || !strings.HasPrefix(arg, "-"):
			a.names = append(a.names, arg)
			if a.command == "lock" && len(a.names) == 2 {
				a.names = append(a.names, args...) // the command line that it is to run
				return nil
			}
			continue
		case a.command == "mount" && strings.HasPrefix(arg, "-o"):
			list := strings.TrimPrefix(arg[2:], "=")
			if arg == "-o" {
				if len(args) == 0 {
					return usagef("-o needs a list of options").hinting("as in -o ro,umask=077")
				}
				list, args = args[0], args[1:]
			}
			if err := a.addOptions(list); err != nil {
				return err
			}
			continue
		}
		name, value, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		f := findFlag(a.flags, name)
		v, takesValue := f.(*valued)
		switch {
		case name == "help" || name == "h":
			a.found = append(a.found, arg)
			continue
		case f == nil && a.addLetters(arg):
			continue
		case f == nil:
			return usagef("there is no flag %s", arg).
				hinting(suggestion(a.flags, name, "--") + "`zkfs " + a.command + " --help` lists the flags")
		case !hasValue && takesValue:
			if len(args) == 0 {
				return usagef("%s needs a value", arg).hinting("it is " + v.kind.like)
			}
			value, hasValue = args[0], true
			args = args[1:]
		}
		if err := a.add(f, value, hasValue); err != nil {
			return err
		}
	}
	return nil
}

// addLetters adds the flags of an argument such as -es, if each letter is one without a value.
func (a *arranger) addLetters(arg string) bool {
	var flags []cli.Flag
	for _, letter := range strings.TrimPrefix(arg, "-") {
		f := findFlag(a.flags, string(letter))
		if _, ok := f.(*cli.BoolFlag); !ok {
			return false
		}
		flags = append(flags, f)
	}
	for _, f := range flags {
		a.add(f, "", false)
	}
	return true
}

// add adds a flag by the first of its names: the parser refuses a flag that it meets under two of them.
func (a *arranger) add(f cli.Flag, value string, hasValue bool) error {
	flag := "--" + f.Names()[0]
	if hasValue {
		if err := check(f, flag, value); err != nil {
			return err
		}
		flag += "=" + value
	}
	a.found = append(a.found, flag)
	return nil
}

// findFlag returns the flag of that name, with or without hyphens, nil if there is none.
func findFlag(flags []cli.Flag, name string) cli.Flag {
	name = strings.TrimLeft(name, "-")
	i := slices.IndexFunc(flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) })
	if i < 0 {
		return nil
	}
	return flags[i]
}

// suggestion begins a hint with the flag that looks most like name.
func suggestion(flags []cli.Flag, name, hyphens string) string {
	found := strings.TrimLeft(cli.SuggestFlag(flags, name, false), "-")
	if len(found) < 2 { // a letter looks like all
		return ""
	}
	return fmt.Sprintf(cli.SuggestDidYouMeanTemplate, hyphens+found) + " "
}

// addOptions adds the flags that a list of mount options stands for.
func (a *arranger) addOptions(list string) error {
	for _, option := range splitOptions(list) {
		if option == "" || isGeneric(option) {
			continue
		}
		if flag, ok := synonyms[option]; ok {
			a.found = append(a.found, flag)
			continue
		}
		name, value, hasValue := strings.Cut(option, "=")
		name = strings.ReplaceAll(name, "_", "-")
		f := findFlag(a.flags, name)
		switch _, takesValue := f.(*valued); {
		case f == nil || len(name) == 1:
			return usagef("there is no mount option %q", option).
				hinting(suggestion(a.flags, name, "") + "each long flag is one, see `zkfs mount --help`")
		case !hasValue && takesValue:
			return usagef("the mount option %s needs a value", name).hinting("as in -o " + name + "=...")
		default:
			if err := a.add(f, value, hasValue); err != nil {
				return err
			}
		}
	}
	return nil
}

// splitOptions splits at commas. One between double quotes, or with a backslash before it, is part of
// a value.
func splitOptions(list string) []string {
	var options []string
	var option strings.Builder
	quoted := false
	for i := 0; i < len(list); i++ {
		switch {
		case list[i] == '\\' && i+1 < len(list) && (list[i+1] == ',' || list[i+1] == '\\'):
			i++
			option.WriteByte(list[i])
		case list[i] == '"':
			quoted = !quoted
		case list[i] == ',' && !quoted:
			options = append(options, option.String())
			option.Reset()
		default:
			option.WriteByte(list[i])
		}
	}
	return append(options, option.String())
}

// synonyms are the options of mount(8) that mean something here, besides those that are named as a flag.
var synonyms = map[string]string{
	"readonly": "--read-only",
	"rw":       "--read-only=false",
	"sync":     "--commit=write",
}

// generic are options of mount(8), fstab(5) and fuse(8) that are for others to heed, or have no meaning
// for znodes. A mount stays when its process was killed, whatever auto_unmount says: nothing is to be
// written to the directory below.
var generic = []string{
	"defaults", "auto", "noauto", "user", "nouser", "users", "nousers", "owner", "noowner", "group", "nogroup", "_netdev", "nofail",
	"exec", "noexec", "suid", "nosuid", "dev", "nodev", "async", "dirsync",
	"atime", "noatime", "diratime", "nodiratime", "relatime", "norelatime", "strictatime", "nostrictatime", "lazytime", "nolazytime",
	"mand", "nomand", "iversion", "noiversion", "silent", "loud", "default_permissions",
	"auto_unmount",
}

func isGeneric(option string) bool {
	for _, prefix := range []string{"x-", "X-", "comment=", "fsname=", "subtype="} {
		if strings.HasPrefix(option, prefix) {
			return true
		}
	}
	return slices.Contains(generic, option)
}
