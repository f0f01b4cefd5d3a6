package recipes_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkfs/zkfs/internal/bubble"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/recipes"
)

// There is one znode whatever fails, and it is back at once.
func TestPersistAtEachFault(t *testing.T) {
	persistsAtEachFault(t, recipes.Persist, "/app/node", func(path string) bool { return path == "/app/node" })
}

// persistsAtEachFault keeps a znode by persist, with each fault. There is one, of the session that is,
// and the Path is its path, which isNamed accepts.
func persistsAtEachFault(t *testing.T,
	persist func(context.Context, *zk.Conn, string, []byte, []zk.ACL) *recipes.PersistentNode,
	path string, isNamed func(path string) bool,
) {
	t.Helper()
	bubble.EachFault(t, func(w *bubble.World, arm func()) {
		c, other := w.Connect(), w.Connect()
		arm()
		p := persist(w.Context(), c, path, []byte("1"), bubble.ACL)
		w.OK(p.Wait(w.Context()))
		w.OK(p.Set(w.Context(), []byte("2")))
		w.Server.OnRequest(nil)
		check := func() {
			w.Helper()
			time.Sleep(time.Minute)
			names := children(w, other, "/app")
			if len(names) != 1 || p.Path() != "/app/"+names[0] || !isNamed(p.Path()) {
				w.Fatalf("there are %q, want one, and the path is %s", names, p.Path())
			}
			data, stat, err := other.Get(p.Path())
			w.OK(err)
			if string(data) != "2" || stat.EphemeralOwner != c.SessionID() {
				w.Errorf("%q of %#x, want that of %#x", data, stat.EphemeralOwner, c.SessionID())
			}
		}
		check()
		w.Server.ExpireSession(c.SessionID())
		check()
		w.OK(other.Delete(p.Path(), -1))
		check()
		w.OK(p.Close(w.Context()))
		if names := children(w, other, "/app"); len(names) > 0 {
			w.Errorf("left: %q", names)
		}
		if err := p.Err(); !errors.Is(err, context.Canceled) {
			w.Errorf("Err: %v", err)
		}
	})
}

// A znode of another client stands until it goes.
func TestPersistBesideAnother(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		c, other := w.Connect(), w.Connect()
		_, err := other.Create("/node", []byte("theirs"), zk.FlagEphemeral, bubble.ACL)
		w.OK(err)
		p := recipes.Persist(w.Context(), c, "/node", []byte("mine"), bubble.ACL)
		ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
		defer cancel()
		if err := p.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			w.Errorf("Wait beside another: %v", err)
		}
		other.Close()
		w.OK(p.Wait(w.Context()))
		w.OK(p.Close(w.Context()))
	})
}

// A znode that is not ephemeral stands too, even where a session has ended just before the
// PersistentNode made its own.
func TestPersistBesideOneOfNoSession(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		var c *zk.Conn
		var away, done atomic.Bool
		dial := w.Server.Dialer()
		dialer := func(network, address string, timeout time.Duration) (net.Conn, error) {
			if away.Load() && c.SessionID() == 0 {
				return nil, errors.New("away")
			}
			return dial(network, address, timeout)
		}
		hook := func(r zk.RequestInfo) { // runs before the caller has the reply
			if r.Op != "exists" || done.Swap(true) {
				return
			}
			away.Store(true)
			w.Server.ExpireSession(c.SessionID())
			for c.SessionID() != 0 {
				time.Sleep(time.Millisecond)
			}
			time.AfterFunc(time.Second, func() { away.Store(false) })
		}
		var err error
		c, _, err = zk.Connect([]string{"zk"}, 10*time.Second, zk.WithDialer(dialer),
			zk.WithRequestHook(hook), zk.WithLogger(log.New(io.Discard, "", 0)))
		w.OK(err)
		defer c.Close()
		other := w.Connect()
		p := recipes.Persist(w.Context(), c, "/node", []byte("mine"), bubble.ACL)
		w.OK(p.Wait(w.Context()))
		_, err = other.Multi(&zk.DeleteRequest{Path: "/node", Version: -1},
			&zk.CreateRequest{Path: "/node", Data: []byte("theirs"), Acl: bubble.ACL})
		w.OK(err)
		time.Sleep(time.Minute)
		data, _, err := other.Get("/node")
		w.OK(err)
		if string(data) != "theirs" {
			w.Errorf("%q, want that of the other client", data)
		}
	})
}

// An error that stays ends it.
func TestPersistWithoutPermission(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		c := w.Connect()
		_, err := c.Create("/dir", nil, 0, zk.WorldACL(zk.PermRead))
		w.OK(err)
		p := recipes.Persist(w.Context(), c, "/dir/node", nil, bubble.ACL)
		if err := p.Wait(w.Context()); !errors.Is(err, zk.ErrNoAuth) {
			w.Errorf("Wait: %v", err)
		}
	})
}

// In a storm there is never a znode of two sessions, and one at the end.
func TestPersistInAStorm(t *testing.T) {
	each(t, func(w *bubble.World, seed int) {
		var nodes []*recipes.PersistentNode
		for i := range 5 {
			path := fmt.Sprintf("/app/%d", i)
			nodes = append(nodes, recipes.Persist(w.Context(), w.Connect(), path, nil, bubble.ACL))
		}
		stop := storm(w, seed)
		time.Sleep(2 * time.Minute)
		stop()
		time.Sleep(time.Minute)
		c := w.Connect()
		if got := children(w, c, "/app"); !slices.Equal(got, []string{"0", "1", "2", "3", "4"}) {
			w.Errorf("there are %q, want 0 to 4", got)
		}
		for _, p := range nodes {
			w.OK(p.Close(w.Context()))
		}
		if left := children(w, c, "/app"); len(left) > 0 {
			w.Errorf("left: %q", left)
		}
	})
}
