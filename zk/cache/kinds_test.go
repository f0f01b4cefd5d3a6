package cache_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/internal/bubble"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/cache"
	"github.com/zkfs/zkfs/zk/zktest"
)

// Each kind of cache covers its levels, as the znodes come, change and go.
func TestKindsOfCaches(t *testing.T) {
	for _, tt := range []struct {
		name  string
		start func(context.Context, *zk.Conn, string, ...cache.Option) *cache.Cache
		depth int
	}{
		{"node", cache.OfNode, 0},
		{"children", cache.OfChildren, 1},
		{"tree", cache.OfTree, 9},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, func(w *bubble.World) {
				c, other := w.Connect(), w.Connect()
				tr := tt.start(w.Context(), c, "/a")
				defer tr.Close()
				paths := []string{"/a", "/a/b", "/a/b/c", "/a/b/c/d"}
				check := func(there int) {
					w.Helper()
					w.OK(tr.Sync(w.Context()))
					for i, path := range paths {
						_, _, err := tr.Get(path)
						want := zk.ErrNoNode
						switch {
						case i > tt.depth:
							want = cache.ErrNotHeld
						case i < there:
							want = nil
						}
						if !errors.Is(err, want) {
							w.Errorf("%d znodes: Get %s: %v, want %v", there, path, err, want)
						}
						_, err = tr.Children(path)
						if i == tt.depth && want == nil {
							want = cache.ErrNotHeld
						}
						if !errors.Is(err, want) {
							w.Errorf("%d znodes: Children %s: %v, want %v", there, path, err, want)
						}
					}
				}
				check(0)
				for range 2 {
					for i, path := range paths {
						w.Create(other, path)
						check(i + 1)
						_, err := other.Set(path, []byte("x"), -1)
						w.OK(err)
						check(i + 1)
						data, _, err := tr.Get(path)
						if i <= tt.depth && (err != nil || string(data) != "x") {
							w.Errorf("%s: %q, %v", path, data, err)
						}
					}
					for i, path := range slices.Backward(paths) {
						w.OK(other.Delete(path, -1))
						check(i)
					}
				}
				for _, path := range []string{"/", "/b", "/ab"} {
					if _, _, err := tr.Get(path); !errors.Is(err, cache.ErrNotHeld) {
						w.Errorf("Get %s: %v", path, err)
					}
				}
			})
		})
	}
}

// The root of the ensemble is a tree like any other.
func TestCacheOfTheRoot(t *testing.T) {
	each(t, func(w *bubble.World) {
		c := w.Connect()
		w.Create(c, "/a", "/a/b")
		tr := cache.OfTree(w.Context(), c, "/")
		defer tr.Close()
		equal(w, tr, c, "/")
		w.Create(c, "/c")
		equal(w, tr, c, "/")
	})
}

// A znode that does not fit is not held, and is held when there is room.
func TestMaxBytes(t *testing.T) {
	each(t, func(w *bubble.World) {
		c, other := w.Connect(), w.Connect()
		w.Create(other, "/a")
		const most = 20_000
		tr := cache.OfTree(w.Context(), c, "/a", cache.MaxBytes(most))
		defer tr.Close()
		sizes := func() (known, bytes int) {
			w.Helper()
			w.OK(tr.Sync(w.Context()))
			for e := range tr.Walk("/a") {
				known++
				bytes += len(e.Data)
			}
			return known, bytes
		}
		w.OK(tr.Wait(w.Context()))
		for i := range 40 {
			_, err := other.Create(fmt.Sprintf("/a/%d", i), make([]byte, 1000), 0, bubble.ACL)
			w.OK(err)
		}
		if known, bytes := sizes(); known < 10 || bytes > most {
			w.Errorf("%d znodes and %d bytes are held", known, bytes)
		}
		if _, _, err := tr.Get("/a/none"); !errors.Is(err, cache.ErrNotHeld) {
			w.Errorf("a full cache says %v", err)
		}
		_, err := other.Set("/a", make([]byte, 2*most), -1) // larger than everything
		w.OK(err)
		if known, _ := sizes(); known != 0 {
			w.Errorf("%d znodes below a root that does not fit", known)
		}
		_, err = other.Set("/a", nil, -1)
		w.OK(err)
		for i := range 35 {
			w.OK(other.Delete(fmt.Sprintf("/a/%d", i), -1))
		}
		equal(w, tr, other, "/a")
		if _, _, err := tr.Get("/a/none"); !errors.Is(err, zk.ErrNoNode) {
			w.Errorf("with room: %v", err)
		}
	})
}

