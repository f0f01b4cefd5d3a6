package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A process that is killed while it tells the kernel of a change may not end: no signal ends that thread's wait for the lock of a directory
// (fs/fuse/dir.c, fuse_reverse_inval_entry), whoever has the lock waits for an answer, and the kernel ends the connection only when the last
// thread is gone. All who use the mount would hang with it. So each mount has a companion: a process that waits for the other one to die,
// and ends the connection if that takes long.

// companionVariable is the environment variable that makes a process of zkfs a companion: the number of the process that it accompanies, a
// space, and the mount point.
const companionVariable = "_ZKFS_COMPANION"

// lingering is how long a process may take to die.
const lingering = 2 * time.Second

// startCompanion starts the companion of this process, which serves the mount on point. stop ends it.
func startCompanion(point string) (stop func(), err error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(exe)
	cmd.Args = []string{"zkfs", "companion", strconv.Itoa(os.Getpid()), point} // to be seen by ps
	cmd.Env = []string{fmt.Sprintf("%s=%d %s", companionVariable, os.Getpid(), point)}
	cmd.Dir = "/"
	started, ended := make(chan error), make(chan struct{})
	go func() { // ends with the companion
		runtime.LockOSThread() // whose end is what the companion is told of
		err := follow(cmd)
		if err == nil {
			err = cmd.Start()
		}
		if started <- err; err == nil {
			cmd.Wait()
			close(ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return func() {
		cmd.Process.Kill() // fails if it has ended
		<-ended
	}, nil
}

// accompany is what a companion does. value is that of companionVariable. It returns when the process that this names is dead.
func accompany(value string) error {
	number, point, _ := strings.Cut(value, " ")
	pid, err := strconv.Atoi(number)
	if err != nil {
		return usagef("the environment variable %s is not for users", companionVariable)
	}
	deaths := make(chan os.Signal, 1)
	signal.Notify(deaths, syscall.SIGTERM)
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT)
	mounted, err := mountAt(point)
	if err != nil {
		return err
	}
	if os.Getppid() == pid {
		<-deaths
	}
	// The signal need not be that of the death: one that ends a service goes to all of its processes. A child is its parent's as long as a
	// thread is left that does not end (kernel/exit.c, find_new_reaper).
	for since := time.Now(); os.Getppid() == pid; time.Sleep(lingering / 20) {
		if !isKilled(pid) {
			since = time.Now()
		} else if time.Since(since) > lingering {
			return abort(mounted)
		}
	}
	return nil
}

// isKilled reports whether SIGKILL waits for all threads of a process that have not ended (proc_pid_status(5)).
func isKilled(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid)) // the only error is a bad pattern
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			continue // it has ended
		}
		fields := map[string]string{}
		for line := range strings.Lines(string(text)) {
			key, value, _ := strings.Cut(line, ":")
			fields[key] = strings.TrimSpace(value)
		}
		if strings.HasPrefix(fields["State"], "Z") || strings.HasPrefix(fields["State"], "X") {
			continue
		}
		if pending, _ := strconv.ParseUint(fields["SigPnd"], 16, 64); pending&(1<<(syscall.SIGKILL-1)) == 0 {
			return false
		}
	}
	return true
}

// abort ends the connection of a mount to its process: what waits for that fails. It stays, dead, if it is in use.
func abort(m mount) error {
	now, err := mountAt(m.point)
	if err != nil || !now.isOurs() || now.device != m.device {
		return err
	}
	_, minor, _ := strings.Cut(m.device, ":")
	if err := os.WriteFile("/sys/fs/fuse/connections/"+minor+"/abort", []byte("1"), 0); err == nil {
		return nil
	}
	return unmount(m.point, abortively) // that file system is not mounted everywhere
}
