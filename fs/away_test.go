package fs

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// logged is what a mount has logged.
type logged struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// lines returns how many lines have all the words.
func (l *logged) lines(words ...string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.b.String()) {
		all := true
		for _, word := range words {
			all = all && strings.Contains(line, word)
		}
		if all {
			n++
		}
	}
	return n
}

// inVain lets it seem that a request has waited in vain, which was to change something or not.
func (f *FS) inVain(change bool) { f.ensemble.WaitedInVain(f.ensemble.Wait(0), change) }

// session mounts the server once more, with a session of that length, and returns an agent there.
func (w *world) session(timeout time.Duration, o Options) (*FS, *agent) {
	w.t.Helper()
	conn, _, err := zk.Connect([]string{w.server.Addr()}, timeout, zk.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(conn.Close)
	dir := w.t.TempDir()
	f, err := Mount(conn, dir, o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { f.Unmount() })
	return f, newAgent(w.t, dir)
}

// long is a timeout of requests and of sessions that no test outlasts: a call that ends before has
// another reason.
const long = time.Hour

// longSessions lets sessions be that long.
var longSessions = zktest.WithSessionTimeouts(100*time.Millisecond, long)

// stall makes the server silent for the session from its next request of one of the operations on,
// of any operation if none is given, and returns what is closed then.
func stall(server *zktest.Server, session int64, operations ...string) <-chan struct{} {
	stalled := make(chan struct{})
	var once sync.Once
	server.OnRequest(func(r zktest.Request) zktest.Fault {
		if r.SessionID != session || r.Op == "ping" || len(operations) > 0 && !slices.Contains(operations, r.Op) {
			return zktest.Fault{}
		}
		once.Do(func() { close(stalled) })
		return zktest.Fault{Stall: true}
	})
	return stalled
}

// stall is the function stall until the test ends.
func (w *world) stall(session int64, operations ...string) <-chan struct{} {
	w.t.Cleanup(func() { w.server.OnRequest(nil) })
	return stall(w.server, session, operations...)
}

// A call that a server does not answer ends with ETIMEDOUT when its time is over, not before. The
// session would wait for longer than the test does.
func TestTimeout(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{}, longSessions)
	w.create("/f", "data")
	w.create("/h", "data")
	w.create("/d", "")
	// A reply that is heard at the wrong moment costs one call this time, not the test.
	f, a := w.session(long, Options{Timeout: 10 * time.Second})
	a.want("ok", "open", "1", "f", "rw")
	a.want("ok", "write", "1", "x")
	w.stall(f.ensemble.SessionID())
	for _, call := range []string{"stat d", "cat f", "put f y", "put new y", "mkdir e", "ls d",
		"unlink f", "rmdir d", "rename f g", "truncate h 1",
		"getxattr f user.zk.acl", "setxattr f user.zk.acl world:anyone:r", "fsync 1", "close 1"} {
		begun := time.Now()
		f.inVain(false) // so the time of this one is hopeless
		got := a.do(strings.Fields(call)...)
		took := time.Since(begun)
		switch {
		case got != "ETIMEDOUT" && !(call == "cat f" && got == `ok "xata"`): // what is written here is read
			t.Errorf("%s: %s", call, got)
		case got == "ETIMEDOUT" && took < ensemble.Hopeless:
			t.Errorf("%s took %v", call, took)
		}
	}
}

// Options.Timeout is what a call of the kernel takes. Once it has waited in vain, the next ones do
// not wait as long, until a server is heard.
func TestSilence(t *testing.T) {
	t.Parallel()
	const timeout = 2 * time.Second
	w := newWorld(t, Options{}, longSessions)
	w.create("/f", "data") // of a name that is missing the list of the root may tell
	f, a := w.session(long, Options{Timeout: timeout})
	w.stall(f.ensemble.SessionID())
	begun := time.Now()
	a.want("ETIMEDOUT", "stat", "f")
	if took := time.Since(begun); took < timeout {
		t.Errorf("it took %v", took)
	}
	if got := f.ensemble.Wait(long).Patience; got != ensemble.Hopeless {
		t.Errorf("the next request waits for %v", got)
	}
	w.server.OnRequest(nil)
	w.server.Disconnect()
	a.eventually(w, "ok file 0644 size=4 nlink=1", "stat", "f")
	if got := f.ensemble.Wait(long).Patience; got != long {
		t.Errorf("after an answer a request waits for %v", got)
	}
}

// Servers that commit nothing but do answer otherwise: a change that waited in vain is remembered,
// though the connection is lost over each and reads are answered by the next.
func TestStand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{}, longSessions)
	f, a := w.session(long, Options{Timeout: long})
	// To ask the server for create2 takes a session, which is a change. It has been asked and has
	// ended from here on.
	a.want("ok", "mkdir", "before")
	w.until(func() (got, limit int) { return len(w.server.Sessions()), 3 }, "sessions of two mounts and another client")
	a.want("ENOENT", "stat", "nobefore")
	w.stall(f.ensemble.SessionID(), "create2", "sync")
	f.inVain(true)
	for _, name := range []string{"first", "second", "third"} {
		a.want("ETIMEDOUT", "mkdir", name)
		w.server.Disconnect()
		a.eventually(w, "ENOENT", "stat", "no"+name) // by a new connection
	}
	w.server.OnRequest(nil)
	w.server.Disconnect()
	a.eventually(w, "ok", "put", "more", "x")
	if got := f.ensemble.Wait(long).Patience; got != long {
		t.Errorf("after an answer a change waits for %v", got)
	}
}

