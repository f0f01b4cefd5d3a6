package znode_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/internal/bubble"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
	"github.com/zkfs/zkfs/zk/znode"
)

// version returns the version of a znode, -1 if there is none.
func version(w *bubble.World, c *zk.Conn, path string) int32 {
	found, stat, err := c.Exists(path)
	w.OK(err)
	if !found {
		return -1
	}
	return stat.Version
}

var tree = []string{"/a", "/a/b", "/a/b/c", "/a/d"}

// Each function does its work once, however its requests fail.
func TestEachFault(t *testing.T) {

	for _, tt := range []struct {
		name   string
		before []string // znodes
		do     func(ctx context.Context, c *zk.Conn) error
		after  func(w *bubble.World, c *zk.Conn)
	}{
		{"Create", nil, func(ctx context.Context, c *zk.Conn) error {
			return znode.Create(ctx, c, "/a", []byte("x"), zk.FlagPersistent, bubble.ACL)
		}, func(w *bubble.World, c *zk.Conn) {
			if v := version(w, c, "/a"); v != 0 {
				w.Errorf("version %d", v)
			}
		}},
		{"CreateAll", nil, func(ctx context.Context, c *zk.Conn) error {
			return znode.CreateAll(ctx, c, "/a/b/c", []byte("x"), zk.FlagPersistent, bubble.ACL)
		}, func(w *bubble.World, c *zk.Conn) {
			if v := version(w, c, "/a/b/c"); v != 0 {
				w.Errorf("version %d", v)
			}
		}},
		{"Ensure", []string{"/a"}, func(ctx context.Context, c *zk.Conn) error {
			return znode.Ensure(ctx, c, "/a/b/c", true, bubble.ACL)
		}, func(w *bubble.World, c *zk.Conn) {
			if v := version(w, c, "/a/b/c"); v != 0 {
				w.Errorf("version %d", v)
			}
		}},
		{"Set", []string{"/a"}, func(ctx context.Context, c *zk.Conn) error {
			stat, err := znode.Set(ctx, c, "/a", []byte("x"), 0)
			if err == nil && stat.Version != 1 {
				err = errors.New("not the Stat of the set")
			}
			return err
		}, func(w *bubble.World, c *zk.Conn) {
			if v := version(w, c, "/a"); v != 1 {
				w.Errorf("version %d", v)
			}
		}},
		{"Delete", []string{"/a"}, func(ctx context.Context, c *zk.Conn) error {
			return znode.Delete(ctx, c, "/a", 0)
		}, func(w *bubble.World, c *zk.Conn) {
			if v := version(w, c, "/a"); v != -1 {
				w.Errorf("version %d", v)
			}
		}},
		{"Discard", []string{"/a"}, func(ctx context.Context, c *zk.Conn) error {
			return znode.Discard(ctx, c, "/a")
		}, func(w *bubble.World, c *zk.Conn) {
			if v := version(w, c, "/a"); v != -1 {
				w.Errorf("version %d", v)
			}
		}},
		{"DeleteAll", tree, func(ctx context.Context, c *zk.Conn) error {
			return znode.DeleteAll(ctx, c, "/a")
		}, func(w *bubble.World, c *zk.Conn) {
			if v := version(w, c, "/a"); v != -1 {
				w.Errorf("version %d", v)
			}
		}},
		{"Walk", tree, func(ctx context.Context, c *zk.Conn) error {
			var paths []string
			for n, err := range znode.Walk(ctx, c, "/a") {
				if err != nil {
					return err
				}
				paths = append(paths, n.Path)
			}
			slices.Sort(paths)
			if !slices.Equal(paths, tree) {
				return errors.New("not all znodes")
			}
			return nil
		}, func(*bubble.World, *zk.Conn) {}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble.EachFault(t, func(w *bubble.World, arm func()) {
				c := w.Connect()
				w.Create(c, tt.before...)
				arm()
				w.OK(tt.do(w.Context(), c))
				w.Server.OnRequest(nil)
				tt.after(w, c)
			})
		})
	}
}

