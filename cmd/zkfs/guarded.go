package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zkfs/zkfs/zk"
)

// forwarded are the signals that end a wait for a lock, and that a command gets which runs under one.
var forwarded = []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGUSR2}

// caught is the signals that were sent to this process.
type caught struct {
	c chan os.Signal
}

// catch catches the forwarded signals, less those that the process was started to ignore, as by nohup.
func catch() caught {
	c := make(chan os.Signal, 16)
	signal.Notify(c, slices.DeleteFunc(slices.Clone(forwarded), func(s os.Signal) bool {
		return s != syscall.SIGTERM && signal.Ignored(s)
	})...)
	return caught{c}
}

func (s caught) stop() { signal.Stop(s.c) }

// interrupt calls f with a context that ends with the first signal, of which the process is then to die.
func (s caught) interrupt(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() { // ends with ctx
		defer close(watched)
		select {
		case got := <-s.c:
			cancel(told(128 + int(got.(syscall.Signal))))
		case <-ctx.Done():
		}
	}()
	err := f(ctx)
	cancel(nil)
	<-watched
	var t told
	if errors.As(context.Cause(ctx), &t) {
		return t
	}
	return err
}

// begin opens a session for name and calls next with it; the first signal ends both. The caller closes the
// connection if there is one.
func (n *connection) begin(
	ctx context.Context, name string, signals caught, progress io.Writer,
	next func(context.Context, *zk.Conn) error, options ...zk.Option,
) (conn *zk.Conn, err error) {
	log := slog.New(slog.NewTextHandler(progress, &slog.HandlerOptions{Level: slog.LevelError}))
	err = signals.interrupt(ctx, func(ctx context.Context) (err error) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		sizes := sizeWatch{refused: func(err error) {
			if cancel(err); !errors.Is(context.Cause(ctx), zk.ErrTooLarge) { // it has begun long ago
				say(progress, "%v", inWords(name, err))
			}
		}}
		options = append(options, zk.WithRequestHook(sizes.hear))
		if conn, err = n.connect(ctx, log, progress, options...); err != nil {
			return err
		}
		if err = next(ctx, conn); err != nil && errors.Is(context.Cause(ctx), zk.ErrTooLarge) {
			return inWords(name, context.Cause(ctx))
		}
		return err
	})
	return conn, err
}

// codesOfCommand begins what the help says of the exit codes of a command that runs another.
const codesOfCommand = "The exit code is that of the command, 128 and the signal's number if one " +
	"has ended it. Others: 1 usage, 12 can not connect, 13 not allowed by the servers, 22 refused by " +
	"them otherwise, "

// guarded is a command that may run as long as lost is open.
type guarded struct {
	cmd     *exec.Cmd
	signals caught
	lost    <-chan struct{}
	grace   time.Duration   // between SIGTERM and SIGKILL
	warn    func()          // called when it is stopped
	before  func(os.Signal) // called before a signal is passed on; nil: nothing is to be done

	stopped bool // because lost was closed
}

// sweep is how often it is looked for what the command has started, and has to be stopped with it.
const sweep = 50 * time.Millisecond

// run runs the command to its end and returns its exit code as told, nil for 0. All that the command has started
// is stopped with it, but left running when it ends by itself.
func (g *guarded) run() error {
	// If this process is killed the command gets SIGTERM, while the session still holds the lock. The thread that has
	// started it must live until then. What its children leave behind becomes children of this process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := bind(g.cmd); err != nil {
		return err
	}
	if err := g.cmd.Start(); err != nil {
		return notRunnable(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- g.cmd.Wait() }() // ends with the command
	for {
		select {
		case err := <-ended:
			select {
			case <-g.lost: // at the same moment
				g.stop(nil)
			default:
			}
			return exitOf(g.cmd, err)
		case s := <-g.signals.c:
			if g.before != nil {
				g.before(s)
			}
			if !fromTerminal(s) {
				g.cmd.Process.Signal(s) // fails only if it has just ended
			}
		case <-g.lost:
			return g.stop(ended)
		}
	}
}

// stop ends the command and what it has started. ended tells the end of the command itself, nil if it has ended.
func (g *guarded) stop(ended <-chan error) error {
	g.stopped = true
	g.warn()
	deadline := time.Now().Add(g.grace)
	var err error
	for sig := syscall.SIGTERM; ; {
		left := descendants(os.Getpid())
		if len(left) == 0 {
			if ended != nil {
				err = <-ended
			}
			reap()
			return exitOf(g.cmd, err)
		}
		for _, pid := range left {
			syscall.Kill(pid, sig) // fails only if it has just ended
			syscall.Kill(pid, syscall.SIGCONT)
		}
		for sig = 0; sig == 0 && len(left) > 0; left = descendants(os.Getpid()) {
			select {
			case err = <-ended:
				ended = nil
			case <-time.After(sweep):
			}
			if time.Now().After(deadline) {
				sig = syscall.SIGKILL
			}
		}
	}
}

// reap takes note of the children that have ended, as whoever has started them would have.
func reap() {
	for {
		if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != nil || pid <= 0 {
			return
		}
	}
}

// exitOf returns the exit code of a command that has ended.
func exitOf(cmd *exec.Cmd, err error) error {
	state := cmd.ProcessState
	switch {
	case state == nil:
		return err
	case state.Success():
		return err // of what it has printed, at most
	}
	if status := state.Sys().(syscall.WaitStatus); status.Signaled() {
		return told(128 + int(status.Signal()))
	}
	return told(state.ExitCode())
}

// notRunnable is the failure of a command that can not be started. The codes are those of shells.
func notRunnable(err error) error {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return failf(exitNotFound, "%v", err)
	}
	return failf(exitNotRunnable, "%v", err)
}

// fromTerminal tells whether a signal has most likely come from a terminal, which sends it to all processes of the job.
func fromTerminal(s os.Signal) bool {
	if s != syscall.SIGINT && s != syscall.SIGQUIT {
		return false
	}
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer tty.Close()
	job, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && job == unix.Getpgrp()
}

// descendants returns the processes that run and were started by pid, by what that has started, and so on.
func descendants(pid int) []int {
	children := map[int][]int{}
	running := map[int]bool{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the only error is a bad pattern
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		id, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		// proc_pid_stat(5): id (command) state parent ...; the command may hold spaces and parentheses
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		parent, _ := strconv.Atoi(string(fields[1]))
		children[parent] = append(children[parent], id)
		running[id] = fields[0][0] != 'Z'
	}
	var found []int
	for queue := children[pid]; len(queue) > 0; queue = queue[1:] {
		if running[queue[0]] {
			found = append(found, queue[0])
		}
		queue = append(queue, children[queue[0]]...)
	}
	return found
}
