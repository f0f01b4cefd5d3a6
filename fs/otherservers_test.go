package fs

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// treeServers have recursive watches that tell the truth.
var treeServers = map[string]bool{"3.6": true, "3.7": true, "3.8": true, "3.9": true}

// On every server of the protocol a mount does what programs do every day, in one session. A change
// by another client is seen by its event: nothing is asked anew because of its age.
func TestEveryServer(t *testing.T) {
	for _, name := range zktest.Servers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Options{MaxAge: time.Hour}, zktest.WithServer(name))
			session := w.fs.ensemble.SessionID()
			everyDay(w)
			changesOfOthers(w)
			lockedFile(w)
			if mode := w.fs.Stats().Watch; (mode == WatchTree) != treeServers[name] {
				t.Errorf("the mode is %v", mode)
			}
			if now := w.fs.ensemble.SessionID(); now != session {
				t.Errorf("session 0x%x became 0x%x", session, now)
			}
		})
	}
}

// A server that leaves unanswered what it does not know is mounted, however short the time is that
// requests may take.
func TestShortTimeoutOnASilentServer(t *testing.T) {
	t.Parallel()
	server := zktest.NewServer(zktest.WithServer("raftkeeper"))
	t.Cleanup(server.Close)
	w := &world{t: t, server: server}
	w.mount(t.TempDir(), Options{Timeout: time.Second})
}

// Where a session ends with its connection, the reconnect tells that the lock is lost, in the log and
// by EIO, and that an ephemeral is none of this session's. No timer has to: they would take an hour.
func TestSessionThatIsNotResumed(t *testing.T) {
	for _, name := range []string{"clickhouse-25.8", "clickhouse-26.3", "clickhouse-latest"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Options{}, zktest.WithServer(name), longSessions)
			log := &logged{}
			f, a := w.session(long, Options{MaxAge: long, Logger: slog.New(slog.NewTextHandler(log, nil))})
			a.want("ok", "put", "f", "x")
			a.want("ok", "put", "e", "x")
			a.want("ok", "setxattr", "e", "user.zk.type", "ephemeral")
			for fd, file := range map[string]string{"1": "f", "2": "x.lock"} {
				a.want("ok", "open", fd, file, "rw+creat")
				a.want("ok", "flock", fd, "ex")
			}
			session := f.ensemble.SessionID()
			w.server.Disconnect()
			w.until(func() (int, int) { return 2 - log.lines("lock lost"), 0 }, "lost locks that the log does not name")
			for fd := range 2 {
				a.want("EIO", "write", fmt.Sprint(fd+1), "y")
			}
			if now := f.ensemble.SessionID(); now == session {
				t.Errorf("the session is 0x%x still", now)
			}
			a.want("ok file 1644 size=1 nlink=1", "stat", "e") // its session lives on at the server
			w.server.ExpireSession(session)
			a.eventually(w, "ENOENT", "stat", "e")
			a.want("ok", "open", "3", "f", "rw")
			a.want("ok", "flock", "3", "ex+nb")
		})
	}
}

// A walk through a tree as by ls -lR costs a list of each directory and few requests for its entries,
// one on a server that has lists with Stats. Where a mount watches znode by znode, two more for each
// znode set its watches.
func TestRequestsOfAWalk(t *testing.T) {
	const dirs, files = 3, 150
	const all = 1 + dirs + dirs*files
	for name, want := range map[string]struct{ perZnode, batches int }{
		"3.8":               {0, 2 * (1 + dirs)},
		"clickhouse-25.8":   {all, 2 * (1 + dirs)},
		"clickhouse-latest": {all, 1 + dirs},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Options{MaxAge: time.Hour}, zktest.WithServer(name))
			w.create("/t", "")
			for i := range dirs {
				w.fill(fmt.Sprint("/t/d", i), files, 10)
			}
			w.settled()
			c := w.count()
			w.do("ls", "t")
			for i := range dirs {
				dir := fmt.Sprint("t/d", i)
				if n := len(strings.Fields(w.do("ls", dir))); n != 1+files {
					t.Errorf("%s has %d names", dir, n-1)
				}
				for n := range files {
					w.want("ok file 0644 size=10 nlink=1", "stat", fmt.Sprintf("%s/f%04d", dir, n))
				}
			}
			asked := c.asked()
			batches := asked["multiRead"] + asked["filteredListWithData"]
			lists := max(want.perZnode, 1+dirs)
			if asked["exists"] > max(want.perZnode, 1) || asked["getChildren2"] > lists ||
				batches > want.batches || asked["getData"] > 0 {
				t.Errorf("the servers are asked for %s", c.servers())
			}
		})
	}
}

