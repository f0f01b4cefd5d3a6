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
)

func TestBarrier(t *testing.T) {
	bubble.EachFault(t, func(w *bubble.World, arm func()) {
		c, other := w.Connect(), w.Connect()
		b := recipes.NewBarrier(other, "/app/barrier", bubble.ACL)
		w.OK(b.Wait(w.Context()))
		w.OK(b.Set(w.Context()))
		w.OK(b.Set(w.Context()))
		arm()
		done := make(chan error, 1)
		go func() { // ends with the barrier
			done <- recipes.NewBarrier(c, "/app/barrier", bubble.ACL).Wait(w.Context())
		}()
		time.Sleep(time.Second)
		if len(done) > 0 {
			w.Fatal("Wait has not waited")
		}
		w.OK(b.Remove(w.Context()))
		w.OK(b.Remove(w.Context()))
		w.OK(bubble.Receive(w, done))
	})
}

func TestDoubleBarrierAtEachFault(t *testing.T) {
	bubble.EachFault(t, func(w *bubble.World, arm func()) {
		conns := []*zk.Conn{w.Connect(), w.Connect(), w.Connect()}
		arm()
		// One that is lost may leave the others waiting for it.
		ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
		defer cancel()
		check := func(name string, err error) bool {
			lost := errors.Is(err, recipes.ErrLost) || errors.Is(err, context.DeadlineExceeded)
			if err != nil && !(w.Expired && lost) {
				w.Errorf("%s: %v", name, err)
			}
			return err == nil
		}
		var all sync.WaitGroup
		for i, c := range conns {
			b := recipes.NewDoubleBarrier(c, "/barrier", len(conns), bubble.ACL)
			all.Go(func() { // ends after two rounds
				for range 2 {
					time.Sleep(time.Duration(i) * time.Second)
					if !check("Enter", b.Enter(ctx)) {
						return
					}
					time.Sleep(time.Duration(i) * time.Second)
					if !check("Leave", b.Leave(ctx)) {
						return
					}
				}
			})
		}
		all.Wait()
		w.Server.OnRequest(nil)
		if left := children(w, conns[0], "/barrier"); len(left) > 0 && !w.Expired {
			w.Errorf("left: %q", left)
		}
	})
}

func TestDoubleBarrier(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		c := w.Connect()
		var mu sync.Mutex
		in, entered, left := 0, 0, 0
		var all sync.WaitGroup
		for range 3 {
			b := recipes.NewDoubleBarrier(w.Connect(), "/barrier", 3, bubble.ACL)
			all.Go(func() { // ends after the rounds
				for round := range 5 {
					mu.Lock()
					in++
					mu.Unlock()
					w.OK(b.Enter(w.Context()))
					mu.Lock()
					if entered++; in < 3*(round+1) {
						w.Errorf("round %d: entered with %d", round, in)
					}
					mu.Unlock()
					if err := b.Enter(w.Context()); !errors.Is(err, zk.ErrDeadlock) {
						w.Errorf("Enter inside: %v", err)
					}
					mu.Lock()
					left++
					mu.Unlock()
					w.OK(b.Leave(w.Context()))
					mu.Lock()
					if left < 3*(round+1) {
						w.Errorf("round %d: left with %d", round, left)
					}
					mu.Unlock()
				}
			})
		}
		all.Wait()
		b := recipes.NewDoubleBarrier(c, "/barrier", 2, bubble.ACL)
		ctx, cancel := context.WithTimeout(w.Context(), time.Second)
		defer cancel()
		if err := b.Enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
			w.Errorf("Enter alone: %v", err)
		}
		if err := b.Leave(w.Context()); !errors.Is(err, zk.ErrNotLocked) {
			w.Errorf("Leave outside: %v", err)
		}
		time.Sleep(time.Second)
		if left := children(w, c, "/barrier"); len(left) > 0 {
			w.Errorf("left: %q", left)
		}
	})
}

// A process that was let in is in, even if the first of the others has left before it looked.
func TestReadyThatIsGoneAgain(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		c, other := w.Connect(), w.Connect()
		b := recipes.NewDoubleBarrier(c, "/barrier", 2, bubble.ACL)
		done := make(chan error, 1)
		go func() { done <- b.Enter(w.Context()) }() // ends when it is let in
		time.Sleep(time.Second)
		_, err := other.Multi(&zk.CreateRequest{Path: "/barrier/ready", Acl: bubble.ACL},
			&zk.DeleteRequest{Path: "/barrier/ready", Version: -1})
		w.OK(err)
		w.OK(bubble.Receive(w, done))
		w.OK(b.Leave(w.Context()))
	})
}

// The last that leaves does not take away what lets the next round in.
func TestReadyOfTheNextRound(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		c, other := w.Connect(), w.Connect()
		w.Create(other, "/barrier", "/barrier/slow")
		b := recipes.NewDoubleBarrier(c, "/barrier", 2, bubble.ACL)
		w.OK(b.Enter(w.Context()))
		done := make(chan error, 1)
		go func() { done <- b.Leave(w.Context()) }() // ends when the slow one has left
		time.Sleep(time.Second)
		w.OK(other.Delete("/barrier/ready", -1))
		w.Create(other, "/barrier/ready")
		w.OK(other.Delete("/barrier/slow", -1))
		w.OK(bubble.Receive(w, done))
		if left := children(w, c, "/barrier"); !slices.Equal(left, []string{"ready"}) {
			w.Errorf("left: %q", left)
		}
	})
}