// A znode that the session may not read is left out.
func TestCacheWithoutPermission(t *testing.T) {
	each(t, func(w *bubble.World) {
		c, other := w.Connect(), w.Connect()
		w.OK(other.AddAuth("digest", []byte("u:p")))
		w.Create(other, "/a", "/a/b")
		secret := zk.DigestACL(zk.PermAll, "u", "p")
		_, err := other.Create("/a/secret", nil, 0, secret)
		w.OK(err)
		tr := cache.OfTree(w.Context(), c, "/a")
		defer tr.Close()
		w.OK(tr.Sync(w.Context()))
		if names, err := tr.Children("/a"); err != nil || !slices.Equal(names, []string{"b"}) {
			w.Errorf("%q, %v", names, err)
		}
		_, err = other.SetACL("/a", secret, -1)
		w.OK(err)
		denied := cache.OfTree(w.Context(), c, "/a")
		defer denied.Close()
		w.OK(denied.Wait(w.Context()))
		if _, _, err := denied.Get("/a/b"); !errors.Is(err, zk.ErrNoAuth) {
			w.Errorf("below a root that may not be read: %v", err)
		}
	})
}

// A cache ends with Close, with its context, with the client, or where no request can cure it, and
// says why.
func TestEndOfACache(t *testing.T) {
	for _, tt := range []struct {
		name string
		path string
		end  func(*zk.Conn, *cache.Cache, func())
		want error
	}{
		{"Close", "/a", func(_ *zk.Conn, t *cache.Cache, _ func()) { t.Close() }, context.Canceled},
		{"context", "/a", func(_ *zk.Conn, _ *cache.Cache, end func()) { end() }, context.Canceled},
		{"client", "/a", func(c *zk.Conn, _ *cache.Cache, _ func()) { c.Close() }, zk.ErrClosing},
		{"path", "a", func(*zk.Conn, *cache.Cache, func()) {}, zk.ErrInvalidPath},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, func(w *bubble.World) {
				c := w.Connect()
				w.Create(c, "/a", "/a/b")
				ctx, cancel := context.WithCancel(w.Context())
				defer cancel()
				tr := cache.OfTree(ctx, c, tt.path)
				if tt.path == "/a" {
					w.OK(tr.Wait(w.Context()))
				}
				var told int
				loop := make(chan struct{})
				go func() { // ends with the cache
					defer close(loop)
					for range tr.Changes(w.Context()) {
						told++
					}
				}()
				synctest.Wait()
				tt.end(c, tr, cancel)
				bubble.Receive(w, tr.Done())
				bubble.Receive(w, loop)
				for name, err := range map[string]error{
					"Err": tr.Err(), "Sync": tr.Sync(w.Context()),
				} {
					if !errors.Is(err, tt.want) {
						w.Errorf("%s: %v, want %v", name, err, tt.want)
					}
				}
				if _, _, err := tr.Get("/a/b"); tt.path == "/a" && err != nil {
					w.Errorf("what was known last: %v", err)
				}
				tr.Close()
				tr.Close()
			})
		})
	}
}

// A call that waits ends with its context while no server answers, and Close does not wait for one.
func TestWaitingEndsWithTheContext(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		w.Server.Refuse(true)
		c := w.Connect()
		tr := cache.OfTree(w.Context(), c, "/a")
		ctx, cancel := context.WithTimeout(w.Context(), time.Second)
		defer cancel()
		for name, err := range map[string]error{"Wait": tr.Wait(ctx), "Sync": tr.Sync(ctx)} {
			if !errors.Is(err, context.DeadlineExceeded) {
				w.Errorf("%s: %v", name, err)
			}
		}
		tr.Close()
	})
}

// loaded returns a cache of /a with a child, and another client.
func loaded(w *bubble.World) (*cache.Cache, *zk.Conn) {
	w.Helper()
	c, other := w.Connect(), w.Connect()
	w.Create(other, "/a", "/a/b")
	tr := cache.OfTree(w.Context(), c, "/a")
	w.OK(tr.Wait(w.Context()))
	return tr, other
}

