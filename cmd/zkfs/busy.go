package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
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

// isAsked reports whether a process asks a mount of this machine for its status. It may be another
// user's: the kernel tells nothing of its open files.
func isAsked() bool {
	names, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the only error is a bad pattern
	for _, name := range names {
		if line, err := os.ReadFile(name); err == nil && isAsking(line) { // else it has ended
			return true
		}
	}
	return false
}

// isAsking reports whether a process with these arguments, each with a zero byte behind, does.
func isAsking(cmdline []byte) bool {
	args := bytes.Split(cmdline, []byte{0})
	return len(args) > 1 && filepath.Base(string(args[0])) == "zkfs" && string(args[1]) == "status"
}
