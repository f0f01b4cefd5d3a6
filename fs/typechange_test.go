package fs

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// kind fails the test unless the file has that type, and its znode that owner.
func (w *world) kind(file, kind string, owner int64) *zk.Stat {
	w.t.Helper()
	w.eventually("ok "+kind, "getxattr", file, "user.zk.type")
	found, st, err := w.other.Exists("/" + file)
	if err != nil || !found || st.EphemeralOwner != owner {
		w.t.Fatalf("%s: %v, %+v, %v; want the owner %#x", file, found, st, err, owner)
	}
	return st
}

func TestEphemeral(t *testing.T) {
	w := newWorld(t, Options{})
	second := newAgent(t, w.session2())
	session := w.fs.ensemble.SessionID()
	w.want("ok", "put", "f", "data")
	w.must(func() error {
		_, err := w.other.SetACL("/f", zk.WorldACL(zk.PermAll&^zk.PermAdmin), -1)
		return err
	})
	changes := w.watch("/")

	w.want("ok", "setxattr", "f", "user.zk.type", "ephemeral")
	w.kind("f", "ephemeral", session)
	w.want("ok file 1644 size=4 nlink=1", "stat", "f")
	w.want("ok world:anyone:cdrw", "getxattr", "f", "user.zk.acl")
	w.holds("/f", "data", 0)
	changes.are(w, "Deleted /f", "Created /f")
	for second.do("getxattr", "f", "user.zk.type") != "ok ephemeral" {
	}
	second.want("EPERM", "setxattr", "f", "user.zk.type", "file")
	second.want("EPERM", "setxattr", "f", "user.zk.type", "ephemeral")

	// Nothing but the attribute changes what it is.
	for _, call := range [][]string{
		{"put", "f", ""}, {"append", "f", "x"}, {"truncate", "f", "0"}, {"touch", "f"}, {"chmod", "f"},
		{"rename", "f", "g"}, {"rename", "g", "f"}, {"create", "f~", "new"}, {"rename", "f~", "f"},
	} {
		w.want("ok", call...)
	}
	w.kind("f", "ephemeral", session)
	w.want("ENOTDIR", "setxattr", "f", "user.zk.type", "directory")

	w.want("ok", "setxattr", "f", "user.zk.type", "file")
	w.kind("f", "file", 0)
	w.want("ok file 0644 size=3 nlink=1", "stat", "f")
	w.want("ok world:anyone:cdrw", "getxattr", "f", "user.zk.acl")
	w.holds("/f", "new", 0)
}

// session2 mounts the server in another session, and returns the directory.
func (w *world) session2() string {
	dir := w.t.TempDir()
	w.mount(dir, Options{})
	return dir
}

// An empty znode that was never written would be a directory.
func TestEmptyEphemeralStaysAFile(t *testing.T) {
	w := newWorld(t, Options{})
	w.want("ok", "put", "f", "")
	w.want("ok", "setxattr", "f", "user.zk.type", "ephemeral")
	w.holds("/f", "", 0)
	w.kind("f", "ephemeral", w.fs.ensemble.SessionID())
	w.want("ok", "setxattr", "f", "user.zk.type", "file")
	w.holds("/f", "", 1)
	w.want("ok file 0644 size=0 nlink=1", "stat", "f")
}

// What a process has open stays open, and what it has written is in the ephemeral.
func TestEphemeralThatIsOpen(t *testing.T) {
	w := newWorld(t, Options{})
	w.want("ok", "open", "1", "f", "rw+creat+excl")
	w.want("ok", "write", "1", "a")
	w.want("ok", "setxattr", "f", "user.zk.type", "ephemeral")
	w.holds("/f", "a", 0)
	w.want("ok", "write", "1", "b")
	w.want("ok", "fsync", "1")
	w.holds("/f", "ab", 1)
	w.want("ok", "setxattr", "f", "user.zk.type", "file")
	w.want("ok", "write", "1", "c")
	w.want("ok size=3 nlink=1", "fstat", "1")
	w.want("ok", "close", "1")
	w.kind("f", "file", 0)
	w.holds("/f", "abc", 1)
	w.want(`ok "abc"`, "cat", "f")
}

func TestWhatIsNoEphemeral(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/d", "own")
	w.create("/d/c", "child")
	w.create("/e", "")
	w.create("/f", "data")
	w.create("/masked", "data")
	w.must(func() error {
		_, err := w.other.SetACL("/masked", append(zk.WorldACL(zk.PermAll&^zk.PermAdmin),
			zk.DigestACL(zk.PermAll, "ann", "secret")...), -1)
		return err
	})
	w.want("ok", "create", "f~", "scratch")
	w.want("ok", "open", "1", "f.lock", "rw+creat")
	for file, want := range map[string]string{
		"d": "EPERM", "d/.data": "EPERM", "e": "EPERM", "f.lock": "EPERM", "d/.lock": "EPERM",
		"f~": "EPERM", "masked": "EACCES", "nothing": "ENOENT",
	} {
		if got := w.do("setxattr", file, "user.zk.type", "ephemeral"); got != want {
			t.Errorf("%s: %s, want %s", file, got, want)
		}
	}
	w.want("ok", "setxattr", "f~", "user.zk.type", "file")
	w.want("EINVAL", "setxattr", "f", "user.zk.type", "sequence")
}

// An ephemeral that went with its session does not come back as a file that stays. Its name is gone as
// soon as the mount knows, although a program has the file open and a name is trusted for an hour.
func TestEphemeralOfASessionThatIsOver(t *testing.T) {
	w := newWorld(t, Options{}, longSessions)
	f, a := w.session(long, Options{MaxAge: long})
	a.want("ok", "put", "f", "data")
	a.want("ok", "setxattr", "f", "user.zk.type", "ephemeral")
	a.want("ok", "open", "1", "f", "w+append")
	if !w.server.ExpireSession(f.ensemble.SessionID()) {
		t.Fatal("there is no session to expire")
	}
	a.eventually(w, "ENOENT", "stat", "f")
	a.do("write", "1", "more")
	a.want("ESTALE", "close", "1")
	w.missing("/f")
	a.want("ok", "put", "f", "another")
	w.kind("f", "file", 0)
}

// An ACL that another client sets after the look, and before the transaction that makes the znode
// anew, is that of the new znode.
func TestACLChangesBeforeATransaction(t *testing.T) {
	for _, test := range []struct{ call, looks, made string }{
		{"setxattr d/f user.zk.type ephemeral", "/d/f", "/d/f"},
		{"rename d e", "/d/f", "/e/f"},
	} {
		w := newWorld(t, Options{})
		w.create("/d", "")
		w.create("/d/f", "data")
		w.want(`ok "data"`, "cat", "d/f")
		acl := zk.WorldACL(zk.PermAll &^ zk.PermWrite)
		var once sync.Once
		w.server.OnRequest(func(r zktest.Request) zktest.Fault {
			if r.Op == "exists" && r.Path == test.looks {
				once.Do(func() {
					w.must(func() error {
						_, err := w.other.SetACL(test.looks, acl, -1)
						return err
					})
				})
			}
			return zktest.Fault{}
		})
		w.want("ok", strings.Fields(test.call)...)
		once.Do(func() { t.Errorf("%s: no look", test.call) })
		if got, _, err := w.other.GetACL(test.made); err != nil || !slices.Equal(got, acl) {
			t.Errorf("%s: %v, %v; want %v", test.call, got, err, acl)
		}
	}
}
