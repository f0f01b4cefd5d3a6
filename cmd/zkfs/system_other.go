//go:build !linux

package main

import (
	"errors"
	"os/exec"
	"time"
)

// Other systems than Linux have no such table of mounts, and no way to stop all that a command has started. What needs
// neither works there: status, watch and the like with a source.

func checkSystem(command string) error {
	return failf(exitFUSE, "zkfs %s works on Linux only", command).hinting("`zkfs status` and `zkfs watch` work here, with HOST:PORT/PATH")
}

func mountTable() ([]mountLine, error) { return nil, nil }

func unmount(string, manner) error { return errors.ErrUnsupported }

func (owner) as(f func()) {
	go f() // ends with f
}

func hideMemory() error { return nil }

func leaveTerminal(*exec.Cmd) {}

func followParent() error { return errors.ErrUnsupported }

func watchDeath(int) func(time.Duration) string { return nil }

func bind(*exec.Cmd) error { return errors.ErrUnsupported }
