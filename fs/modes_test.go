package fs

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// stranger is a user who is not root, for whom the kernel heeds mode bits. The tests use it where root runs them.
const stranger = 65534

// closed makes a znode with that ACL by the other client.
func (w *world) closed(path, data string, acl []zk.ACL) {
	w.t.Helper()
	w.must(func() error {
		_, err := w.other.Create(path, []byte(data), 0, acl)
		return err
	})
}

// With --modes=acl the mode bits are what the ACL leaves of 0644 and 0755.
func TestModesOfACL(t *testing.T) {
	modes(t, func(t *testing.T, w *world) {
		dir := t.TempDir()
		w.mount(dir, Options{Modes: ModesACL, Umask: 0o022, Watch: w.fs.o.Watch})
		a := newAgent(t, dir)
		for acl, want := range map[string]struct{ file, dir string }{
			"cdrwa": {"0644", "0755"}, "r": {"0444", "0555"}, "w": {"0000", "0111"}, "rw": {"0644", "0555"}, "wa": {"0200", "0111"},
			"cr": {"0444", "0755"}, "dr": {"0444", "0755"}, "a": {"0000", "0111"}, "ca": {"0000", "0311"},
		} {
			perms := int32(0)
			for _, c := range acl {
				perms |= map[rune]int32{'r': zk.PermRead, 'w': zk.PermWrite, 'c': zk.PermCreate, 'd': zk.PermDelete, 'a': zk.PermAdmin}[c]
			}
			w.closed("/f-"+acl, "data", zk.WorldACL(perms))
			w.create("/d-"+acl, "own")
			w.create("/d-"+acl+"/child", "")
			if _, err := w.other.SetACL("/d-"+acl, zk.WorldACL(perms), -1); err != nil {
				t.Fatal(err)
			}
			for range 2 { // from the servers and from the caches
				a.eventually(w, "ok file "+want.file+" size=4 nlink=1", "stat", "f-"+acl)
				a.eventually(w, "ok dir "+want.dir+" size=1 nlink=1", "stat", "d-"+acl)
				a.want("ok file "+want.file+" size=3 nlink=1", "stat", "d-"+acl+"/.data")
			}
		}
		// The listing brings the same bits.
		a.want("ok f-cr=0444 f-dr=0444 f-r=0444", "modes", ".", "f-cr", "f-dr", "f-r")
		w.want("ok file 0644 size=4 nlink=1", "stat", "f-r") // without the option
	})
}

