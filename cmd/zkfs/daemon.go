package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// How a command becomes a daemon: it runs itself once more and waits for what becomes of it.
// The daemon says on standard error why it fails, and its exit code is that of the command. When the mount
// works it lets go of the terminal and writes a byte to a pipe, and the command ends with success.
//
// Until then it stays in the command's process group. When an automount of systemd asks for the
// mount, the kernel lets that group alone walk through the directory (kernel fact 55); every other
// process there waits until the command has ended.

const (
	// daemonVariable is the environment variable that tells the daemon that it is one.
	daemonVariable = "_ZKFS_DAEMON"
	// readyFD is the daemon's end of the pipe.
	readyFD = 3
)

// background starts a daemon with the same arguments and returns when it has mounted or failed.
// What was read for it, credentials above all, goes through standard input: what is in the
// environment of a process that runs for long is seen in /proc.
func (z *command) background(ctx context.Context, in *inputs) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	handed, err := in.hand()
	if err != nil {
		return err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	daemon := exec.Command(exe)
	daemon.Args = append([]string{"zkfs"}, z.args...)
	daemon.Env = append(os.Environ(), daemonVariable+"=1")
	daemon.Stdin, daemon.Stdout, daemon.Stderr = bytes.NewReader(handed), z.out, z.err
	daemon.ExtraFiles = []*os.File{w} // descriptor 3
	err = daemon.Start()
	w.Close()
	if err != nil {
		return err
	}
	// The daemon gives up, says so, and the pipe ends. Ctrl-C reaches both processes.
	stop := context.AfterFunc(ctx, func() { daemon.Process.Signal(syscall.SIGTERM) })
	defer stop()
	if ready, _ := io.ReadAll(r); len(ready) > 0 {
		return nil
	}
	return outcome(daemon.Wait())
}

// outcome is the error of a command whose daemon has ended without a mount.
func outcome(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return told(exit.ExitCode())
	}
	return failf(exitLost, "the daemon has ended before the mount could be used: %v", err)
}

func withoutVariable(environ []string, name string) []string {
	var kept []string
	for _, e := range environ {
		if !strings.HasPrefix(e, name+"=") {
			kept = append(kept, e)
		}
	}
	return kept
}

// daemon is what the process knows that runs as one.
type daemon struct {
	ready *os.File
}

// asDaemon returns nil if this process was not started as a daemon.
func asDaemon() *daemon {
	if os.Getenv(daemonVariable) == "" {
		return nil
	}
	os.Unsetenv(daemonVariable)
	unix.CloseOnExec(readyFD) // fusermount3 must not keep it open
	return &daemon{os.NewFile(readyFD, "ready")}
}

// detach lets go of the terminal, of the working directory, and of the command that waits.
// It fails if nobody waits any more.
func (d *daemon) detach() error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	if err := os.Chdir("/"); err != nil {
		return err
	}
	if _, err := unix.Setsid(); err != nil {
		return fmt.Errorf("setsid: %w", err)
	}
	for fd := range 3 {
		if err := unix.Dup2(int(null.Fd()), fd); err != nil {
			return err
		}
	}
	defer d.ready.Close()
	if _, err := d.ready.Write([]byte{1}); err != nil {
		return fmt.Errorf("nobody waits for the mount: %w", err)
	}
	return nil
}
