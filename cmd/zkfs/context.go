package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/urfave/cli/v2"
)

// A context is a name for an ensemble and for the flags that reach it. Its file NAME.conf is TOML:
//
//	source = "zk1,zk2,zk3/app"
//	auth-file = "/etc/zkfs/prod.auth"
//	tls = true

// systemContexts is the folder of the contexts for all users. Tests use another one.
var systemContexts = "/etc/zkfs"

// contextFolders returns the folders of contexts, the first to be asked first. Root uses no file of
// a home: $HOME may be that of another user.
func contextFolders() []string {
	if home, err := os.UserHomeDir(); err == nil && os.Geteuid() != 0 {
		return []string{filepath.Join(home, ".config", "zkfs"), systemContexts}
	}
	return []string{systemContexts}
}

var contextName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

// contextFile returns the file of a context, "" if there is no context of that name.
func contextFile(name string) string {
	if !contextName.MatchString(name) {
		return ""
	}
	for _, folder := range contextFolders() {
		file := filepath.Join(folder, name+".conf")
		if _, err := os.Stat(file); err == nil {
			return file
		}
	}
	return ""
}

// settle completes a command line by what the context that it names says, and sees to it that the
// value of each flag is possible. A flag that the command line or the environment gives is left.
func settle(c *cli.Context) error {
	name := c.String("server")
	if slices.Contains(ofSources, c.Command.Name) {
		name = c.Args().First()
	}
	if file := contextFile(name); file != "" {
		if err := applyContext(c, name, file); err != nil {
			return err
		}
	}
	for _, f := range c.Command.Flags {
		v, ok := f.(*valued)
		if !ok || !c.IsSet(v.Name) || v.kind.accepts(c.String(v.Name)) {
			continue
		}
		from := "--" + v.Name
		if given := os.Getenv(variableOf(v.Name)); given != "" && given == c.String(v.Name) {
			from = variableOf(v.Name)
		}
		return v.refuse(from, c.String(v.Name))
	}
	return nil
}

func (v *valued) refuse(from, text string) error {
	return usagef("%s can not be %q", from, text).hinting("it is " + v.kind.like)
}

// applyContext sets the flags that a context gives. Those of other commands are known, and left.
func applyContext(c *cli.Context, name, file string) error {
	var entries map[string]any
	if _, err := toml.DecodeFile(file, &entries); err != nil {
		return usagef("%s: %s", file, strings.TrimPrefix(plain(err), file+": ")).
			hinting(`a line of it is like watch = "node" (TOML)`)
	}
	source, ok := entries["source"].(string)
	if !ok {
		return usagef("%s: it names no source", file).hinting(`as in source = "zk1,zk2,zk3/app"`)
	}
	c.App.Metadata[name] = source
	delete(entries, "source")
	var known []cli.Flag
	for _, cmd := range c.App.Commands {
		known = append(known, cmd.Flags...)
	}
	for key, value := range entries {
		f := findFlag(known, strings.ReplaceAll(key, "_", "-"))
		if f == nil || len(key) == 1 {
			return usagef("%s: there is no flag %s", file, key).
				hinting(suggestion(known, key, "") + "each long flag is one, see `zkfs mount --help`")
		}
		if err := applyEntry(c, file, key, f, value); err != nil {
			return err
		}
	}
	return nil
}

// applyEntry sets the flag f, unless the command has another one of that name, or none.
func applyEntry(c *cli.Context, file, key string, f cli.Flag, value any) error {
	switch value.(type) {
	case string, int64, float64, bool:
	default:
		return usagef("%s: %s is a list or a table", file, key).hinting("it is text, a number, true or false")
	}
	text := fmt.Sprint(value)
	if v, ok := f.(*valued); ok && !v.kind.accepts(text) {
		return v.refuse(file+": "+key, text)
	}
	flag := f.Names()[0]
	own := findFlag(c.Command.Flags, flag)
	if own == nil || isOrder(own) || slices.ContainsFunc(f.Names(), c.IsSet) {
		return nil
	}
	if err := c.Set(flag, text); err != nil {
		return usagef("%s: %s can not be %q", file, key, text).hinting("it is true or false")
	}
	return nil
}

// isOrder reports whether a flag says what one command is to do, and so is given to that alone.
func isOrder(f cli.Flag) bool { return f.(cli.CategorizableFlag).GetCategory() == inOrder }

// sourceOf returns the source that a name stands for: that of the context, or the name itself.
func sourceOf(c *cli.Context, name string) string {
	if source, ok := c.App.Metadata[name].(string); ok {
		return source
	}
	return name
}

// variableOf returns the environment variable that stands for a flag.
func variableOf(flag string) string {
	return "ZKFS_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// readEnvironment makes a flag take its value from the environment. A variable that is empty says
// nothing.
func readEnvironment(f cli.Flag) {
	name := f.Names()[0]
	if len(name) == 1 || isOrder(f) || os.Getenv(variableOf(name)) == "" {
		return
	}
	switch f := f.(type) {
	case *valued:
		f.EnvVars = []string{variableOf(name)}
	case *cli.BoolFlag:
		f.EnvVars = []string{variableOf(name)}
	}
}
