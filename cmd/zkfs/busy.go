package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A mount is busy, not in use, while a process of zkfs has it open. That of `zkfs status`, which
// `zkfs list` runs for each mount of the machine, waits for what the mount asks its servers. The
// poker of the mount has it open for a millisecond or so at a time.
const (
	busyTries   = 10
	busyPause   = 20 * time.Millisecond
	askPatience = 10 * time.Second // five times what a mount waits for its servers
)

// whileBusy calls detach until it does not fail with EBUSY, or the mount is in use, or dead.
func whileBusy(detach func() error, isDead, isAsked func() bool) error {
	since := time.Now()
	for tries := 0; ; {
		err := detach()
		if !errors.Is(err, syscall.EBUSY) || isDead() || tries == busyTries {
			return err
		}
		if !isAsked() || time.Since(since) > askPatience {
			tries++ // what has asked may have ended since
		}
		time.Sleep(busyPause)
	}
}

// isAsked reports whether a process asks the mount on point for its status. It may be another
// user's: the kernel tells nothing of its open files, nor of its working directory.
func isAsked(point string) bool {
	names, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the only error is a bad pattern
	for _, name := range names {
		if line, err := os.ReadFile(name); err == nil && isAsking(line, point) { // else it has ended
			return true
		}
	}
	return false
}

// isAsking reports whether a process with these arguments, each with a zero byte behind, does: one
// of them ends as point does.
func isAsking(cmdline []byte, point string) bool {
	args := strings.Split(string(cmdline), "\x00")
	if len(args) < 3 || filepath.Base(args[0]) != "zkfs" || args[1] != "status" {
		return false
	}
	return slices.ContainsFunc(args[2:len(args)-1], func(arg string) bool {
		return filepath.Base(arg) == filepath.Base(point)
	})
}
