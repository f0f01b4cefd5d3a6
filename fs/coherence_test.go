package fs

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// modes runs a test with each way of noticing changes.
func modes(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	modesWith(t, Options{}, test)
}

// modesWith is modes with other options besides.
func modesWith(t *testing.T, o Options, test func(t *testing.T, w *world)) {
	t.Helper()
	for _, mode := range []WatchMode{WatchTree, WatchNode} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			o := o
			o.Watch = mode
			test(t, newWorld(t, o))
		})
	}
}

func TestChangesByOthersAreSeen(t *testing.T) {
	modes(t, func(t *testing.T, w *world) {
		w.create("/d", "")
		w.create("/d/f", "one")
		w.want(`ok "one"`, "cat", "d/f")
		w.want("ok f", "ls", "d")
		w.set("/d/f", "two and more")
		w.eventually(`ok "two and more"`, "cat", "d/f")
		w.want("ok file 0644 size=12 nlink=1", "stat", "d/f")
		w.want("ENOENT", "stat", "d/g")
		w.create("/d/g", "g")
		w.eventually(`ok "g"`, "cat", "d/g")
		w.want("ok f g", "ls", "d")
		w.remove("/d/f")
		w.eventually("ENOENT", "stat", "d/f")
		w.want("ok g", "ls", "d")
		w.remove("/d/g")
		w.remove("/d")
		w.eventually("ENOENT", "ls", "d")
	})
}

// One size and one content: a reader never sees the new data cut to the old length.
func TestReadsAreNotTorn(t *testing.T) {
	modes(t, func(t *testing.T, w *world) {
		w.create("/f", "0")
		for i := 1; i < 200; i++ {
			w.do("cat", "f")
			text := fmt.Sprintf("%0*d", 1+i%7, i%10)
			w.set("/f", text)
			w.eventually(fmt.Sprintf("ok %q", text), "cat", "f")
		}
	})
}

// A reader of a large file gets one version of it, whole, even if it changes while it is read; the next one gets the next.
func TestLargeReadsAreOfOneVersion(t *testing.T) {
	modesWith(t, Options{write: maxWrite}, func(t *testing.T, w *world) {
		const size = 600 << 10
		text := func(c string) string { return strings.Repeat(c, size) }
		part := func(c string) string { return fmt.Sprintf("ok %q", strings.Repeat(c, 5)) }
		w.create("/f", text("a"))
		w.want("ok", "open", "1", "f", "r")
		w.want(part("a"), "pread", "1", "0", "5")
		w.set("/f", text("b"))
		w.want("ok", "open", "2", "f", "r")
		w.eventually(part("b"), "pread", "2", "0", "5")
		w.want(part("a"), "pread", "1", fmt.Sprint(size/2), "5")
		w.want(part("b"), "pread", "2", fmt.Sprint(size/2), "5")
		w.eventually(part("b"), "pread", "1", "0", "5")
		w.want(part("b"), "pread", "1", fmt.Sprint(size/2), "5")
		w.set("/f", text("b")+"more!")
		w.eventually(`ok "more!"`, "pread", "1", fmt.Sprint(size), "5")
		// The end of what it read, not of what took its place.
		w.set("/f", text("c")+"more, and more")
		w.want("ok", "open", "3", "f", "r")
		w.eventually(part("c"), "pread", "3", "0", "5")
		w.want(`ok ""`, "pread", "1", fmt.Sprint(size+5), "5")
	})
}

// An open file shows what others write, as tail -f expects it.
func TestOpenFileFollows(t *testing.T) {
	modes(t, func(t *testing.T, w *world) {
		w.create("/log", "a\n")
		w.want("ok", "open", "1", "log", "r")
		w.want(`ok "a\n"`, "read", "1")
		w.set("/log", "a\nb\n")
		w.eventually(`ok "a\nb\n"`, "pread", "1", "0", "100")
		w.eventually("ok size=4 nlink=1", "fstat", "1")
	})
}

func TestDeletedAndCreatedAgain(t *testing.T) {
	modes(t, func(t *testing.T, w *world) {
		w.create("/n", "file")
		w.want(`ok "file"`, "cat", "n")
		w.want("ok", "open", "1", "n", "r")
		w.remove("/n")
		w.create("/n", "")
		w.create("/n/c", "child")
		w.eventually(`ok "child"`, "cat", "n/c")
		w.want(`ok "file"`, "read", "1")
	})
}

