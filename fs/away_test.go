package fs

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

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

// stall makes the server silent for the session from its next request on, and returns what is closed then.
func (w *world) stall(session int64) <-chan struct{} {
	stalled := make(chan struct{})
	var once sync.Once
	w.server.OnRequest(func(r zktest.Request) zktest.Fault {
		if r.SessionID != session || r.Op == "ping" {
			return zktest.Fault{}
		}
		once.Do(func() { close(stalled) })
		return zktest.Fault{Stall: true}
	})
	w.t.Cleanup(func() { w.server.OnRequest(nil) })
	return stalled
}

// A call that a server does not answer ends with ETIMEDOUT when the time is over, not before and not much later.
func TestTimeout(t *testing.T) {
	const timeout = 300 * time.Millisecond
	w := newWorld(t, Options{})
	w.create("/f", "data")
	w.create("/h", "data")
	w.create("/d", "")
	f, a := w.session(40*time.Second, Options{Timeout: timeout})
	a.want("ok", "open", "1", "f", "rw")
	a.want("ok", "write", "1", "x")
	w.stall(f.conn.SessionID())
	for _, call := range []string{"stat nosuch", "cat f", "put f y", "put new y", "mkdir e", "ls d", "unlink f", "rmdir d", "rename f g", "truncate h 1",
		"getxattr f user.zk.acl", "setxattr f user.zk.acl world:anyone:r", "fsync 1", "close 1"} {
		f.silence.since.Store(nil) // each is the first
		f.silence.change.Store(nil)
		begun := time.Now()
		got := a.do(strings.Fields(call)...)
		took := time.Since(begun)
		switch {
		case got != "ETIMEDOUT" && !(call == "cat f" && got == `ok "xata"`): // what is written here is read
			t.Errorf("%s: %s", call, got)
		case got == "ETIMEDOUT" && (took < timeout || took > timeout+2*time.Second):
			t.Errorf("%s took %v", call, took)
		}
	}
}

// Once a call has waited in vain, the next ones do not wait as long: others may wait for them in turn. When a server is heard again they do.
func TestSilence(t *testing.T) {
	const timeout = 3 * time.Second
	w := newWorld(t, Options{})
	f, a := w.session(40*time.Second, Options{Timeout: timeout})
	times := func(call ...string) time.Duration {
		begun := time.Now()
		a.want("ETIMEDOUT", call...)
		return time.Since(begun)
	}
	w.stall(f.conn.SessionID())
	if took := times("stat", "nosuch"); took < timeout {
		t.Errorf("the first call took %v", took)
	}
	for _, name := range []string{"nosuch", "other"} {
		if took := times("stat", name); took < hopeless || took > timeout/2 {
			t.Errorf("%s took %v", name, took)
		}
	}
	w.server.OnRequest(nil)
	w.server.Disconnect()
	a.eventually(w, "ENOENT", "stat", "nosuch")
	w.stall(f.conn.SessionID())
	if took := times("stat", "another"); took < timeout {
		t.Errorf("after an answer a call took %v", took)
	}
}

// Servers that commit nothing but do answer otherwise: once a change has waited in vain, the next ones do not wait as long, though the
// connection is lost over each and reads are answered by the next. When something is committed they do.
func TestStand(t *testing.T) {
	const timeout = 3 * time.Second
	w := newWorld(t, Options{})
	f, a := w.session(1500*time.Millisecond, Options{Timeout: timeout}) // given up after a second of silence
	times := func(call ...string) time.Duration {
		begun := time.Now()
		if got := a.do(call...); got != "ETIMEDOUT" && got != "EIO" { // EIO: what became of it is not known
			t.Errorf("%v: %s", call, got)
		}
		return time.Since(begun)
	}
	stand := func() {
		w.server.OnRequest(func(r zktest.Request) zktest.Fault {
			return zktest.Fault{Stall: r.SessionID == f.conn.SessionID() && (r.Op == "create2" || r.Op == "sync")}
		})
	}
	t.Cleanup(func() { w.server.OnRequest(nil) })
	stand()
	if took := times("mkdir", "first"); took < timeout {
		t.Errorf("the first change took %v", took)
	}
	for _, name := range []string{"second", "third", "fourth"} {
		if took := times("mkdir", name); took > timeout/2 {
			t.Errorf("the %s took %v", name, took)
		}
		a.eventually(w, "ENOENT", "stat", "no"+name) // by a new connection
	}
	w.server.OnRequest(nil)
	a.eventually(w, "ok", "mkdir", "more")
	stand()
	if took := times("mkdir", "after"); took < timeout {
		t.Errorf("after an answer a change took %v", took)
	}
}

// A signal ends a call that waits for a server, in about the second that an answer may still take.
func TestInterrupt(t *testing.T) {
	w := newWorld(t, Options{})
	f, a := w.session(40*time.Second, Options{Timeout: time.Minute})
	stalled := w.stall(f.conn.SessionID())
	a.start("stat", "nosuch")
	<-stalled
	begun := time.Now()
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", a.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks { // whichever makes the call
		id, _ := strconv.Atoi(task.Name())
		if err := unix.Tgkill(a.cmd.Process.Pid, id, syscall.SIGURG); err != nil {
			t.Fatal(err)
		}
	}
	if got, took := a.answer(), time.Since(begun); got != "EINTR" || took > grace+4*time.Second {
		t.Errorf("%s after %v", got, took)
	}
}

// While it is known that there is no server, calls fail at once, those of open files too. Then nothing is trusted any more
// that was known when the connection was lost.
func TestHostDown(t *testing.T) {
	w := newWorld(t, Options{}, zktest.WithSessionTimeouts(100*time.Millisecond, time.Minute))
	f, a := w.session(500*time.Millisecond, Options{Timeout: 30 * time.Second})
	a.want("ok", "open", "1", "f", "w+creat")
	a.want("ok", "write", "1", "data")
	w.create("/known", "data")
	a.eventually(w, `ok "data"`, "cat", "known")
	w.server.Refuse(true)
	w.server.Disconnect()
	const ticks = 100 * time.Millisecond // the kernel rounds up
	for patience := time.Now().Add(20 * time.Second); f.watch.away() < f.conn.SessionTimeout()+ticks; {
		if time.Now().After(patience) {
			t.Fatal("the connection is not lost")
		}
		a.do("access", ".", "r")
	}
	begun := time.Now()
	for _, call := range []string{"stat known", "cat known", "stat new", "put new x", "mkdir d", "write 1 more", "fsync 1"} {
		a.want("EHOSTDOWN", strings.Fields(call)...)
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("that took %v", took)
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
	for patience := time.Now().Add(10 * time.Second); w.fs.Stats().FailedCommits == 0; {
		if time.Now().After(patience) {
			t.Fatal("it is not counted")
		}
		w.do("access", ".", "r")
	}
	w.holds("/f", "theirs", 1)
	if log.lines("written data is lost", "path=/f", "level=ERROR") != 1 {
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
	w.want("ENOENT", "stat", "odd")
}

// A znode that was deleted and created again has the versions of the first: what is based on one can meet the other. It is noticed afterwards.
func TestWriteMeetsAnotherLife(t *testing.T) {
	var log logged
	w := newWorld(t, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	w.create("/f", "old")
	w.want("ok", "open", "1", "f", "rw")
	w.want(`ok "old"`, "read", "1")
	w.want("ok", "write", "1", "!")
	mine := w.fs.conn.SessionID()
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
