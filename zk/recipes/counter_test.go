package recipes_test

import (
	"sync"
	"testing"
	"time"

	"github.com/zkfs/zkfs/internal/bubble"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/recipes"
	"github.com/zkfs/zkfs/zk/znode"
)

func TestCounterForms(t *testing.T) {
	for _, tt := range []struct {
		form recipes.Form
		n    int64
		want string
	}{
		{recipes.Decimal, 0, "0"}, {recipes.Decimal, -12, "-12"},
		{recipes.Int32, 258, "\x00\x00\x01\x02"}, {recipes.Int32, -1, "\xff\xff\xff\xff"},
		{recipes.Int64, 258, "\x00\x00\x00\x00\x00\x00\x01\x02"},
		{recipes.Int64, -1, "\xff\xff\xff\xff\xff\xff\xff\xff"},
	} {
		bubble.Run(t, func(w *bubble.World) {
			c := w.Connect()
			k := recipes.NewCounter(c, "/app/count", tt.form, bubble.ACL)
			if n, err := k.Get(w.Context()); n != 0 || err != nil {
				w.Errorf("a counter that is missing: %d, %v", n, err)
			}
			w.OK(k.Set(w.Context(), tt.n))
			data, _, err := c.Get("/app/count")
			w.OK(err)
			if string(data) != tt.want {
				w.Errorf("form %d of %d: %q, want %q", tt.form, tt.n, data, tt.want)
			}
			if n, err := k.Get(w.Context()); n != tt.n || err != nil {
				w.Errorf("form %d of %d: %d, %v", tt.form, tt.n, n, err)
			}
			_, err = c.Set("/app/count", []byte("x"), -1)
			w.OK(err)
			if n, err := k.Get(w.Context()); err == nil {
				w.Errorf("form %d takes x for %d", tt.form, n)
			}
		})
	}
	bubble.Run(t, func(w *bubble.World) {
		k := recipes.NewCounter(w.Connect(), "/count", recipes.Int32, bubble.ACL)
		if err := k.Set(w.Context(), 1<<31); err == nil {
			w.Error("2^31 fits into four bytes")
		}
	})
}

// An Add that returned was done once, and one that failed for certain was not.
func TestCounterInAStorm(t *testing.T) {
	each(t, func(w *bubble.World, seed int) {
		var all sync.WaitGroup
		var mu sync.Mutex
		certain, unknown := int64(0), int64(0)
		stop := storm(w, seed)
		for range 3 {
			k := recipes.NewCounter(w.Connect(), "/count", recipes.Decimal, bubble.ACL)
			all.Go(func() { // ends after the additions
				for range 50 {
					_, err := k.Add(w.Context(), 1)
					mu.Lock()
					switch {
					case err == nil:
						certain++
					case zk.MaybeApplied(err):
						unknown++
					default:
						w.Errorf("Add: %v", err)
					}
					mu.Unlock()
					time.Sleep(time.Second)
				}
			})
		}
		all.Wait()
		stop()
		k := recipes.NewCounter(w.Connect(), "/count", recipes.Decimal, bubble.ACL)
		n, err := k.Get(w.Context())
		w.OK(err)
		if n < certain || n > certain+unknown || certain == 0 {
			w.Errorf("%d, of which %d certain and %d unknown", n, certain, unknown)
		}
	})
}

func TestCounterAtEachFault(t *testing.T) {
	bubble.EachFault(t, func(w *bubble.World, arm func()) {
		k := recipes.NewCounter(w.Connect(), "/count", recipes.Int64, bubble.ACL)
		arm()
		want := int64(0)
		for range 3 {
			n, err := k.Add(w.Context(), 1)
			if w.Expired && zk.MaybeApplied(err) {
				n, err = k.Get(w.Context())
				w.OK(err)
				want = n
				continue
			}
			w.OK(err)
			if want++; n != want {
				w.Errorf("%d, want %d", n, want)
			}
		}
	})
}

// The mark of a session that the servers have not ended yet does not keep an Add from going on.
func TestCounterBesideAnEarlierSession(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		c, other := w.Connect(), w.Connect()
		k := recipes.NewCounter(c, "/counter", recipes.Decimal, bubble.ACL)
		_, err := k.Add(w.Context(), 1)
		w.OK(err)
		names := children(w, other, "/counter")
		mark := znode.Join("/counter", names[0])
		w.Server.ExpireSession(c.SessionID())
		// The mark as it is while the servers still hold the earlier session.
		_, err = other.Create(mark, nil, zk.FlagEphemeral, bubble.ACL)
		w.OK(err)
		start := time.Now()
		sum, err := k.Add(w.Context(), 1)
		w.OK(err)
		if took := time.Since(start); sum != 2 || took > time.Second {
			w.Errorf("%d after %v", sum, took)
		}
	})
}
