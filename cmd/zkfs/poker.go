package main

import (
	"os/exec"

	"github.com/zkfs/zkfs/fs"
)

// pokerCommand returns the command by which the mount on point tells programs that watch by inotify
// what other clients change: this program again, which sees the variable; see main. It ends with its
// standard input, and needs nothing of the environment.
func pokerCommand(point string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")       // which is there after an upgrade too
	cmd.Args = []string{"zkfs", "poker", point} // to be seen by ps
	cmd.Env = []string{}
	leaveTerminal(cmd)
	return cmd
}

// inotifyModes are the values of --inotify.
var inotifyModes = map[string]fs.InotifyMode{
	"auto": fs.InotifyAuto, "on": fs.InotifyOn, "off": fs.InotifyOff,
}
