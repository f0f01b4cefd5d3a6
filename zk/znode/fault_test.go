package znode_test

import (
	"errors"
	"testing"

	"github.com/zkfs/zkfs/internal/bubble"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// The error of a multi names the operation at fault, of whichever kind that is.
func TestFault(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		c := w.Connect()
		for _, path := range []string{"/a", "/a/b"} {
			_, err := c.Create(path, nil, zk.FlagPersistent, bubble.ACL)
			w.OK(err)
		}
		before := &zk.SetDataRequest{Path: "/a", Version: -1}
		behind := &zk.DeleteRequest{Path: "/a/b", Version: -1}
		for want, op := range map[string]any{
			"create /a: ":   &zk.CreateRequest{Path: "/a", Acl: bubble.ACL},
			"create /a/b: ": &zk.CreateContainerRequest{Path: "/a/b", Acl: bubble.ACL},
			"create /n/n: ": &zk.CreateTTLRequest{Path: "/n/n", Flags: zk.FlagTTL, Ttl: 1000, Acl: bubble.ACL},
			"set /n: ":      &zk.SetDataRequest{Path: "/n", Version: -1},
			"delete /a: ":   &zk.DeleteRequest{Path: "/a", Version: -1},
			"check /a/b: ":  &zk.CheckVersionRequest{Path: "/a/b", Version: 7},
		} {
			ops := []any{before, op, behind}
			responses, err := c.Multi(ops...)
			if err == nil {
				t.Fatalf("%s: no error", want)
			}
			got := znode.Fault(ops, responses, err)
			if got.Error() != want+err.Error() || !errors.Is(got, err) {
				t.Errorf("%v, want %s%v", got, want, err)
			}
		}
		if got := znode.Fault([]any{before}, nil, zk.ErrConnectionClosed); got != zk.ErrConnectionClosed {
			t.Errorf("of a lost connection: %v", got)
		}
	})
}
