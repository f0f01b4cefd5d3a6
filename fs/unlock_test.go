package fs

import (
	"context"
	"log/slog"
	"math"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/zkfs/zkfs/zk/zktest"
)

// While a lock is given back to a server that does not answer, nothing else on the mount waits for
// that.
func TestNothingWaitsForAnUnlock(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f", "data")
	f, a := w.session(40*time.Second, Options{Timeout: agentPatience / 2})
	near := newAgent(t, f.mountpoint)
	a.want("ok", "open", "1", "x.lock", "r+creat")
	a.want("ok", "flock", "1", "ex")
	near.want("ok", "open", "2", "f", "rw")
	near.want(`ok "data"`, "read", "2")
	stalled := w.stall(f.ensemble.SessionID())
	a.start("flock", "1", "un")
	<-stalled

	if got := near.do("cat", ".status"); !strings.Contains(got, "locks held       0") || !strings.Contains(got, "/x.lock, of process") {
		t.Errorf(".status is %s", got)
	}
	if n := f.Stats().LocksLeaving; n != 1 {
		t.Errorf("%d locks are being given back", n)
	}
	near.want(`ok "data"`, "pread", "2", "0", "9")
	near.want("ok", "seek", "2", "0")
	near.want("ok", "write", "2", "DATA")
	near.want(`ok "DATA"`, "cat", "f")
	select {
	case got := <-a.Answers():
		t.Errorf("the unlock did not wait for the server, so nothing was tried: %s", got)
	default:
	}
	w.mend(f)
	if got := a.answer(); got != "ok" {
		t.Errorf("flock: %s", got)
	}
}

// mend ends what is wrong with the server.
func (w *world) mend(f *FS) {
	w.server.OnRequest(nil)
	w.server.Disconnect()
	w.create("/mended", "") // by which the mount sees that changes are made again
	w.remove("/mended")
	for patience := time.Now().Add(hang); f.ensemble.Wait(long).Patience < long; {
		if time.Now().After(patience) {
			w.t.Fatal("the servers seem to be silent")
		}
		f.ensemble.Descendants(w.t.Context(), "/zookeeper")
	}
}

// Every way to give a lock back ends when the time of a call is over, long before the session may
// end, and the lock is given back all the same.
func TestUnlockingIsBounded(t *testing.T) {
	t.Parallel()
	const timeout = 2 * time.Second // the lock has to be taken within it, too
	for _, test := range []struct{ lock, unlock, want string }{
		{"flock 1 ex", "flock 1 un", "ok"},
		{"flock 1 sh", "close 1", "ok"},
		{"setlk 1 w 0 0", "setlk 1 u 0 0", "ok"},
		{"setlk 1 w 0 0", "close 1", "ok"},
		{"setlk 1 w 0 0", "dupclose 1", "ok"},
		{"flock 1 ex", "flock 1 sh", "ETIMEDOUT"},
		{"flock 1 ex", "flock 1 sh+nb", "ETIMEDOUT"},
		{"setlk 1 w 0 0", "setlk 1 r 0 0", "ETIMEDOUT"},
	} {
		t.Run(test.lock+" "+test.unlock, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Options{}, longSessions)
			f, a := w.session(long, Options{Timeout: timeout})
			a.want("ok", "open", "1", "x.lock", "rw+creat")
			a.want("ok", strings.Fields(test.lock)...)
			session := f.ensemble.SessionID()
			stalled := w.stall(session)
			a.want(test.want, strings.Fields(test.unlock)...)
			<-stalled
			if n := f.locks.count(); n != 0 {
				t.Errorf("%d locks are held", n)
			}
			w.mend(f)
			if _, err := f.ensemble.ACL(w.t.Context(), "/"); err != nil { // asks on the next connection
				t.Fatal(err)
			}
			if f.ensemble.SessionID() != session { // the server resumes none: the lock goes with it
				w.server.ExpireSession(session)
			}
			w.given(f)
		})
	}
}

// given waits until the lock on /x.lock is given back.
func (w *world) given(f *FS) {
	w.t.Helper()
	w.eventually("ok", "open", "9", "x.lock", "r+creat")
	w.want("ok", "flock", "9", "ex")
	for deadline := time.Now().Add(agentPatience); f.Stats().LocksLeaving != 0; {
		if time.Now().After(deadline) {
			w.t.Fatal("the lock is still being given back")
		}
	}
}

// A signal ends the wait for an unlock as it ends that for a lock.
func TestUnlockingEndsWithASignal(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/x.lock", "data")
	f, a := w.session(40*time.Second, Options{Timeout: time.Hour})
	a.want("ok file 0644 size=4 nlink=1", "stat", "x.lock")
	file := f.nodes.find("/x.lock").(*file)
	h := newHandle(file, syscall.O_RDONLY, 0)
	lk := fuse.FileLock{Typ: syscall.F_WRLCK, End: math.MaxInt64}
	if errno := file.Setlkw(t.Context(), h, 7, &lk, fuse.FUSE_LK_FLOCK); errno != 0 {
		t.Fatal(errno)
	}
	stalled := w.stall(f.ensemble.SessionID())
	ctx, signal := context.WithCancel(t.Context())
	unlocked := make(chan syscall.Errno, 1)
	lk.Typ = syscall.F_UNLCK
	go func() { unlocked <- file.Setlk(ctx, h, 7, &lk, fuse.FUSE_LK_FLOCK) }() // ends with ctx
	<-stalled
	signal()
	select {
	case errno := <-unlocked:
		if errno != 0 {
			t.Error(errno)
		}
	case <-time.After(agentPatience):
		t.Fatal("the signal does not end it")
	}
	w.mend(f)
	w.given(f)
	h.Release(t.Context())
}

// A lock that the servers do not let go is still held: the program is told, and the log.
func TestUnlockRefused(t *testing.T) {
	var log logged
	w := newWorld(t, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	w.want("ok", "open", "1", "x.lock", "r+creat")
	w.want("ok", "flock", "1", "ex")
	w.server.OnRequest(func(r zktest.Request) zktest.Fault {
		if r.Op == "delete" {
			return zktest.Fault{Code: -102}
		}
		return zktest.Fault{}
	})
	w.want("EACCES", "flock", "1", "un")
	if n := w.fs.locks.count(); n != 1 {
		t.Errorf("%d locks are held", n)
	}
	if log.lines("WARN", "/x.lock", "DELETE") != 1 {
		t.Errorf("the log is %s", log.b.String())
	}
	w.server.OnRequest(nil)
	w.want("ok", "flock", "1", "un")
	if n := w.fs.locks.count(); n != 0 {
		t.Errorf("%d locks are held", n)
	}
}
