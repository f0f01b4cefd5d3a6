package fs

import (
	"errors"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// idle leaves the lock of path idle, as after flock(1).
func (w *world) idle(path string) {
	w.t.Helper()
	w.keep("/" + path + ".lock")
	w.want("ok", "open", "idle", path, "r")
	w.want("ok", "flock", "idle", "ex")
	w.want("ok", "flock", "idle", "un")
	w.want("ok", "close", "idle")
}

// keep makes the znode of a lock one that stays while it is idle: a server removes a container
// between two requests of a test.
func (w *world) keep(path string) {
	w.t.Helper()
	w.create(path, "")
}

// The idle lock of a file is no name beside it: everything that makes such a name does, and the
// name is what was made.
func TestIdleLockIsNoName(t *testing.T) {
	t.Parallel()
	for _, watch := range []WatchMode{WatchTree, WatchNode, WatchOff} {
		for call, after := range map[string]string{
			"mkdir d/f.lock":                    "dir",
			"open 1 d/f.lock w+creat+excl":      "file",
			"put d/f.lock text":                 "file",
			"create d/f.lock text":              "file",
			"mknod d/f.lock":                    "file",
			"rename d/g d/f.lock":               "file",
			"rename2 d/g d/f.lock noreplace":    "file",
			"stat d/f.lock -> ENOENT":           "",
			"unlink d/f.lock -> ENOENT":         "",
			"rmdir d/f.lock -> ENOENT":          "",
			"cat d/f.lock -> ENOENT":            "",
			"access d/f.lock r -> ENOENT":       "",
			"rename d/f.lock d/other -> ENOENT": "",
		} {
			t.Run(watch.String()+" "+call, func(t *testing.T) {
				call, want, found := strings.Cut(call, " -> ")
				if !found {
					want = "ok"
				}
				w := newWorld(t, Options{Watch: watch})
				w.create("/d", "")
				w.create("/d/f", "data")
				w.create("/d/g", "moved")
				w.idle("d/f")
				w.eventually("ok f g", "ls", "d")
				w.want(want, strings.Fields(call)...)
				if after == "" {
					return
				}
				if got := w.do("stat", "d/f.lock"); !strings.HasPrefix(got, "ok "+after) {
					t.Errorf("it is %s", got)
				}
				w.want("EEXIST", "open", "2", "d/f.lock", "w+creat+excl")
				w.want("EEXIST", "mkdir", "d/f.lock")
			})
		}
	}
}

// While a process contends for the lock of a file, the name is taken for all programs.
func TestContendedLockIsAName(t *testing.T) {
	w := newWorld(t, Options{})
	far := w.second()
	w.create("/f", "data")
	w.want("ok f zookeeper", "ls", ".")
	w.want("ENOENT", "stat", "f.lock")
	for _, holder := range []*agent{w.agent, far} {
		holder.want("ok", "open", "1", "f", "r")
		holder.want("ok", "flock", "1", "ex")
		for _, a := range []*agent{w.agent, far} {
			a.eventually(w, "ok f f.lock zookeeper", "ls", ".")
			a.want("EEXIST", "mkdir", "f.lock")
			a.want("EEXIST", "open", "2", "f.lock", "w+creat+excl")
			a.want("EEXIST", "rename2", "f", "f.lock", "noreplace")
		}
		holder.want("ok", "flock", "1", "un")
		for _, a := range []*agent{w.agent, far} {
			a.eventually(w, "ENOENT", "stat", "f.lock")
			a.eventually(w, "ok f zookeeper", "ls", ".")
		}
		far.want("ok", "mkdir", "f.lock")
		w.eventually("EEXIST", "mkdir", "f.lock")
		w.want("ENOLCK", "flock", "1", "ex")
		far.want("ok", "rmdir", "f.lock")
		w.eventually("ok", "mkdir", "f.lock")
		w.want("ok", "rmdir", "f.lock")
	}
}

// The servers may remove an idle lock while a name is made in its place.
func TestIdleLockThatIsRemovedMeanwhile(t *testing.T) {
	for name, at := range map[string][]string{
		"before the look":        {"multi", "exists"},
		"before the transaction": {"multi", "exists", "multi"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Options{})
			w.create("/f", "data")
			w.idle("f")
			session := w.fs.ensemble.SessionID()
			w.server.OnRequest(func(r zktest.Request) zktest.Fault {
				if r.SessionID != session || len(at) == 0 || r.Op != at[0] {
					return zktest.Fault{}
				}
				if at = at[1:]; len(at) == 0 {
					w.other.Delete("/f.lock", -1)
				}
				return zktest.Fault{}
			})
			w.want("ok", "open", "1", "f.lock", "w+creat+excl")
			if len(at) != 0 {
				t.Errorf("the mount has not asked for %q", at)
			}
		})
	}
}

// A lock file that stands for itself is a name, idle or not: only the servers take it away.
func TestIdleLockOfItself(t *testing.T) {
	w := newWorld(t, Options{})
	for _, beside := range []string{"", "/x"} { // a directory has another lock
		if beside != "" {
			w.create(beside, "")
		}
		w.create("/x.lock", "")
		w.want("ok file 1644 size=0 nlink=1", "stat", "x.lock")
		w.want("EEXIST", "mkdir", "x.lock")
		w.want("EEXIST", "open", "1", "x.lock", "r+creat+excl")
		w.want("ok", "unlink", "x.lock")
	}
}

// The idle lock of a file goes with the file, so that the directory can be removed.
func TestIdleLockGoesWithItsFile(t *testing.T) {
	for _, listed := range []bool{false, true} {
		w := newWorld(t, Options{})
		w.create("/d", "")
		w.create("/d/f", "data")
		w.idle("d/f")
		if listed {
			w.want("ok f", "ls", "d")
		}
		w.want("ok", "unlink", "d/f")
		w.want("ok", "rmdir", "d")
		w.missing("/d")
	}
}