// What the cache knows is asked from nobody while a watch stands.
func TestWarmReadsAskNobody(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/d", "")
	w.create("/d/f", "data")
	requests := make(chan string, 100)
	warm := func() {
		w.want(`ok "data"`, "cat", "d/f")
		w.want("ok f", "ls", "d")
		w.want("ENOENT", "stat", "d/nosuch")
		w.want("ok file 0644 size=4 nlink=1", "stat", "d/f")
	}
	warm()
	w.server.OnRequest(func(r zktest.Request) zktest.Fault {
		if r.Op != "ping" {
			requests <- r.Op + " " + r.Path
		}
		return zktest.Fault{}
	})
	warm()
	w.server.OnRequest(nil)
	close(requests)
	for r := range requests {
		t.Errorf("a warm read asks for %s", r)
	}
}

// What fired one of the watches of a znode and what was asked for since do not leave it without the other.
func TestWatchesOfDataAndChildren(t *testing.T) {
	modes(t, func(t *testing.T, w *world) {
		w.want("ok", "mkdir", "d")
		for i := range 5 {
			w.want("ok", "put", "d/.data", "x")
			w.want("ok .data", "ls", "d")
			w.set("/d", "")
			w.eventually("ok", "ls", "d")

			f := fmt.Sprint("f", i)
			w.create("/"+f, "x")
			w.eventually(`ok "x"`, "cat", f)
			w.want("ok", "open", "1", f, "r")
			w.remove("/" + f)
			w.eventually("ok size=1 nlink=0", "fstat", "1")
			w.want("ENOENT", "cat", f)
			w.create("/"+f, "")
			w.eventually("ok", "ls", f)
			w.create("/"+f+"/c", "")
			w.eventually("ok c", "ls", f)
			w.set("/"+f, "own")
			w.eventually("ok .data c", "ls", f)
		}
	})
}

// After MaxAge the servers are asked again, although no watch has reported anything.
func TestMaxAge(t *testing.T) {
	w := newWorld(t, Options{MaxAge: 100 * time.Millisecond})
	w.create("/f", "data")
	asked := make(chan bool, 1)
	w.want("ok file 0644 size=4 nlink=1", "stat", "f")
	w.server.OnRequest(func(r zktest.Request) zktest.Fault {
		if r.Op != "ping" && r.Path == "/f" {
			select {
			case asked <- true:
			default:
			}
		}
		return zktest.Fault{}
	})
	defer w.server.OnRequest(nil)
	for patience := time.Now().Add(hang); len(asked) == 0; {
		w.want("ok file 0644 size=4 nlink=1", "stat", "f")
		if time.Now().After(patience) {
			t.Fatal("nobody is asked")
		}
	}
}

// A change that was made while the connection was away is seen after it.
func TestReconnect(t *testing.T) {
	modes(t, func(t *testing.T, w *world) {
		w.create("/f", "old")
		w.create("/d", "")
		w.want(`ok "old"`, "cat", "f")
		w.want("ok", "ls", "d")
		w.server.Disconnect()
		w.set("/f", "new data")
		w.create("/d/x", "")
		w.eventually(`ok "new data"`, "cat", "f")
		w.eventually("ok x", "ls", "d")
		w.set("/f", "newer")
		w.eventually(`ok "newer"`, "cat", "f")
	})
}

// After the end of a session everything is watched again.
func TestNewSession(t *testing.T) {
	modes(t, func(t *testing.T, w *world) {
		w.create("/f", "old")
		w.want(`ok "old"`, "cat", "f")
		if !w.server.ExpireSession(w.fs.ensemble.SessionID()) {
			t.Fatal("there is no such session")
		}
		w.set("/f", "new")
		w.eventually(`ok "new"`, "cat", "f")
		for i := range 20 {
			text := fmt.Sprint("after ", i)
			w.set("/f", text)
			w.eventually(fmt.Sprintf("ok %q", text), "cat", "f")
		}
	})
}

// fsync of a file that nothing was written to makes the next read as new as the call.
func TestSync(t *testing.T) {
	w := newWorld(t, Options{Watch: WatchOff, MaxAge: time.Hour})
	w.create("/f", "old")
	w.want(`ok "old"`, "cat", "f")
	w.set("/f", "new")
	w.want("ok", "open", "1", "f", "r")
	w.want("ok", "fsync", "1")
	w.want(`ok "new"`, "cat", "f")
}