// An ephemeral znode belongs to the session, or is not promised.
func TestCreateEphemeralAtEachFault(t *testing.T) {
	bubble.EachFault(t, func(w *bubble.World, arm func()) {
		c := w.Connect()
		w.Create(c, "/dir")
		arm()
		err := znode.Create(w.Context(), c, "/dir/e", nil, zk.FlagEphemeral, bubble.ACL)
		w.Server.OnRequest(nil)
		if w.Expired && errors.Is(err, zk.ErrSessionExpired) {
			return
		}
		w.OK(err)
		_, stat, err := c.Exists("/dir/e")
		w.OK(err)
		if stat.EphemeralOwner != c.SessionID() {
			w.Errorf("the owner is %#x, the session %#x", stat.EphemeralOwner, c.SessionID())
		}
	})
}

// A change of another client is not taken for the own one.
func TestChangesOfOthersAreSeen(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		ctx, c, other := w.Context(), w.Connect(), w.Connect()
		w.Create(other, "/a")
		lost := 0
		w.Server.OnRequest(func(r zktest.Request) zktest.Fault {
			if r.SessionID != c.SessionID() || r.Op != "create" && r.Op != "setData" || lost > 0 {
				return zktest.Fault{}
			}
			lost++
			return zktest.Fault{Close: true} // which leaves the client in doubt
		})
		err := znode.Create(ctx, c, "/a", []byte("mine"), zk.FlagPersistent, bubble.ACL)
		if !errors.Is(err, zk.ErrNodeExists) || lost != 1 {
			t.Errorf("Create of what is there: %v", err)
		}
		lost = 0
		_, err = other.Set("/a", []byte("theirs"), 0)
		w.OK(err)
		_, err = znode.Set(ctx, c, "/a", []byte("mine"), 0)
		if !errors.Is(err, zk.ErrBadVersion) || lost != 1 {
			t.Errorf("Set of what was changed: %v", err)
		}
		lost = 0
		_, err = other.Set("/a", []byte("mine"), 1)
		w.OK(err)
		_, err = znode.Set(ctx, c, "/a", []byte("mine"), 0)
		if !errors.Is(err, zk.ErrBadVersion) || lost != 1 {
			t.Errorf("Set of what has the same data in a later version: %v", err)
		}
		lost = 0
		err = znode.Create(ctx, c, "/a", []byte("mine"), zk.FlagPersistent, bubble.ACL)
		if !errors.Is(err, zk.ErrNodeExists) || lost != 1 {
			t.Errorf("Create of what has the same data in a later version: %v", err)
		}
	})
}

func TestErrors(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		ctx, c := w.Context(), w.Connect()
		w.Create(c, "/a", "/a/b")
		create := func(path string, flags int32) error {
			return znode.Create(ctx, c, path, nil, flags, bubble.ACL)
		}
		for _, tt := range []struct {
			name string
			err  error
			want error
		}{
			{"Create in nothing", create("/x/y", zk.FlagPersistent), zk.ErrNoNode},
			{"Create twice", create("/a", zk.FlagPersistent), zk.ErrNodeExists},
			{"Create sequential", create("/a", zk.FlagSequence), zk.ErrInvalidFlags},
			{"Delete nothing", znode.Delete(ctx, c, "/x", -1), zk.ErrNoNode},
			{"Delete a parent", znode.Delete(ctx, c, "/a", -1), zk.ErrNotEmpty},
			{"Discard nothing", znode.Discard(ctx, c, "/x"), nil},
			{"DeleteAll of nothing", znode.DeleteAll(ctx, c, "/x"), nil},
			{"DeleteAll of all", znode.DeleteAll(ctx, c, "/"), zk.ErrBadArguments},
			{"Ensure the root", znode.Ensure(ctx, c, "/", true, bubble.ACL), nil},
			{"an invalid path", znode.Ensure(ctx, c, "a", false, bubble.ACL), zk.ErrInvalidPath},
		} {
			if !errors.Is(tt.err, tt.want) {
				t.Errorf("%s: %v, want %v", tt.name, tt.err, tt.want)
			}
		}
		for _, err := range znode.Walk(ctx, c, "/x") {
			if !errors.Is(err, zk.ErrNoNode) {
				t.Errorf("Walk of nothing: %v", err)
			}
		}
		c.Close()
		if err := znode.Delete(ctx, c, "/a/b", -1); !errors.Is(err, zk.ErrClosing) {
			t.Errorf("after Close: %v", err)
		}
	})
}

