package recipes_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/zkfs/zkfs/internal/bubble"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/recipes"
)

func TestQueue(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		a, b := w.Connect(), w.Connect()
		q, other := recipes.NewQueue(a, "/q", bubble.ACL), recipes.NewQueue(b, "/q", bubble.ACL)
		ctx := w.Context()
		done := make(chan string, 1)
		go func() { // ends with the first item
			item, err := q.Take(ctx)
			if err == nil {
				err = item.Release(ctx)
			}
			done <- fmt.Sprint(err)
		}()
		time.Sleep(time.Second)
		w.OK(q.Put(ctx, []byte("last")))
		if err := bubble.Receive(w, done); err != "<nil>" {
			w.Error(err)
		}
		w.OK(q.PutPriority(ctx, []byte("second"), 10))
		w.OK(q.PutPriority(ctx, []byte("third"), 10))
		w.OK(q.PutPriority(ctx, []byte("first"), 0))
		if err := q.PutPriority(ctx, nil, 1000); !errors.Is(err, zk.ErrBadArguments) {
			w.Errorf("priority 1000: %v", err)
		}
		first, err := q.Take(ctx)
		w.OK(err)
		second, err := other.Take(ctx)
		w.OK(err)
		if string(first.Data) != "first" || string(second.Data) != "second" {
			w.Errorf("%q, %q", first.Data, second.Data)
		}
		w.Server.ExpireSession(b.SessionID())
		bubble.Receive(w, second.Lost())
		again, err := q.Take(ctx)
		w.OK(err)
		if string(again.Data) != "second" {
			w.Errorf("after the taker has died: %q", again.Data)
		}
		for name, err := range map[string]error{
			"Done": second.Done(ctx), "Release": second.Release(ctx),
		} {
			if !errors.Is(err, recipes.ErrLost) {
				w.Errorf("%s of a lost item: %v", name, err)
			}
		}
		w.OK(first.Done(ctx))
		w.OK(again.Done(ctx))
		if err := again.Done(ctx); !errors.Is(err, recipes.ErrLost) {
			w.Errorf("a second Done: %v", err)
		}
		if n, err := q.Len(ctx); err != nil || n != 2 {
			w.Errorf("%d items, %v", n, err)
		}
		if left := children(w, a, "/q/taken"); len(left) > 0 {
			w.Errorf("left: %q", left)
		}
	})
}

func TestQueueAtEachFault(t *testing.T) {
	bubble.EachFault(t, func(w *bubble.World, arm func()) {
		c, other := w.Connect(), w.Connect()
		theirs := recipes.NewQueue(other, "/q", bubble.ACL)
		for i := range 3 {
			w.OK(theirs.Put(w.Context(), fmt.Append(nil, i)))
		}
		arm()
		q := recipes.NewQueue(c, "/q", bubble.ACL)
		var done []string
		for len(done) < 3 {
			item, err := q.Take(w.Context())
			w.OK(err)
			err = item.Done(w.Context())
			switch {
			case err == nil:
				done = append(done, string(item.Data))
			case !w.Expired:
				w.Fatalf("Done: %v", err)
			case zk.MaybeApplied(err): // the session went with the answer
				if n, err := theirs.Len(w.Context()); err == nil && n == 2-len(done) {
					done = append(done, string(item.Data))
				}
			case !errors.Is(err, recipes.ErrLost):
				w.Fatalf("Done: %v", err)
			}
		}
		w.Server.OnRequest(nil)
		n, err := q.Len(w.Context())
		if err != nil || n != 0 || !slices.Equal(done, []string{"0", "1", "2"}) {
			w.Errorf("done %q, %d left, %v", done, n, err)
		}
		time.Sleep(time.Minute)
		if left := children(w, c, "/q/taken"); len(left) > 0 {
			w.Errorf("left: %q", left)
		}
	})
}

// No item is lost, and none is ended twice, however many takers die.
func TestQueueInAStorm(t *testing.T) {
	each(t, func(w *bubble.World, seed int) {
		const items = 60
		ctx, cancel := context.WithCancel(w.Context())
		var all sync.WaitGroup
		var mu sync.Mutex
		done, put := map[string]int{}, map[string]bool{}
		w.OK(recipes.NewQueue(w.Connect(), "/q", bubble.ACL).Put(ctx, []byte("calm")))
		put["calm"] = true
		stop := storm(w, seed)
		for range 3 {
			q := recipes.NewQueue(w.Connect(), "/q", bubble.ACL)
			all.Go(func() { // ends with ctx
				for ctx.Err() == nil {
					item, err := q.Take(ctx)
					if err != nil {
						continue
					}
					select {
					case <-item.Lost():
					case <-time.After(200 * time.Millisecond):
					}
					err = item.Done(ctx)
					mu.Lock()
					if err == nil {
						done[string(item.Data)] += 2
					} else if zk.MaybeApplied(err) {
						done[string(item.Data)]++
					}
					mu.Unlock()
				}
			})
		}
		producer := recipes.NewQueue(w.Connect(), "/q", bubble.ACL)
		for i := range items {
			name := fmt.Sprint(i)
			err := producer.Put(ctx, []byte(name))
			if err != nil && !zk.MaybeApplied(err) {
				w.Errorf("Put: %v", err)
			}
			put[name] = err == nil
			time.Sleep(time.Second)
		}
		stop()
		c := w.Connect()
		for len(children(w, c, "/q/entries")) > 0 {
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		cancel()
		all.Wait()
		for name, certain := range put {
			if n := done[name]; certain && n == 0 || n > 3 {
				w.Errorf("item %s: put for certain: %v, ended %d half times", name, certain, n)
			}
		}
	})
}