// The event of a change that overtakes one of this mount's own is not taken for that.
func TestOvertakenChange(t *testing.T) {
	w := newWorld(t, Options{})
	w.want("ENOENT", "stat", "d")
	mine := w.fs.ensemble.SessionID()
	overtaken := false
	w.server.OnRequest(func(r zktest.Request) zktest.Fault {
		if r.Op == "create2" && r.SessionID == mine && !overtaken {
			overtaken = true
			w.create("/d", "")
		}
		return zktest.Fault{}
	})
	w.want("EEXIST", "mkdir", "d")
	w.server.OnRequest(nil)
	w.eventually("ok dir 0755 size=0 nlink=1", "stat", "d")
	w.want("ok", "rmdir", "d")
}

// On an ensemble that changes much and is read little the mount watches only what is read, and misses nothing by it.
func TestFlood(t *testing.T) {
	var log logged
	w := newWorld(t, Options{Logger: slog.New(slog.NewTextHandler(&log, nil)), flood: 50})
	w.create("/busy", "")
	w.create("/f", "one")
	w.want(`ok "one"`, "cat", "f")
	for i := range 60 {
		w.set("/busy", fmt.Sprint(i))
	}
	for i := range 20 {
		text := fmt.Sprint("after ", i)
		w.set("/f", text)
		w.eventually(fmt.Sprintf("ok %q", text), "cat", "f")
	}
	if mode := w.fs.Stats().Watch; mode != WatchNode {
		t.Errorf("the mode is %v", mode)
	}
	for patience := time.Now().Add(hang); log.lines("level=WARN", "watching znode by znode") != 1; {
		if time.Now().After(patience) {
			t.Fatalf("the log: %s", log.b.String())
		}
		w.do("access", ".", "r")
	}
}

// While the servers are away every call ends in time, with an error that says so, and /.status can be read.
func TestServerAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.create("/f", "data")
	w.want("ok", "put", "g", "x")
	w.server.Refuse(true)
	w.server.Disconnect()
	w.fs.inVain(false)
	for _, call := range [][]string{{"cat", "f"}, {"put", "g", "y"}, {"mkdir", "d"}, {"ls", "zookeeper"}} {
		if got := w.do(call...); got != "ETIMEDOUT" && got != "EHOSTDOWN" {
			t.Errorf("%s: %s", call, got)
		}
	}
	if got := w.do("cat", ".status"); len(got) < 100 {
		t.Errorf("the status is %s", got)
	}
	w.server.Refuse(false)
	w.eventually(`ok "data"`, "cat", "f")
	w.want("ok", "put", "g", "z")
	w.holds("/g", "z", 1)
}

// The inode number of a path is the same at every mount.
func TestInodeNumbers(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f", "data")
	dir := t.TempDir()
	w.mount(dir, Options{})
	a := newAgent(t, dir)
	if one, two := w.do("ino", "f"), a.do("ino", "f"); one != two {
		t.Errorf("%s and %s", one, two)
	}
	before := w.do("ino", "f")
	w.want("ok", "rename", "f", "g")
	w.want(before, "ino", "g")
	w.want("ok", "put", "f", "another")
	w.want(`ok "another"`, "cat", "f")
	w.want(`ok "data"`, "cat", "g")
	if after := w.do("ino", "f"); after == before {
		t.Error("mv takes the files for links to one")
	}
}

// A file that takes the place of another, again and again: f and its successor are never the same file.
func TestInodeNumbersOfSuccessors(t *testing.T) {
	w := newWorld(t, Options{})
	w.want("ok", "put", "f", "0")
	for i := range 4 {
		w.want("ok", "put", "t", fmt.Sprint(i))
		if f, next := w.do("ino", "f"), w.do("ino", "t"); f == next {
			t.Fatalf("both are %s", f)
		}
		w.want("ok", "rename", "t", "f")
	}
	w.want(`ok "3"`, "cat", "f")
}

