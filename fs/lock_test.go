package fs

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/zkfs/zkfs/zk"
)

// second returns a process that works in another mount of the same server.
func (w *world) second() *agent {
	w.t.Helper()
	dir := w.t.TempDir()
	w.mount(dir, Options{Watch: w.fs.o.Watch})
	return newAgent(w.t, dir)
}

func TestFlockExcludes(t *testing.T) {
	w := newWorld(t, Options{})
	far := w.second()
	near := newAgent(t, w.dir)
	for _, path := range []string{"x.lock", "zookeeper/.lock"} {
		for _, a := range []*agent{w.agent, near, far} {
			a.want("ok", "open", path, path, "r+creat")
		}
		w.want("ok", "flock", path, "ex")
		near.want("EAGAIN", "flock", path, "ex+nb")
		far.want("EAGAIN", "flock", path, "sh+nb")
		far.start("flock", path, "ex")
		w.want("ok", "flock", path, "un")
		if got := far.answer(); got != "ok" {
			t.Errorf("the one who waited got %s", got)
		}
		near.want("EAGAIN", "flock", path, "ex+nb")
		far.want("ok", "close", path)
		near.eventually(w, "ok", "flock", path, "ex+nb")
		near.want("ok", "close", path)
		w.want("ok", "close", path)
	}
}

// eventually is world.eventually for another agent.
func (a *agent) eventually(w *world, answer string, words ...string) {
	a.t.Helper()
	other := *w
	other.agent = a
	other.eventually(answer, words...)
}

func TestSharedLocks(t *testing.T) {
	w := newWorld(t, Options{})
	far := w.second()
	w.want("ok", "open", "1", "x.lock", "r+creat")
	far.want("ok", "open", "1", "x.lock", "r+creat")
	w.want("ok", "flock", "1", "sh")
	far.want("ok", "flock", "1", "sh")
	far.want("EAGAIN", "flock", "1", "ex+nb")
	w.want("ok", "flock", "1", "un")
	far.want("ok", "flock", "1", "ex+nb")
}

// A lock ends with the process, and with the interest in it the znode.
func TestLockEndsWithItsProcess(t *testing.T) {
	w := newWorld(t, Options{})
	a := newAgent(t, w.dir)
	a.want("ok", "open", "1", "x.lock", "r+creat")
	a.want("ok", "flock", "1", "ex")
	w.want("ok", "open", "1", "x.lock", "r")
	w.want("EAGAIN", "flock", "1", "ex+nb")
	a.cmd.Process.Kill()
	w.want("ok", "flock", "1", "ex")
	w.want("ok", "close", "1")
	w.eventually("ENOENT", "stat", "x.lock")
}

func TestLockOfAnyFile(t *testing.T) {
	w := newWorld(t, Options{})
	w.want("ok", "open", "1", "f", "rw+creat")
	w.want("ok", "flock", "1", "ex")
	w.holds("/f", "", 1)
	if names, _, err := w.other.Children("/f.lock"); err != nil || len(names) != 1 {
		t.Errorf("%v, %v", names, err)
	}
	w.want("ok", "write", "1", "data")
	w.want("ok", "close", "1")
	w.holds("/f", "data", 2)
}

func TestLockIsTheRecipe(t *testing.T) {
	w := newWorld(t, Options{})
	l := zk.NewLock(w.other, "/x.lock", zk.WorldACL(zk.PermAll))
	if err := l.Lock(); err != nil {
		t.Fatal(err)
	}
	w.want("ok", "open", "1", "x.lock", "r")
	w.want("EAGAIN", "flock", "1", "ex+nb")
	w.start("flock", "1", "ex")
	if err := l.Unlock(); err != nil {
		t.Fatal(err)
	}
	if got := w.answer(); got != "ok" {
		t.Errorf("flock: %s", got)
	}
	if err := l.TryLock(); err == nil {
		t.Error("the lock that a mount holds was taken")
	}
}

func TestLockFileShowsTheQueue(t *testing.T) {
	w := newWorld(t, Options{})
	w.want("ok", "open", "1", "x.lock", "rw+creat")
	w.want("ok", "flock", "1", "ex")
	program := filepath.Base(os.Getenv(agentVariable))
	if got := w.do("cat", "x.lock"); !strings.Contains(got, " exclusive ") || !strings.Contains(got, program) {
		t.Errorf("the queue is %s", got)
	}
	w.want("ok", "write", "1", "deploying 1.2")
	if got := w.do("cat", "x.lock"); !strings.HasSuffix(got, ` exclusive deploying 1.2\n"`) {
		t.Errorf("the queue is %s", got)
	}
	if got := w.do("getxattr", "x.lock", "user.zk.lock"); !strings.HasPrefix(got, "ok queue=1 zxid=0x") || !strings.HasSuffix(got, ` holder="deploying 1.2"`) {
		t.Errorf("user.zk.lock is %s", got)
	}
	w.want("ok", "flock", "1", "un")
	if got := w.do("write", "1", "nobody"); got != "EPERM" && got != "ESTALE" { // the server may have removed it already
		t.Errorf("write without the lock: %s", got)
	}
	w.want("ok", "close", "1")
	w.want("ok", "open", "2", "Cargo.lock", "w+creat+excl")
	w.want("ok", "write", "2", "version = 3\n")
	w.want("ok", "close", "2")
	w.want(`ok "version = 3\n"`, "cat", "Cargo.lock")
	w.want("ENODATA", "getxattr", ".", "user.zk.lock")
}

