package main

import (
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// What only Linux has. system_other.go is its counterpart.

// checkSystem returns why the command can not work on this system.
func checkSystem(string) error { return nil }

// unmount unmounts what is mounted on point, which root may.
func unmount(point string, how manner) error {
	flags := map[manner]int{lazily: unix.MNT_DETACH, forcibly: unix.MNT_DETACH | unix.MNT_FORCE, abortively: unix.MNT_FORCE}[how]
	return unix.Unmount(point, unix.UMOUNT_NOFOLLOW|flags)
}

// hideMemory keeps other processes of the same user from reading the memory of this one, and it from being dumped.
func hideMemory() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }

// followParent makes this process get SIGTERM when the thread that has started it ends. One that
// has ended before sends none.
func followParent() error {
	runtime.LockOSThread() // the kernel forgets it with the thread that has asked
	return unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGTERM), 0, 0, 0)
}

// watchDeath returns a function that tells how a process has died, "" if the kernel does not, as
// before Linux 6.15. It tells as soon as the parent of the process knows, for which the function
// waits so long.
func watchDeath(pid int) func(patience time.Duration) string {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return func(time.Duration) string { return "" }
	}
	return func(patience time.Duration) string {
		for since := time.Now(); time.Since(since) < patience; time.Sleep(patience / 100) {
			info := unix.PidfdInfo{Mask: unix.PIDFD_INFO_EXIT}
			if err := unix.IoctlPidfdInfo(fd, &info); err != nil {
				break
			}
			if info.Mask&unix.PIDFD_INFO_EXIT != 0 {
				return howEnded(int(info.Exit_code))
			}
		}
		return ""
	}
}

// leaveTerminal makes cmd get nothing from the terminal.
func leaveTerminal(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// bind makes cmd, which the calling thread is to start, get SIGTERM when that thread ends, and makes its orphans children of this process.
func bind(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
}
