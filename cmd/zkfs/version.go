package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

func (z *command) versionCommand() *cli.Command {
	return &cli.Command{
		Name:        "version",
		Usage:       "print what this program is made of",
		UsageText:   "zkfs version",
		Description: "Prints the version, the commit, and the versions of go-fuse and Go: what a bug report needs.",
		Action: func(c *cli.Context) error {
			if err := noNames(c); err != nil {
				return err
			}
			_, err := fmt.Fprint(z.out, versionText(buildInfo()))
			return err
		},
	}
}

// version is that of the packages, which the linker sets in builds by make. The command go knows
// tags only.
var version string

// buildInfo returns what the build knows of itself, at least a version.
func buildInfo() *debug.BuildInfo {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	switch {
	case version != "":
		info.Main.Version = "v" + version
	case info.Main.Version == "":
		info.Main.Version = "(devel)"
	}
	return info
}

// versionText describes a build, one thing a line. What the build does not know is left out.
func versionText(info *debug.BuildInfo) string {
	text := "zkfs " + info.Main.Version + "\n"
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			text += "commit " + s.Value + "\n"
		case s.Key == "vcs.modified" && s.Value == "true":
			text += "with uncommitted changes\n"
		}
	}
	for _, dep := range info.Deps {
		if dep.Path == "github.com/hanwen/go-fuse/v2" {
			text += "go-fuse " + dep.Version + "\n"
		}
	}
	return text + fmt.Sprintf("%s %s/%s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// noNames refuses names after a command that takes none.
func noNames(c *cli.Context) error {
	if c.Args().Present() {
		return usagef("%s takes no names, there is %q", c.Command.HelpName, c.Args().First())
	}
	return nil
}