// Somebody else's znode is shown without r and w, and what only some identities may do is shown to them.
func TestModesOfIdentities(t *testing.T) {
	w := newWorld(t, Options{Modes: ModesACL})
	w.closed("/hers", "x", zk.DigestACL(zk.PermAll, "ann", "secret"))
	w.closed("/shared", "x", append(zk.DigestACL(zk.PermAll, "ann", "secret"), zk.WorldACL(zk.PermRead)...))
	w.closed("/near", "x", []zk.ACL{{Perms: zk.PermAll, Scheme: "ip", ID: "127.0.0.1"}})
	w.eventually("ok file 0000 size=1 nlink=1", "stat", "hers")
	w.want("ok file 0444 size=1 nlink=1", "stat", "shared")
	w.want("ok file 0644 size=1 nlink=1", "stat", "near")
	conn, _, err := zk.Connect([]string{w.server.Addr()}, sessionTimeout, zk.WithAuth("digest", []byte("ann:secret")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	dir := t.TempDir()
	f, err := Mount(conn, dir, Options{Modes: ModesACL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Unmount() })
	a := newAgent(t, dir)
	a.want("ok file 0644 size=1 nlink=1", "stat", "hers")
	a.want("ok file 0644 size=1 nlink=1", "stat", "shared")
}

// The kernel refuses what the bits do not show, before it asks the mount; root is asked by the mount and the servers alone.
func TestModesAreEnforcedByTheKernel(t *testing.T) {
	root := os.Getuid() == 0
	o := Options{Modes: ModesACL, Umask: 0o022, UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}
	if root {
		o.UID, o.GID, o.AllowOther = stranger, stranger, true
	}
	w := newWorld(t, o)
	w.closed("/ro", "data", zk.WorldACL(zk.PermRead))
	w.closed("/wo", "data", zk.WorldACL(zk.PermWrite|zk.PermAdmin))
	w.create("/d", "own")
	w.create("/d/f", "x")
	if _, err := w.other.SetACL("/d", zk.WorldACL(zk.PermRead), -1); err != nil {
		t.Fatal(err)
	}
	w.create("/drop", "")
	w.create("/drop/f", "x")
	if _, err := w.other.SetACL("/drop", zk.WorldACL(zk.PermDelete|zk.PermRead), -1); err != nil {
		t.Fatal(err)
	}
	w.eventually("ok file 0444 size=4 nlink=1", "stat", "ro")
	if root {
		w.want("EACCES", "open", "1", "ro", "w") // by the mount, which asks the servers
		if n := w.fs.Stats().Operations["OPEN"].Errors; len(n) != 1 {
			t.Errorf("errors of open: %v", n)
		}
		w.want("ok", "setuid", fmt.Sprint(stranger))
	}
	before := w.fs.Stats().Operations
	for _, call := range []string{
		"open 1 ro w", "open 1 ro rw", "open 1 ro w+trunc", "open 1 wo r", "truncate ro 0", "access ro w", "access wo r", "access d w",
		"mkdir d/x", "open 1 d/x w+creat", "unlink d/f", "rename d/f d/g", "rename ro d/g", "setxattr ro user.zk.acl world:anyone:cdrwa", "getxattr wo user.zk.acl",
	} {
		w.want("EACCES", strings.Fields(call)...)
	}
	after := w.fs.Stats().Operations
	for _, op := range []string{"OPEN", "CREATE", "SETATTR", "MKDIR", "UNLINK", "RENAME", "GETXATTR", "SETXATTR"} {
		if after[op].Count != before[op].Count {
			t.Errorf("the kernel asked for %s", op)
		}
	}
	w.want(`ok "data"`, "cat", "ro")
	w.want(`ok "x"`, "cat", "d/f")
	w.want("ok", "put", "wo", "new") // neither read nor known to the kernel
	w.want("ok", "unlink", "drop/f")
	w.want("EACCES", "mkdir", "drop/x") // by the mount
}

// A change of the ACL through the mount shows at once, one by others when the Stat was asked for again.
func TestModesFollowTheACL(t *testing.T) {
	w := newWorld(t, Options{Modes: ModesACL, MaxAge: 200 * time.Millisecond})
	w.create("/d", "own")
	w.create("/d/f", "x")
	w.eventually("ok dir 0755 size=1 nlink=1", "stat", "d")
	w.want("ok file 0644 size=3 nlink=1", "stat", "d/.data")
	w.want("ok", "setxattr", "d/.data", "user.zk.acl", "world:anyone:ra")
	w.want("ok file 0444 size=3 nlink=1", "stat", "d/.data")
	w.want("ok dir 0555 size=1 nlink=1", "stat", "d")
	w.want("ok 1", "getxattr", "d", "user.zk.aversion")
	w.want("ok", "setxattr", "d", "user.zk.acl", "world:anyone:cdrwa")
	w.want("ok dir 0755 size=1 nlink=1", "stat", "d")
	w.want("ok file 0644 size=3 nlink=1", "stat", "d/.data")
	if _, err := w.other.SetACL("/d/f", zk.WorldACL(zk.PermRead), -1); err != nil {
		t.Fatal(err)
	}
	w.eventually("ok file 0444 size=1 nlink=1", "stat", "d/f")
	// One that is deleted and created again is another one.
	w.remove("/d/f")
	w.create("/d/f", "y")
	w.eventually("ok file 0644 size=1 nlink=1", "stat", "d/f")
	// One that was created here can be written until its data is there.
	w.want("ok", "mknod", "n")
	w.want("ok", "setxattr", "n", "user.zk.acl", "world:anyone:ra")
	w.want("ok file 0644 size=0 nlink=1", "stat", "n")
	w.want("ok", "put", "n", "data")
	w.want("ok file 0444 size=4 nlink=1", "stat", "n")
}

// writes counts the writes of a connection.
type writes struct {
	net.Conn
	n *atomic.Int64
}

func (c writes) Write(b []byte) (int, error) {
	c.n.Add(1)
	return c.Conn.Write(b)
}

// One more request for each znode, all of a directory at once, and none while the ACLs are the same.
func TestModesCost(t *testing.T) {
	const children = 300
	w := newWorld(t, Options{})
	w.create("/d", "")
	for i := range children {
		w.create(fmt.Sprintf("/d/%03d", i), "x")
	}
	var sent atomic.Int64
	conn, _, err := zk.Connect([]string{w.server.Addr()}, sessionTimeout, zk.WithDialer(func(network, address string, timeout time.Duration) (net.Conn, error) {
		c, err := net.DialTimeout(network, address, timeout)
		return writes{c, &sent}, err
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	dir := t.TempDir()
	f, err := Mount(conn, dir, Options{Modes: ModesACL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Unmount() })
	a := newAgent(t, dir)
	requests := func() map[string]int {
		seen := map[string]int{}
		w.server.OnRequest(func(r zktest.Request) zktest.Fault {
			if r.SessionID == conn.SessionID() && r.Op != "ping" && strings.HasPrefix(r.Path+"/", "/d/") {
				seen[r.Op]++
			}
			return zktest.Fault{}
		})
		defer w.server.OnRequest(nil)
		a.want("ok 299=0644", "modes", "d", "299")
		return seen
	}
	sent.Store(0)
	if seen := requests(); seen["getACL"] != children+1 || seen["exists"] != 0 {
		t.Errorf("a first listing asks for %v", seen)
	}
	if n := sent.Load(); n > children/5 {
		t.Errorf("in %d writes", n)
	}
	if seen := requests(); len(seen) != 0 {
		t.Errorf("a second one asks for %v", seen)
	}
	// What must be verified is asked for, but not its ACL.
	w.server.Disconnect()
	if _, err := f.ensemble.Descendants(t.Context(), "/zookeeper"); err != nil {
		t.Fatal(err)
	}
	if err := f.notify.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if seen := requests(); seen["getACL"] != 1 || seen["multiRead"] == 0 {
		t.Errorf("one after a reconnect asks for %v", seen)
	}
}