// A znode that may not be deleted is named.
// A part of a tree that the session may not list does not hide the rest, and is not deleted.
func TestWalkRefused(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		ctx, c := w.Context(), w.Connect()
		w.Create(c, "/a", "/a/dir", "/a/dir/b", "/a/leaf")
		for _, path := range []string{"/a/dir", "/a/leaf"} {
			_, err := c.SetACL(path, zk.WorldACL(zk.PermAdmin), -1)
			w.OK(err)
		}
		var got []string
		for n, err := range znode.Walk(ctx, c, "/a") {
			children := int32(-1)
			if n.Stat != nil {
				children = n.Stat.NumChildren
			}
			got = append(got, fmt.Sprint(n.Path, " ", children, " ", err))
		}
		slices.Sort(got)
		want := []string{
			"/a 2 <nil>", "/a/dir 1 " + zk.ErrNoAuth.Error(), "/a/leaf 0 <nil>",
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		var at *znode.PathError
		err := znode.DeleteAll(ctx, c, "/a")
		if !errors.As(err, &at) || at.Path != "/a/dir" || !errors.Is(err, zk.ErrNoAuth) {
			t.Errorf("DeleteAll: %v", err)
		}
		_, err = c.SetACL("/a/dir", zk.WorldACL(zk.PermAll), -1)
		w.OK(err)
		w.OK(znode.DeleteAll(ctx, c, "/a")) // deleting asks for nothing of a leaf itself
	})
}

func TestDeleteAllNamesTheZnode(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		ctx, c := w.Context(), w.Connect()
		w.Create(c, "/a", "/a/b", "/a/b/c")
		_, err := c.SetACL("/a/b", zk.WorldACL(zk.PermRead), -1)
		w.OK(err)
		var at *znode.PathError
		if err := znode.DeleteAll(ctx, c, "/a"); !errors.As(err, &at) || at.Path != "/a/b/c" {
			t.Errorf("DeleteAll: %v", err)
		}
	})
}

// Without a server all ends with the context, and what Discard has begun goes on.
func TestContext(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		c := w.Connect()
		w.Create(c, "/a")
		w.Server.Refuse(true)
		w.Server.Disconnect()
		ctx, cancel := context.WithTimeout(w.Context(), time.Second)
		defer cancel()
		always := func([]byte, *zk.Stat) bool { return true }
		for name, err := range map[string]error{
			"Discard":   znode.Discard(ctx, c, "/a"),
			"Set":       func() error { _, err := znode.Set(ctx, c, "/a", nil, -1); return err }(),
			"CreateAll": znode.CreateAll(ctx, c, "/b/c", nil, zk.FlagPersistent, bubble.ACL),
			"Wait":      znode.Wait(ctx, c, "/a", always),
		} {
			var interrupted *zk.InterruptedError
			if !errors.As(err, &interrupted) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", name, err)
			}
		}
		w.Server.Refuse(false)
		w.OK(znode.Wait(w.Context(), w.Connect(), "/a", znode.Missing))
	})
}

// Wait sees a znode come, change and go, across a lost connection and the end of the session.
func TestWait(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		c, other := w.Connect(), w.Connect()
		interruptions := []func(){
			func() {},
			func() { w.Server.Disconnect() },
			func() { w.Server.ExpireSession(c.SessionID()) },
		}
		for _, interrupt := range interruptions {
			for _, step := range []struct {
				cond   func([]byte, *zk.Stat) bool
				change func() error
			}{
				{znode.Exists, func() error {
					return znode.CreateAll(
						w.Context(), other, "/a", nil, zk.FlagPersistent, bubble.ACL)
				}},
				{func(data []byte, _ *zk.Stat) bool { return string(data) == "x" }, func() error {
					_, err := znode.Set(w.Context(), other, "/a", []byte("x"), -1)
					return err
				}},
				{znode.Missing, func() error { return znode.Delete(w.Context(), other, "/a", -1) }},
			} {
				done := make(chan error, 1)
				go func() { // ends with the change
					done <- znode.Wait(w.Context(), c, "/a", step.cond)
				}()
				synctest.Wait()
				interrupt()
				if len(done) > 0 {
					t.Fatal("Wait has not waited")
				}
				w.OK(step.change())
				w.OK(bubble.Receive(w, done))
			}
		}
	})
}
