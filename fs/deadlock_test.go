package fs

import (
	"fmt"
	"testing"
	"time"
)

// F_GETLK names the process that has the lock by fcntl(2) on this mount, and no other.
func TestGetlkNamesTheHolder(t *testing.T) {
	w := newWorld(t, Options{})
	near, far := newAgent(t, w.dir), w.second()
	w.create("/f", "data")
	for _, a := range []*agent{w.agent, near, far} {
		a.want("ok", "open", "1", "f", "rw")
	}
	near.want("ok u pid=0", "getlk", "1", "w")
	for kind, locked := range map[string]string{"w": "w", "r": "r"} {
		w.want("ok", "setlk", "1", kind, "0", "0")
		near.want(fmt.Sprintf("ok %s pid=%d", locked, w.cmd.Process.Pid), "getlk", "1", "w")
		far.want(fmt.Sprintf("ok %s pid=0", locked), "getlk", "1", "w")
		w.want("ok u pid=0", "getlk", "1", "w")
		w.want("ok", "setlk", "1", "u", "0", "0")
	}
	w.want("ok", "setlk", "1", "r", "0", "0")
	near.want("ok u pid=0", "getlk", "1", "r")
	w.want("ok", "setlk", "1", "u", "0", "0")
	w.want("ok", "flock", "1", "ex")
	near.want("ok w pid=0", "getlk", "1", "w")
}

// Processes that would wait for each other by fcntl(2) are told, whether they are two or more; the
// others go on.
func TestDeadlock(t *testing.T) {
	for _, n := range []int{2, 3} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			w := newWorld(t, Options{})
			agents := make([]*agent, n)
			for i := range agents {
				agents[i] = newAgent(t, w.dir)
				w.create(fmt.Sprintf("/f%d", i), "data")
			}
			for i, a := range agents {
				for k := range n {
					a.want("ok", "open", fmt.Sprint(k), fmt.Sprintf("f%d", k), "rw")
				}
				a.want("ok", "setlk", fmt.Sprint(i), "w", "0", "0")
			}
			last := agents[n-1]
			for i, a := range agents[:n-1] {
				a.start("setlkw", fmt.Sprint(i+1), "w")
				w.fs.locks.awaitWaiters(t, i+1)
			}
			last.want("EDEADLK", "setlkw", "0", "w")
			last.want("EAGAIN", "setlk", "0", "w", "0", "0")
			last.want("ok", "setlk", fmt.Sprint(n-1), "u", "0", "0")
			for i := n - 2; i >= 0; i-- {
				if got := agents[i].answer(); got != "ok" {
					t.Errorf("agent %d: %s", i, got)
				}
				agents[i].want("ok", "setlk", fmt.Sprint(i), "u", "0", "0")
			}
			w.fs.locks.awaitWaiters(t, 0)
		})
	}
}

// Processes that share a lock do not wait for each other.
func TestNoDeadlockOfShared(t *testing.T) {
	w := newWorld(t, Options{})
	a, b := newAgent(t, w.dir), newAgent(t, w.dir)
	w.create("/f", "data")
	w.create("/g", "data")
	for _, x := range []*agent{a, b} {
		x.want("ok", "open", "f", "f", "rw")
		x.want("ok", "open", "g", "g", "rw")
		x.want("ok", "setlk", "f", "r", "0", "0")
	}
	a.want("ok", "setlk", "g", "w", "0", "0")
	b.start("setlkw", "g", "r")
	w.fs.locks.awaitWaiters(t, 1)
	a.want("ok", "setlkw", "f", "r")
	a.want("EDEADLK", "setlkw", "f", "w")
	a.want("ok", "setlk", "g", "u", "0", "0")
	if got := b.answer(); got != "ok" {
		t.Error(got)
	}
}

// awaitWaiters waits until so many requests of fcntl(2) wait.
func (l *locks) awaitWaiters(t *testing.T, n int) {
	t.Helper()
	for deadline := time.Now().Add(agentPatience); ; {
		l.mu.Lock()
		waiting := len(l.waiting)
		l.mu.Unlock()
		if waiting == n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d requests wait, not %d", waiting, n)
		}
	}
}