// What is not an idle lock stays when the file beside it goes, and is not replaced.
func TestWhatIsCalledLikeALockStays(t *testing.T) {
	for name, make := range map[string]func(*world){
		"with data":        func(w *world) { w.create("/f.lock", "version = 3") },
		"that was written": func(w *world) { w.create("/f.lock", ""); w.set("/f.lock", "") },
		"with a child":     func(w *world) { w.create("/f.lock", ""); w.create("/f.lock/notes", "") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Options{})
			w.create("/f", "data")
			make(w)
			w.want("ok f f.lock zookeeper", "ls", ".")
			w.want("EEXIST", "mkdir", "f.lock")
			w.want("EEXIST", "open", "1", "f.lock", "w+creat+excl")
			w.want("ok", "open", "2", "f", "rw")
			w.want("ok", "flock", "2", "ex")
			w.want("ok", "unlink", "f")
			w.want("ok", "close", "2")
			if found, _, err := w.other.Exists("/f.lock"); !found || err != nil {
				t.Errorf("it exists: %v, %v", found, err)
			}
		})
	}
}

// A contender that comes while the idle lock makes way keeps it: the program finds the name taken.
func TestContenderComesFirst(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f", "data")
	w.keep("/f.lock")
	w.want("ENOENT", "stat", "f.lock")
	for _, call := range []string{"mkdir f.lock", "open 1 f.lock w+creat+excl", "mknod f.lock"} {
		l := zk.NewLock(w.other, "/f.lock", zk.WorldACL(zk.PermAll))
		took := false
		w.before("multi", func() {
			if !took {
				took = true
				if err := l.Lock(); err != nil {
					t.Error(err)
				}
			}
		})
		w.want("EEXIST", strings.Fields(call)...)
		w.server.OnRequest(nil)
		if err := l.Unlock(); err != nil {
			t.Errorf("%s: %v", call, err)
		}
		w.eventually("ENOENT", "stat", "f.lock")
	}
}

// Locks of programs by mkdir(2) exclude each other on any mount, whatever else there was. They take
// no children.
func TestMkdirOfALock(t *testing.T) {
	w := newWorld(t, Options{})
	far := w.second()
	for range 3 {
		w.eventually("ok", "mkdir", "x.lock")
		far.eventually(w, "EEXIST", "mkdir", "x.lock")
		for _, a := range []*agent{w.agent, far} {
			a.want("ok dir 0755 size=0 nlink=1", "stat", "x.lock")
			a.want("ok", "ls", "x.lock")
			a.want("EPERM", "put", "x.lock/pid", "1")
			a.want("EPERM", "put", "x.lock/.data", "1")
			a.want("EPERM", "mkdir", "x.lock/d")
			a.want("ENOENT", "stat", "x.lock/.lock")
		}
		far.want("ok", "rmdir", "x.lock")
		far.eventually(w, "ok", "mkdir", "x.lock")
		w.want("ok", "rmdir", "x.lock")
		w.want("ok", "open", "1", "x.lock", "r+creat")
		w.want("ok", "flock", "1", "ex")
		far.eventually(w, "EEXIST", "mkdir", "x.lock")
		w.want("ok", "close", "1")
	}
}

// Clients of other kinds on F.lock exclude the programs that lock F, and are excluded. Mounts of
// earlier versions do the same.
func TestLockOfAFileIsTheRecipe(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f", "data")
	w.want("ok", "open", "1", "f", "rw")
	l := zk.NewLock(w.other, "/f.lock", zk.WorldACL(zk.PermAll))
	for range 2 { // the second time there is an idle lock
		if err := l.Lock(); err != nil {
			t.Fatal(err)
		}
		w.eventually("EAGAIN", "flock", "1", "ex+nb")
		w.want("EAGAIN", "setlk", "1", "w", "0", "0")
		w.want("EEXIST", "mkdir", "f.lock")
		if err := l.Unlock(); err != nil {
			t.Fatal(err)
		}
		w.want("ok", "flock", "1", "ex")
		if err := l.TryLock(); !errors.Is(err, zk.ErrLockHeld) {
			t.Errorf("the lock that a mount holds: %v", err)
		}
		w.want("ok", "flock", "1", "un")
	}
}

// A client that contends in the directory by which a program locks the file excludes itself alone:
// the name stays taken.
func TestContenderInALockDirectory(t *testing.T) {
	w := newWorld(t, Options{})
	far := w.second()
	w.create("/f", "data")
	w.want("ok", "mkdir", "f.lock")
	l := zk.NewLock(w.other, "/f.lock", zk.WorldACL(zk.PermAll))
	if err := l.Lock(); err != nil {
		t.Fatal(err)
	}
	for _, a := range []*agent{w.agent, far} {
		a.eventually(w, "ENOTDIR", "rmdir", "f.lock")
		a.want("EEXIST", "mkdir", "f.lock")
	}
	if err := l.Unlock(); err != nil {
		t.Fatal(err)
	}
	for _, a := range []*agent{w.agent, far} {
		a.want("EEXIST", "mkdir", "f.lock")
		a.want("EEXIST", "open", "1", "f.lock", "w+creat+excl")
	}
	w.eventually("ok", "unlink", "f.lock")
	w.want("ok", "mkdir", "f.lock")
}

// before calls f before each request of that kind that the mount makes.
func (w *world) before(op string, f func()) {
	session := w.fs.ensemble.SessionID()
	w.server.OnRequest(func(r zktest.Request) zktest.Fault {
		if r.SessionID == session && r.Op == op {
			f()
		}
		return zktest.Fault{}
	})
}
