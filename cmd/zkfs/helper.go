package main

import (
	"path/filepath"
	"strings"
)

// helperNames are the names under which mount(8) runs this program, for the types zkfs and fuse.zkfs.
var helperNames = map[string]bool{"mount.zkfs": true, "mount.fuse.zkfs": true}

// arguments returns the arguments of a process without its name. As a helper of mount(8) the program is `zkfs mount`; then
// mount(8) may only want to know whether it is there, and fake is true.
func arguments(argv []string) (args []string, fake bool) {
	if len(argv) == 0 {
		return nil, false
	}
	if !helperNames[filepath.Base(argv[0])] {
		return argv[1:], false
	}
	return helperArguments(argv[1:])
}

// helperArguments translates what mount(8) calls its helpers with ("External helpers" in its manual page):
//
//	mount.zkfs SOURCE DIRECTORY [-sfnv] [-N NAMESPACE] [-o OPTIONS] [-t TYPE]
//
// -f means to do all but the mount. The others are about files of mount(8) itself, or about options that
// are not known, which are errors of the line in fstab(5).
func helperArguments(given []string) (args []string, fake bool) {
	args = []string{"mount"}
	for i := 0; i < len(given); i++ {
		arg := given[i]
		switch {
		case arg == "-N" || arg == "-t":
			i++
		case arg == "-o" && i+1 < len(given):
			args = append(args, arg, given[i+1])
			i++
		case len(arg) > 1 && strings.Trim(arg[1:], "sfnv") == "" && arg[0] == '-':
			fake = fake || strings.Contains(arg, "f")
		default:
			args = append(args, arg)
		}
	}
	return args, fake
}