// While somebody is inside the mount point is given back all the same, and what is open works until it is closed.
func TestUnmountWhileBusy(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f", "data")
	dir := t.TempDir()
	f, err := Mount(w.connect(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	a := newAgent(t, dir)
	a.want("ok", "open", "1", "f", "rw")
	if err := f.Unmount(); err != nil {
		t.Fatal(err)
	}
	w.want("ok", "ls", dir)
	a.want(`ok "data"`, "read", "1")
	a.want("ok", "write", "1", " and more")
	a.want("ok", "close", "1")
	w.holds("/f", "data and more", 1)
	a.end()
	f.Wait()
}

func TestMountFails(t *testing.T) {
	w := newWorld(t, Options{})
	conn, _, err := zk.Connect([]string{w.server.Addr()}, sessionTimeout, zk.WithChroot("/nosuch"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	if f, err := Mount(conn, t.TempDir(), Options{}); err == nil {
		f.Unmount()
		t.Error("a chroot that does not exist was mounted")
	}
	if f, err := Mount(w.other, w.dir+"/nosuch", Options{}); err == nil {
		f.Unmount()
		t.Error("mounted on a directory that does not exist")
	}
}

// The kernel keeps nothing longer than the cache does, and nothing longer than the session can live.
func TestLifetime(t *testing.T) {
	w := newWorld(t, Options{})
	session := w.fs.ensemble.SessionTimeout()
	for _, c := range []struct {
		left        time.Duration
		guarded     bool
		least, most time.Duration
	}{
		{time.Hour, true, session, session},
		{time.Second, true, 1, time.Second},
		{-time.Second, true, 0, 0},
		{time.Hour, false, 0, 0},
	} {
		got := w.fs.ensemble.Lifetime(ensemble.Snapshot{Guarded: c.guarded, Until: time.Now().Add(c.left)})
		if got < c.least || got > c.most {
			t.Errorf("%v left, guarded %v: %v", c.left, c.guarded, got)
		}
	}
}

// A write of this mount's own does not leave what the kernel holds without a watch.
func TestOwnWriteKeepsTheWatch(t *testing.T) {
	modes(t, func(t *testing.T, w *world) {
		w.want("ok", "mkdir", "d")
		w.want("ok", "put", "d/.data", "1")
		w.want("ok .data", "ls", "d")
		w.want("ok", "put", "d/.data", "2")
		w.set("/d", "")
		w.eventually("ok", "ls", "d")
		w.create("/f", "1")
		w.eventually(`ok "1"`, "cat", "f")
		w.want("ok", "put", "f", "2")
		w.set("/f", "theirs")
		w.eventually(`ok "theirs"`, "cat", "f")
	})
}

// Who opens a file that others have just changed reads past the kernel's cache, which learns size and content one after the other.
func TestRestlessFileIsReadWhole(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f", "one")
	whole := func() bool {
		w.want("ok", "open", "1", "f", "r")
		defer w.want("ok", "close", "1")
		f := w.fs.nodes.find("/f").(*file)
		f.mu.Lock()
		defer f.mu.Unlock()
		for h := range f.handles {
			return h.whole
		}
		t.Fatal("nobody has it open")
		return false
	}
	w.want(`ok "one"`, "cat", "f")
	if whole() {
		t.Error("a file at rest is read whole")
	}
	w.set("/f", "another")
	w.eventually(`ok "another"`, "cat", "f")
	if !whole() {
		t.Error("a file that was just changed is read through the cache")
	}
}

// A file that was created exclusively follows other clients before any process looks at it. With a
// watch for each znode it has none until then.
func TestNewbornFollowsOthers(t *testing.T) {
	for change, test := range map[string]struct {
		do           func(w *world)
		name, handle string // what stat and fstat say
	}{
		"set": {func(w *world) { w.set("/f", "theirs") },
			"ok file 0644 size=6 nlink=1", "ok size=6 nlink=1"},
		"deleted": {func(w *world) { w.remove("/f") },
			"ENOENT", "ok size=0 nlink=0"},
		"deleted and created": {func(w *world) { w.remove("/f"); w.create("/f", "another") },
			"ok file 0644 size=7 nlink=1", "ok size=0 nlink=0"},
	} {
		t.Run(change, func(t *testing.T) {
			modes(t, func(t *testing.T, w *world) {
				w.want("ok", "open", "1", "f", "rw+creat+excl")
				test.do(w)
				w.eventually(test.handle, "fstat", "1")
				w.eventually(test.name, "stat", "f")
			})
		})
	}
}
