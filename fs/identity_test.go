package fs

import (
	"errors"
	"testing"

	"github.com/zkfs/zkfs/zk"
)

// What the servers would refuse of everything that is created is an error of Mount.
func TestMountWithoutAnIdentity(t *testing.T) {
	auth := Options{ACL: ACLList, ACLs: append(zk.WorldACL(zk.PermRead), zk.AuthACL(zk.PermAll)...)}
	w := newWorld(t, Options{})
	for _, o := range []Options{{ACL: ACLCreator}, auth} {
		if f, err := Mount(w.connect(), t.TempDir(), o); !errors.Is(err, ErrNoIdentity) {
			t.Errorf("%+v: %v", o, err)
			if err == nil {
				f.Unmount()
			}
		}
		o.ReadOnly = true
		w.mount(t.TempDir(), o)
		o.ReadOnly = false
		conn := w.connect()
		if err := conn.AddAuth("digest", []byte("ann:secret")); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		f, err := Mount(conn, dir, o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Unmount() })
		a := newAgent(t, dir)
		a.want("ok", "put", "f", "x")
		a.want("ok", "unlink", "f")
	}
}