// While it is known that there is no server, calls fail at once, those of open files too. Then nothing is trusted any more
// that was known when the connection was lost.
func TestHostDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	f, a := w.session(2*time.Second, Options{Timeout: long})
	a.want("ok", "open", "1", "f", "w+creat")
	a.want("ok", "write", "1", "data")
	w.create("/known", "data")
	a.eventually(w, `ok "data"`, "cat", "known")
	w.server.Refuse(true)
	w.server.Disconnect()
	const ticks = 100 * time.Millisecond // the kernel rounds up
	for patience := time.Now().Add(hang); f.ensemble.Away() < f.ensemble.SessionTimeout()+ticks; {
		if time.Now().After(patience) {
			t.Fatal("the connection is not lost")
		}
		a.do("access", ".", "r")
	}
	for _, call := range []string{"stat known", "cat known", "stat new", "put new x", "mkdir d", "write 1 more", "fsync 1"} {
		a.want("EHOSTDOWN", strings.Fields(call)...)
	}
	a.want("ok", "access", ".status", "r")
	a.want("ok", "statfs", ".")
}

// What no system call can report is logged with its path, counted, and stands in /.status.
func TestLostWrite(t *testing.T) {
	var log logged
	w := newWorld(t, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	w.create("/f", "old")
	w.want("ok", "open", "1", "f", "w+trunc")
	w.set("/f", "theirs")
	w.want("ok", "close", "1") // as of a shell that goes on to write
	for patience := time.Now().Add(hang); w.fs.Stats().FailedCommits == 0; {
		if time.Now().After(patience) {
			t.Fatal("it is not counted")
		}
		w.do("access", ".", "r")
	}
	w.holds("/f", "theirs", 1)
	if log.lines("written data is lost", "path=/f", "level=WARN") != 1 {
		t.Errorf("the log: %s", log.b.String())
	}
	if status := w.do("cat", ".status"); !strings.Contains(status, "failed commits   1") || !strings.Contains(status, " /f: ") {
		t.Errorf("%s", status)
	}
	w.want(`ok "theirs"`, "cat", "f")
}

// What no table foresees is EIO, and one line in the log.
func TestUnforeseenError(t *testing.T) {
	var log logged
	w := newWorld(t, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	w.create("/odd", "data") // of a name that is missing the list of the root may tell
	w.server.OnRequest(func(r zktest.Request) zktest.Fault {
		if r.Op == "exists" && r.Path == "/odd" {
			return zktest.Fault{Code: -1}
		}
		return zktest.Fault{}
	})
	w.want("EIO", "stat", "odd")
	w.server.OnRequest(nil)
	if n := log.lines("path=/odd", "level=ERROR"); n != 1 {
		t.Errorf("%d lines", n)
	}
	w.eventually("ok file 0644 size=4 nlink=1", "stat", "odd")
}

// A znode that was deleted and created again has the versions of the first: what is based on one can meet the other. It is noticed afterwards.
func TestWriteMeetsAnotherLife(t *testing.T) {
	var log logged
	w := newWorld(t, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	w.create("/f", "old")
	w.want("ok", "open", "1", "f", "rw")
	w.want(`ok "old"`, "read", "1")
	w.want("ok", "write", "1", "!")
	mine := w.fs.ensemble.SessionID()
	done := false
	w.server.OnRequest(func(r zktest.Request) zktest.Fault {
		if r.Op == "setData" && r.SessionID == mine && !done {
			done = true
			w.remove("/f")
			w.create("/f", "another")
		}
		return zktest.Fault{}
	})
	w.want("ok", "close", "1")
	w.server.OnRequest(nil)
	w.holds("/f", "old!", 1)
	if log.lines("deleted and created again", "path=/f") != 1 {
		t.Errorf("the log: %s", log.b.String())
	}
}

// An ACL of which a server hides a digest is neither inherited nor set: it would lock everybody out.
func TestMaskedACL(t *testing.T) {
	var log logged
	w := newWorld(t, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	w.closed("/d", "", append(zk.DigestACL(zk.PermAll, "ann", "secret"), zk.WorldACL(zk.PermRead|zk.PermCreate)...))
	w.create("/f", "x")
	s := w.spyOn()
	w.want("EACCES", "mkdir", "d/e")
	w.want("EACCES", "put", "d/f", "x")
	if sent := s.take(true); len(sent) != 0 {
		t.Errorf("sent all the same: %q", sent)
	}
	if log.lines("--acl creator", "path=/d") == 0 {
		t.Errorf("the log: %s", log.b.String())
	}
	acl := w.do("getxattr", "d", "user.zk.acl")[3:]
	if !strings.Contains(acl, "digest:ann:x:") {
		t.Errorf("%s", acl)
	}
	w.want("EACCES", "setxattr", "f", "user.zk.acl", acl)
	w.want("ok", "put", "f~", "x")
	w.want("EACCES", "setxattr", "f~", "user.zk.acl", acl)
	w.want("ok world:anyone:cdrwa", "getxattr", "f", "user.zk.acl")
	other := t.TempDir()
	w.mount(other, Options{ACL: ACLOpen})
	newAgent(t, other).want("ok", "mkdir", "d/e")
}
