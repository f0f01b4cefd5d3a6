package main

import (
	"context"
	"os"
	"os/exec"
	"syscall"
	"time"
)

const (
	// settleWait is how long a command waits for more switches, each of which it would follow.
	settleWait = 100 * time.Millisecond
	// execLeave is how long a command may take to end when the mirror ends.
	execLeave = 5 * time.Second
)

// An afterSwitch runs a command after switches of a mirror, one at a time.
type afterSwitch struct {
	kicks  chan struct{} // has an element when the command is to run; nil if there is none
	cancel context.CancelFunc
	done   chan struct{}
}

// runAfter returns what runs a command, "" for none. It is to be ended.
func (z *command) runAfter(command string) *afterSwitch {
	if command == "" {
		return &afterSwitch{}
	}
	ctx, cancel := context.WithCancel(context.Background())
	a := &afterSwitch{kicks: make(chan struct{}, 1), cancel: cancel, done: make(chan struct{})}
	go func() { // ends with end
		defer close(a.done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-a.kicks:
			}
			pause(ctx, settleWait)
			select {
			case <-a.kicks:
			default:
			}
			if ctx.Err() != nil {
				return
			}
			if err := z.shell(ctx, command).Run(); err != nil && ctx.Err() == nil {
				say(z.err, "--exec: %v", err)
			}
		}
	}()
	return a
}

// kick lets the command run, soon or when it has ended.
func (a *afterSwitch) kick() {
	if a.kicks == nil {
		return
	}
	select {
	case a.kicks <- struct{}{}:
	default:
	}
}

// end ends the command that runs, if one does.
func (a *afterSwitch) end() {
	if a.kicks != nil {
		a.cancel()
		<-a.done
	}
}

// shell returns a command of a shell. Its process group gets SIGTERM when ctx ends.
func (z *command) shell(ctx context.Context, command string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.Env = withoutVariable(os.Environ(), authVariable)
	cmd.Stdout, cmd.Stderr = z.out, z.err
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = execLeave
	return cmd
}