// A loop that did not go on is told the last state of each znode, and nothing of what came and
// went.
func TestSlowLoopOverChanges(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		tr, other := loaded(w)
		defer tr.Close()
		goOn, told := make(chan struct{}), []string{}
		done := make(chan struct{})
		ctx, cancel := context.WithCancel(w.Context())
		go func() { // ends with ctx
			defer close(done)
			for ch := range tr.Changes(ctx) {
				if told = append(told, fmt.Sprint(ch.Kind, " ", ch.Path)); ch.Kind == cache.Loaded {
					<-goOn
				}
			}
		}()
		synctest.Wait()
		for i := range 100 {
			name := fmt.Sprintf("/a/%d", i%30)
			w.Create(other, name)
			w.OK(tr.Sync(w.Context()))
			w.OK(other.Delete(name, -1))
			w.OK(tr.Sync(w.Context()))
		}
		w.OK(other.Delete("/a/b", -1))
		w.Create(other, "/a/b")
		w.Create(other, "/a/c")
		w.OK(tr.Sync(w.Context()))
		close(goOn)
		synctest.Wait()
		want := []string{"created /a", "created /a/b", "loaded ", "changed /a/b", "created /a/c"}
		if !slices.Equal(told, want) {
			w.Errorf("told %q, want %q", told, want)
		}
		cancel()
		<-done
	})
}

// A server that was replaced by an older one is asked in its own way.
func TestFallBackToAnOlderServer(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		tr, other := loaded(w)
		defer tr.Close()
		const unimplemented = -6
		w.Server.OnRequest(func(r zktest.Request) zktest.Fault {
			if r.Op == "multiRead" || r.Op == "addWatch" {
				return zktest.Fault{Code: unimplemented}
			}
			return zktest.Fault{}
		})
		w.Create(other, "/a/c")
		w.OK(tr.Sync(w.Context()))
		equal(w, tr, other, "/a")
		_, err := other.Set("/a/b", []byte("x"), -1)
		w.OK(err)
		equal(w, tr, other, "/a")
	})
}

// A client that takes small replies only is asked to take less at a time.
func TestCacheOfAClientThatTakesSmallReplies(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		other := w.Connect()
		w.Create(other, "/tree")
		for i := range 60 {
			_, err := other.Create(fmt.Sprintf("/tree/%d", i), make([]byte, 4<<10), 0, bubble.ACL)
			w.OK(err)
		}
		c, _, err := zk.Connect([]string{"zk"}, 10*time.Second, zk.WithDialer(w.Server.Dialer()),
			zk.WithMaxBufferSize(16<<10), zk.WithLogger(log.New(io.Discard, "", 0)))
		w.OK(err)
		defer c.Close()
		all := cache.OfTree(w.Context(), c, "/tree")
		defer all.Close()
		ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
		defer cancel()
		w.OK(all.Wait(ctx))
		if got, want := held(all, "/tree"), tree(w, other, "/tree"); !slices.Equal(got, want) {
			w.Error(difference(got, want))
		}
	})
}

// A znode that is larger than what the client takes is left out, whatever watches there are.
func TestCacheLeavesOutWhatTheClientDoesNotTake(t *testing.T) {
	for _, name := range servers {
		bubble.Run(t, func(w *bubble.World) {
			other := w.Connect()
			w.Create(other, "/tree", "/tree/small")
			_, err := other.Create("/tree/large", make([]byte, 64<<10), 0, bubble.ACL)
			w.OK(err)
			c, _, err := zk.Connect([]string{"zk"}, 10*time.Second, zk.WithDialer(w.Server.Dialer()),
				zk.WithMaxBufferSize(16<<10), zk.WithLogger(log.New(io.Discard, "", 0)))
			w.OK(err)
			defer c.Close()
			ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
			defer cancel()
			all := cache.OfTree(w.Context(), c, "/tree")
			defer all.Close()
			w.OK(all.Wait(ctx))
			if _, _, err := all.Get("/tree/small"); err != nil {
				w.Errorf("%s: small: %v", name, err)
			}
			if _, _, err := all.Get("/tree/large"); !errors.Is(err, cache.ErrNotHeld) {
				w.Errorf("%s: large: %v", name, err)
			}
			_, err = other.Set("/tree/small", make([]byte, 64<<10), -1)
			w.OK(err)
			w.OK(all.Sync(ctx))
			if data, _, err := all.Get("/tree/small"); !errors.Is(err, cache.ErrNotHeld) {
				w.Errorf("%s: a small one that has grown: %d bytes, %v", name, len(data), err)
			}
			one := cache.OfNode(w.Context(), c, "/tree/large")
			defer one.Close()
			w.OK(one.Wait(ctx))
			if _, _, err := one.Get("/tree/large"); !errors.Is(err, cache.ErrNotHeld) {
				w.Errorf("%s: large alone: %v", name, err)
			}
		}, zktest.WithVersion(name))
	}
}
