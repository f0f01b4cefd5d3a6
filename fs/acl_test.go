package fs

import (
	"fmt"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// trusting are options of a mount that trusts for long what no watch stands for.
var trusting = Options{trust: time.Hour}

// setACL sets an ACL by the other client.
func (w *world) setACL(path string, acl ...zk.ACL) {
	w.t.Helper()
	w.must(func() error {
		_, err := w.other.SetACL(path, acl, -1)
		return err
	})
}

// That something can be created in a directory, and with which ACL, is trusted for a while after something was; not across a change of
// an ACL by this mount, the loss of the connection, or the end of the session.
func TestInheritedACLIsTrustedBriefly(t *testing.T) {
	const open, more = "world:anyone:cdrwa", "world:anyone:cdrwa,ip:10.0.0.1:r"
	everybody := zk.WorldACL(zk.PermAll)[0]
	for _, test := range []struct {
		name   string
		change func(w *world)
		want   string
	}{
		{"nothing", func(w *world) {}, open},
		{"its time is over", func(w *world) { w.later() }, more},
		{"this mount sets another ACL", func(w *world) { w.want("ok", "setxattr", "other", "user.zk.acl", open) }, more},
		{"this mount sets this ACL", func(w *world) { w.want("ok", "setxattr", "d", "user.zk.acl", open) }, open},
		{"the connection is lost", func(w *world) {
			w.server.Disconnect()
			w.eventually("ok", "put", "other/x", "1")
		}, more},
		{"the session ends", func(w *world) {
			w.server.ExpireSession(w.fs.ensemble.SessionID())
			w.eventually("ok", "put", "other/x", "1")
		}, more},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, trusting)
			w.want("ok", "mkdir", "d")
			w.want("ok", "mkdir", "other")
			w.want("ok", "put", "d/a", "1")
			w.setACL("/d", everybody, zk.ACL{Perms: zk.PermRead, Scheme: "ip", ID: "10.0.0.1"})
			test.change(w)
			w.want("ok", "put", "d/b", "1")
			w.want("ok "+test.want, "getxattr", "d/b", "user.zk.acl")
		})
	}
}

// That nothing can be created is asked for each time, and what the servers refuse is an error although it was trusted.
func TestRefusedCreationIsNotRemembered(t *testing.T) {
	w := newWorld(t, trusting)
	w.want("ok", "mkdir", "d")
	w.want("ok", "put", "d/a", "1")
	w.setACL("/d", zk.WorldACL(zk.PermRead|zk.PermAdmin)...)
	w.want("EACCES", "put", "d/b", "1")
	w.want("EACCES", "open", "1", "d/b", "w+creat+excl")
	w.want("EACCES", "mkdir", "d/b")
	w.later()
	w.want("EACCES", "open", "1", "d/b", "w+creat") // already: a shell does not report what close(2) says
	w.setACL("/d", zk.WorldACL(zk.PermAll)...)
	w.want("ok", "put", "d/b", "1")
}

// Who creates one file after another in a directory that was there before has its names fetched once, and not looked for one by one.
func TestCreatingManyFetchesTheNames(t *testing.T) {
	w := newWorld(t, trusting)
	w.fill("/d", 10, 1)
	w.want("ok dir 0755 size=10 nlink=1", "stat", "d")
	c := w.count()
	for i := range 3 {
		w.want("ok", "put", fmt.Sprint("d/new", i), "1")
	}
	c.reset()
	for i := range 10 {
		w.want("ok", "put", fmt.Sprint("d/newer", i), "1")
	}
	c.want("creating ten more", "create2 10", "CREATE 10, FLUSH 10, GETATTR 10, LOOKUP 10, WRITE 10")
	w.create("/d/theirs", "1")
	w.quiet()
	w.want("ok file 0644 size=1 nlink=1", "stat", "d/theirs")
}
