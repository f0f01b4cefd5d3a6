package recipes_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/zkfs/zkfs/internal/bubble"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/recipes"
	"github.com/zkfs/zkfs/zk/zktest"
)

// leases counts those of a semaphore.
func leases(w *bubble.World, c *zk.Conn) int { return len(children(w, c, "/sem/leases")) }

func TestSemaphoreAtEachFault(t *testing.T) {
	bubble.EachFault(t, func(w *bubble.World, arm func()) {
		c, other := w.Connect(), w.Connect()
		theirs := recipes.NewSemaphore(other, "/sem", 2, bubble.ACL)
		first, err := theirs.Acquire(w.Context(), nil)
		w.OK(err)
		arm()
		ours := recipes.NewSemaphore(c, "/sem", 2, bubble.ACL)
		lease, err := ours.Acquire(w.Context(), []byte("x"))
		w.OK(err)
		done := make(chan error, 1)
		go func() { // ends when a lease is free
			third, err := theirs.Acquire(w.Context(), nil)
			if err == nil {
				err = third.Release(w.Context())
			}
			done <- err
		}()
		time.Sleep(time.Second)
		check := func(err error) {
			if err != nil && !(w.Expired && errors.Is(err, recipes.ErrLost)) {
				w.Error(err)
			}
		}
		check(lease.Release(w.Context()))
		check(bubble.Receive(w, done))
		check(first.Release(w.Context()))
		w.Server.OnRequest(nil)
		time.Sleep(time.Minute)
		w.OK(func() error { _, err := other.Sync("/"); return err }())
		if n := leases(w, other); n > 0 {
			w.Errorf("%d leases are left", n)
		}
	})
}

func TestSemaphore(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		a, b := w.Connect(), w.Connect()
		sem := func(c *zk.Conn) *recipes.Semaphore {
			return recipes.NewSemaphore(c, "/sem", 2, bubble.ACL)
		}
		first, err := sem(a).Acquire(w.Context(), nil)
		w.OK(err)
		second, err := sem(b).Acquire(w.Context(), nil)
		w.OK(err)
		ctx, cancel := context.WithTimeout(w.Context(), time.Second)
		defer cancel()
		if _, err := sem(a).Acquire(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
			w.Errorf("a third lease: %v", err)
		}
		time.Sleep(time.Second)
		if n := leases(w, a); n != 2 {
			w.Errorf("%d leases", n)
		}
		w.Server.ExpireSession(b.SessionID())
		bubble.Receive(w, second.Lost())
		third, err := sem(a).Acquire(w.Context(), nil)
		w.OK(err)
		if err := second.Release(w.Context()); !errors.Is(err, recipes.ErrLost) {
			w.Errorf("Release of a lost lease: %v", err)
		}
		w.OK(first.Release(w.Context()))
		w.OK(third.Release(w.Context()))
		if err := third.Release(w.Context()); !errors.Is(err, recipes.ErrLost) {
			w.Errorf("a second Release: %v", err)
		}
		if n := leases(w, a); n != 0 {
			w.Errorf("%d leases are left", n)
		}
	})
}

// A holder that no server answers knows in time that its lease may soon be another's.
func TestLeaseIsLostInTime(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		c := w.Connect()
		lease, err := recipes.NewSemaphore(c, "/sem", 1, bubble.ACL).Acquire(w.Context(), nil)
		w.OK(err)
		id := c.SessionID()
		w.Server.OnRequest(func(r zktest.Request) zktest.Fault {
			return zktest.Fault{Stall: r.SessionID == id}
		})
		bubble.Receive(w, lease.Lost())
		if !slices.Contains(w.Server.Sessions(), id) {
			w.Error("the session has ended before the holder knew")
		}
	})
}

// The servers never grant more leases than there are, and grant them again after the storm.
func TestSemaphoreInAStorm(t *testing.T) {
	each(t, func(w *bubble.World, seed int) {
		ctx, cancel := context.WithCancel(w.Context())
		var all sync.WaitGroup
		var mu sync.Mutex
		holders, grants := map[string]bool{}, 0
		for range 4 {
			s := recipes.NewSemaphore(w.Connect(), "/sem", 2, bubble.ACL)
			all.Go(func() { // ends with ctx
				for ctx.Err() == nil {
					l, err := s.Acquire(ctx, nil)
					if err != nil {
						continue
					}
					mu.Lock()
					if holders[l.Path()] {
						w.Errorf("%s is granted twice", l.Path())
					}
					holders[l.Path()] = true
					grants++
					mu.Unlock()
					select {
					case <-l.Lost():
					case <-time.After(500 * time.Millisecond):
					}
					l.Release(ctx)
				}
			})
		}
		stop := storm(w, seed)
		time.Sleep(2 * time.Minute)
		stop()
		granted := func() int {
			mu.Lock()
			defer mu.Unlock()
			return grants
		}
		before := granted()
		time.Sleep(2 * time.Minute)
		if granted() <= before {
			w.Errorf("%d grants, none after the storm", before)
		}
		cancel()
		all.Wait()
		time.Sleep(time.Minute)
		if n := leases(w, w.Connect()); n > 0 {
			w.Errorf("%d leases are left", n)
		}
	})
}