// settled waits until the mount knows whether the server has what makes listings cheaper.
func (w *world) settled() {
	w.do("ls", ".")
	w.until(func() (n int, limit int) {
		known := w.fs.ensemble.Features()
		for _, f := range []zk.Feature{zk.FeatureMultiRead, zk.FeatureChildStats} {
			if known[f] == zk.SupportUnknown && !(f == zk.FeatureChildStats && known[zk.FeaturePzxid] == zk.Supported) {
				n++
			}
		}
		return n, 0
	}, "features that are not known")
}

// everyDay is ls -lR, cat, echo >, echo >>, mkdir, mv and rm -r.
func everyDay(w *world) {
	w.want("ok", "mkdir", "d")
	w.want("ok", "mkdir", "d/sub")
	w.want("ok", "put", "d/f", "one\n")
	w.want("ok", "append", "d/f", "two\n")
	w.want(`ok "one\ntwo\n"`, "cat", "d/f")
	w.want("ok f sub", "ls", "d")
	w.want("ok file 0644 size=8 nlink=1", "stat", "d/f")
	w.want("ok dir 0755 size=0 nlink=1", "stat", "d/sub")
	w.want("ok", "ls", "d/sub")
	w.want("ok", "open", "1", "d/f", "r")
	w.want("ok", "rename", "d/f", "d/g")
	w.want(`ok "one\ntwo\n"`, "cat", "d/g")
	w.quiet() // all that the rename has told is heard
	w.want("ok size=8 nlink=1", "fstat", "1")
	w.want("ok", "close", "1")
	w.want("ok", "rename", "d", "e")
	w.want("ok g sub", "ls", "e")
	w.want("ok", "unlink", "e/g")
	w.want("ok", "rmdir", "e/sub")
	w.want("ok", "rmdir", "e")
	w.want("ENOENT", "stat", "e")
}

// changesOfOthers are seen.
func changesOfOthers(w *world) {
	w.create("/o", "one")
	w.eventually(`ok "one"`, "cat", "o")
	w.set("/o", "two")
	w.eventually(`ok "two"`, "cat", "o")
	w.create("/p", "")
	w.eventually("ok", "ls", "p")
	w.create("/p/n", "new")
	w.eventually("ok n", "ls", "p")
	w.set("/p/n", "newer")
	w.eventually(`ok "newer"`, "cat", "p/n")
	w.remove("/p/n")
	w.eventually("ok", "ls", "p")
	w.eventually("ENOENT", "stat", "p/n")
}

// lockedFile holds a lock of flock(2) while every attribute is read, some of which the server cannot
// tell.
func lockedFile(w *world) {
	w.want("ok", "put", "l", "x")
	w.want("ok", "open", "1", "l", "rw")
	w.want("ok", "flock", "1", "ex+nb")
	other := newAgent(w.t, w.dir)
	other.want("ok", "open", "1", "l", "rw")
	other.want("EAGAIN", "flock", "1", "ex+nb")
	for _, path := range []string{".", "o", "p", "l"} {
		for _, name := range []string{"acl", "stat", "version", "type", "path", "descendants", "lock", "none"} {
			w.do("getxattr", path, "user.zk."+name)
		}
		w.do("listxattr", path)
	}
	other.want("EAGAIN", "flock", "1", "ex+nb")
	w.want("ok", "flock", "1", "un")
	other.want("ok", "flock", "1", "ex+nb")
	other.want("ok", "flock", "1", "un")
}