func TestFcntlLocks(t *testing.T) {
	w := newWorld(t, Options{})
	far := w.second()
	w.want("ok", "open", "1", "x.lock", "rw+creat")
	w.want("ok", "setlk", "1", "w", "0", "0")
	w.want("ENOLCK", "setlk", "1", "w", "0", "10")
	far.want("ok", "open", "1", "x.lock", "rw")
	far.want("EAGAIN", "setlk", "1", "w", "0", "0")
	// POSIX: the end of any descriptor of the file ends the locks of the process.
	w.want("ok", "dupclose", "1")
	far.want("ok", "setlk", "1", "w", "0", "0")
	far.want("ok", "setlk", "1", "u", "0", "0")
	w.want("ok", "setlk", "1", "w", "0", "0")
}

// When its session ends while it is held, the handle says so.
func TestLostLock(t *testing.T) {
	w := newWorld(t, Options{})
	w.want("ok", "open", "1", "x.lock", "rw+creat")
	w.want("ok", "flock", "1", "ex")
	if !w.server.ExpireSession(w.fs.ensemble.SessionID()) {
		t.Fatal("there is no such session")
	}
	w.eventually("EIO", "fsync", "1")
	w.want("EIO", "write", "1", "x")
	w.want("EIO", "close", "1")
	w.want("ok", "open", "2", "x.lock", "rw+creat")
	w.want("ok", "flock", "2", "ex")
}

// A file that is open and not yet in ZooKeeper can be opened again.
func TestOpenTwiceBeforeItIsCreated(t *testing.T) {
	w := newWorld(t, Options{})
	for _, path := range []string{"f", "x.lock"} {
		other := newAgent(t, w.dir)
		w.want("ok", "open", "1", path, "rw+creat")
		w.missing("/" + path)
		other.want("ok", "open", "1", path, "rw+creat")
		other.want("ok", "flock", "1", "ex")
		w.want("EAGAIN", "flock", "1", "ex+nb")
		w.want("ok", "close", "1")
		other.want("ok", "close", "1")
	}
}

// The kernel gives the number of an owner to the next one when the first is closed, before this mount knows of that. The next one
// does not have the first one's lock.
func TestOwnersWithOneNumber(t *testing.T) {
	const owner = 7
	whole := fuse.FileLock{Typ: syscall.F_WRLCK, End: math.MaxInt64}
	for name, flags := range map[string]uint32{"flock": fuse.FUSE_LK_FLOCK, "fcntl": 0} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Options{})
			w.create("/x.lock", "data")
			w.want("ok file 0644 size=4 nlink=1", "stat", "x.lock")
			f := w.fs.nodes.find("/x.lock").(*file)
			first, next := newHandle(f, syscall.O_RDONLY, 0), newHandle(f, syscall.O_RDONLY, 0)
			hold := func(h *handle) (contender string) {
				t.Helper()
				if errno := f.Setlkw(t.Context(), h, owner, &whole, flags); errno != 0 {
					t.Fatal(errno)
				}
				held, err := h.file.fs.locks.heldBy(h)
				if held == nil || err != nil {
					t.Fatalf("it holds %v, error %v", held, err)
				}
				return held.lock.Path()
			}
			contender := hold(first)
			if again := hold(first); again != contender {
				t.Errorf("who holds the lock contends once more: %s, then %s", contender, again)
			}
			if flags == fuse.FUSE_LK_FLOCK {
				if errno := f.Setlk(t.Context(), next, owner, &whole, flags); errno != syscall.EAGAIN {
					t.Errorf("while the first holds the lock the next one gets %v", errno)
				}
				first.Release(t.Context())
			} else {
				first.closing.Store(true)
			}
			if got := hold(next); got == contender {
				t.Error("the next one has the first one's lock")
			}
			first.Release(t.Context())
			if held, err := next.file.fs.locks.heldBy(next); held == nil || err != nil {
				t.Errorf("when the first is gone the next one holds %v, error %v", held, err)
			}
			next.Release(t.Context())
		})
	}
}
