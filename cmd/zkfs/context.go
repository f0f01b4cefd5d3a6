package main

import (
	"errors"
	"fmt"
	"maps"
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

// settle completes a command line, after arrange has checked its values, by the environment and by
// what the context that it names says. A flag that the command line gives is left, and so is one
// that the environment gives.
func settle(c *cli.Context) error {
	for _, f := range c.Command.Flags {
		if variable, text := environmentOf(f); text != "" && !c.IsSet(f.Names()[0]) {
			if err := check(f, variable, text); err != nil {
				return err
			}
		}
	}
	name := c.String("server")
	if slices.Contains(ofSources, c.Command.Name) {
		name = c.Args().Get(treeArgument(c.Command.Name))
	}
	if file := contextFile(name); file != "" {
		return applyContext(c, name, file)
	}
	return nil
}

// applyContext sets the flags that a context gives. Those of other commands are known, and left.
func applyContext(c *cli.Context, name, file string) error {
	var entries map[string]any
	switch _, err := toml.DecodeFile(file, &entries); {
	case errors.As(err, new(toml.ParseError)):
		return usagef("%s: %s", file, plain(err)).hinting(`a line of it is like watch = "node" (TOML)`)
	case err != nil:
		return usagef("%s", plain(err))
	}
	source, ok := entries["source"].(string)
	if !ok {
		return usagef("%s: it names no source", file).hinting(`as in source = "zk1,zk2,zk3/app"`)
	}
	c.App.Metadata[name] = source
	delete(entries, "source")
	var known []cli.Flag
	for _, cmd := range c.App.Commands {
		known = append(known, slices.DeleteFunc(slices.Clone(cmd.Flags), isOrder)...)
	}
	keys := map[string]string{} // by the flag that they name
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		f := findFlag(known, strings.ReplaceAll(key, "_", "-"))
		if f == nil || len(key) == 1 || key == "server" {
			return usagef("%s: there is no flag %s for a context", file, key).
				hinting(suggestion(known, key, "") + "each long flag is one, see `zkfs mount --help`")
		}
		flag := f.Names()[0]
		if keys[flag] != "" {
			return usagef("%s: %s and %s are the same flag", file, keys[flag], key)
		}
		keys[flag] = key
		if err := applyEntry(c, file+": "+key, f, entries[key]); err != nil {
			return err
		}
	}
	return nil
}

// applyEntry sets the flag f, unless the command has another one of that name, or none.
func applyEntry(c *cli.Context, from string, f cli.Flag, value any) error {
	switch value.(type) {
	case string, int64, float64, bool:
	default:
		return usagef("%s is a list or a table", from).hinting("it is text, a number, true or false")
	}
	text := fmt.Sprint(value)
	own := findFlag(c.Command.Flags, f.Names()[0])
	isOwn := own != nil && !isOrder(own)
	if isOwn {
		f = own
	}
	if err := check(f, from, text); err != nil || !isOwn || slices.ContainsFunc(f.Names(), c.IsSet) {
		return err
	}
	return c.Set(f.Names()[0], text)
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

// environmentOf returns the variable that stands for f, and its text, "" if the environment does
// not give f: a variable that is empty says nothing.
func environmentOf(f cli.Flag) (variable, text string) {
	name := f.Names()[0]
	if len(name) == 1 || isOrder(f) {
		return "", ""
	}
	return variableOf(name), os.Getenv(variableOf(name))
}

// readEnvironment makes a flag take its value from the environment. What can not be is left to
// settle.
func readEnvironment(f cli.Flag) {
	variable, text := environmentOf(f)
	if text == "" || check(f, variable, text) != nil {
		return
	}
	switch f := f.(type) {
	case *valued:
		f.EnvVars = []string{variable}
	case *cli.BoolFlag:
		f.EnvVars = []string{variable}
	}
}
