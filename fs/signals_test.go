package fs

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zkfs/zkfs/internal/calls"
)

// A call that only asks goes on when a signal comes that does not end its program, until a server
// has answered or the time is over. One that changes something, and one that is to end, fail with
// EINTR in about the second that an answer may still take.
func TestInterrupt(t *testing.T) {
	for _, test := range []struct {
		call    string
		changes bool
		signals []syscall.Signal // the last of them again and again
		want    string
	}{
		{"stat d", false, []syscall.Signal{syscall.SIGURG}, "ETIMEDOUT"},
		{"stat d", false, []syscall.Signal{syscall.SIGALRM}, "ETIMEDOUT"},
		{"cat f", false, []syscall.Signal{syscall.SIGALRM}, "ETIMEDOUT"},
		{"ls d", false, []syscall.Signal{syscall.SIGALRM}, "ETIMEDOUT"},
		{"open 1 f w", false, []syscall.Signal{syscall.SIGALRM}, "ETIMEDOUT"},
		{"getxattr f user.zk.acl", false, []syscall.Signal{syscall.SIGALRM}, "ETIMEDOUT"},
		{"stat d", false, []syscall.Signal{syscall.SIGINT}, "EINTR"},
		{"stat d", false, []syscall.Signal{syscall.SIGALRM, syscall.SIGTERM}, "EINTR"},
		{"mkdir e", true, []syscall.Signal{syscall.SIGALRM}, "EINTR"},
		{"unlink f", true, []syscall.Signal{syscall.SIGURG}, "EINTR"},
	} {
		t.Run(fmt.Sprint(test.call, test.signals), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Options{})
			w.create("/f", "data")
			w.create("/d", "")
			w.create("/d/c", "data")
			f, a := w.session(40*time.Second, Options{Timeout: 2 * calls.Grace})
			a.want("ok", "catch", "HUP", "INT", "TERM", "ALRM")
			if test.changes { // else it would be asked for
				a.do("stat", strings.Fields(test.call)[1])
			}
			stalled := w.stall(f.ensemble.SessionID())
			a.start(strings.Fields(test.call)...)
			<-stalled
			answered := make(chan string, 1)
			go func() { answered <- a.answer() }() // ends with the answer, which the agent bounds
			next := time.NewTicker(calls.Grace / 50)
			defer next.Stop()
			for i := 0; ; i++ {
				select {
				case got := <-answered:
					if got != test.want {
						t.Errorf("%s, want %s", got, test.want)
					}
					return
				case <-next.C:
					a.signal(t, test.signals[min(i, len(test.signals)-1)])
				}
			}
		})
	}
}

// A program that a signal kills while it waits for a server ends at once, after others that it got.
func TestKilledWhileAsking(t *testing.T) {
	for _, signals := range [][]syscall.Signal{{syscall.SIGKILL}, {syscall.SIGINT}, {syscall.SIGQUIT}, {syscall.SIGCHLD, syscall.SIGALRM}} {
		t.Run(fmt.Sprint(signals), func(t *testing.T) {
			w := newWorld(t, Options{})
			w.create("/f", "data")
			f, _ := w.session(40*time.Second, Options{Timeout: time.Hour})
			stalled := w.stall(f.ensemble.SessionID())
			// The shell enters the mount, not this process between fork and exec.
			cat := exec.Command("/bin/sh", "-c", `cd "$1" && ulimit -c 0 && exec cat f`, "sh", f.mountpoint)
			if err := cat.Start(); err != nil {
				t.Fatal(err)
			}
			<-stalled
			for _, s := range signals {
				if err := cat.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
			}
			ended := make(chan struct{})
			go func() { // ends with the process, at the latest with the mount
				cat.Wait()
				close(ended)
			}()
			select {
			case <-ended:
				if status := cat.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != signals[len(signals)-1] {
					t.Errorf("%s", cat.ProcessState)
				}
			case <-time.After(agentPatience):
				t.Error("it hangs")
			}
		})
	}
}

// signal sends a signal to each thread of the agent: to whichever makes the call.
func (a *agent) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	pid := a.cmd.Process.Pid
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Error(err)
	}
	for _, thread := range threads {
		id, _ := strconv.Atoi(thread.Name())
		if err := unix.Tgkill(pid, id, s); err != nil && err != unix.ESRCH {
			t.Error(err)
		}
	}
}
