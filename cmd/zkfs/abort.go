package main

import (
	"errors"
	"os"
	"syscall"
)

// abortAt ends the connection of what zkfs has mounted on point, if it is the one.
func abortAt(point string, isIt func(mount) bool) error {
	now, err := mountAt(point)
	if err != nil || !now.isOurs() || !isIt(now) {
		return err
	}
	return abort(now)
}

// abortConnection ends the connection of a mount to its process (kernel fact 52), and the mount
// stays. It needs the file system fusectl.
func abortConnection(m mount) error {
	return os.WriteFile("/sys/fs/fuse/connections/"+m.minor()+"/abort", []byte("1"), 0)
}

// abort ends the connection of a mount to its process (kernel fact 52): what waits for that fails.
// It stays, dead, if it is in use.
func abort(m mount) error {
	if abortConnection(m) == nil {
		return nil
	}
	err := unmount(m.point, abortively) // that file system is not mounted everywhere
	if errors.Is(err, syscall.EBUSY) {
		return nil
	}
	return err
}
