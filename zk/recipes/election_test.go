package recipes_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/internal/bubble"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/recipes"
	"github.com/zkfs/zkfs/zk/zktest"
)

// No fencing number is used twice, none goes back where it matters, and there is a leader again.
func TestElectionInAStorm(t *testing.T) {
	each(t, func(w *bubble.World, seed int) {
		var mu sync.Mutex
		var fences []int64
		greatest, writes, refused := int64(0), 0, 0
		ctx, cancel := context.WithCancel(w.Context())
		var all sync.WaitGroup
		for i := range 3 {
			e := recipes.NewElection(w.Connect(), "/app/leader", fmt.Append(nil, i), bubble.ACL)
			all.Go(func() { // ends with ctx
				err := e.Run(ctx, func(reign context.Context, fence int64) error {
					mu.Lock()
					fences = append(fences, fence)
					mu.Unlock()
					for range 5 {
						mu.Lock() // what the leader works on
						if fence < greatest {
							refused++
						} else {
							greatest = fence
							writes++
						}
						mu.Unlock()
						select {
						case <-reign.Done():
							return nil
						case <-time.After(300 * time.Millisecond):
						}
					}
					return nil
				})
				if !errors.Is(err, context.Canceled) {
					w.Errorf("Run: %v", err)
				}
			})
		}
		stop := storm(w, seed)
		time.Sleep(2 * time.Minute)
		stop()
		mu.Lock()
		before := len(fences)
		mu.Unlock()
		time.Sleep(time.Minute)
		cancel()
		all.Wait()
		distinct := slices.Compact(slices.Sorted(slices.Values(fences)))
		if len(distinct) != len(fences) {
			w.Errorf("a fencing number was used twice: %d", fences)
		}
		if len(fences) <= before || writes == 0 {
			w.Errorf("%d reigns, %d before the end of the storm, %d writes, %d refused",
				len(fences), before, writes, refused)
		}
	})
}

// Without a session that is ended by force, no two lead at a time: a leader that is cut off knows
// it in time.
func TestNoTwoLeaders(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		var leaders, most int
		var mu sync.Mutex
		ctx, cancel := context.WithCancel(w.Context())
		var all sync.WaitGroup
		conns := []*zk.Conn{w.Connect(), w.Connect(), w.Connect()}
		var cut int64 // the session of the client that is cut off
		w.Server.OnRequest(func(r zktest.Request) zktest.Fault {
			mu.Lock()
			defer mu.Unlock()
			return zktest.Fault{Stall: r.SessionID == cut && cut != 0}
		})
		for _, c := range conns {
			e := recipes.NewElection(c, "/leader", nil, bubble.ACL)
			all.Go(func() { // ends with ctx
				e.Run(ctx, func(reign context.Context, _ int64) error {
					mu.Lock()
					leaders++
					most = max(most, leaders)
					cut = c.SessionID()
					mu.Unlock()
					<-reign.Done()
					mu.Lock()
					leaders--
					mu.Unlock()
					return nil
				})
			})
		}
		time.Sleep(5 * time.Minute)
		cancel()
		all.Wait()
		if most != 1 {
			w.Errorf("%d leaders at a time", most)
		}
	})
}

// Leadership is handed over, given up, lost, and told to observers.
func TestElection(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		a, b, other := w.Connect(), w.Connect(), w.Connect()
		var seen []string
		ctx, cancel := context.WithCancel(w.Context())
		defer cancel()
		go func() { // ends with ctx
			for l, err := range recipes.Observe(ctx, other, "/leader") {
				if err == nil {
					seen = append(seen, string(l.ID))
				} else if !errors.Is(err, context.Canceled) {
					w.Errorf("Observe: %v", err)
				}
			}
		}()
		synctest.Wait()
		type end struct{ err, cause error }
		lead := func(e *recipes.Election) <-chan end {
			done := make(chan end, 1)
			go func() { // ends with the leadership
				var cause error
				err := e.Lead(ctx, func(reign context.Context, _ int64) error {
					<-reign.Done()
					cause = context.Cause(reign)
					return nil
				})
				done <- end{err, cause}
			}()
			synctest.Wait()
			time.Sleep(time.Second)
			return done
		}
		first := recipes.NewElection(a, "/leader", []byte("a"), bubble.ACL)
		second := recipes.NewElection(b, "/leader", []byte("b"), bubble.ACL)
		one, two := lead(first), lead(second)
		if err := first.Lead(ctx, nil); !errors.Is(err, zk.ErrDeadlock) {
			w.Errorf("Lead of a leader: %v", err)
		}
		first.Resign()
		if got := bubble.Receive(w, one); got.err != nil || got.cause != recipes.ErrResigned {
			w.Errorf("resigned: %v", got)
		}
		one = lead(first)
		w.Server.ExpireSession(b.SessionID())
		lost := bubble.Receive(w, two)
		if !errors.Is(lost.err, zk.ErrLockLost) || lost.cause != zk.ErrLockLost {
			w.Errorf("expired: %v", lost)
		}
		time.Sleep(time.Second)
		w.OK(other.Delete("/leader/"+zk.LockQueue(children(w, other, "/leader"))[0].Name, -1))
		if got := bubble.Receive(w, one); !errors.Is(got.err, zk.ErrLockLost) {
			w.Errorf("deleted: %v", got)
		}
		time.Sleep(time.Second)
		waits := recipes.NewElection(a, "/leader", []byte("c"), bubble.ACL)
		one, two = lead(first), lead(waits)
		waits.Resign()
		if got := bubble.Receive(w, two); !errors.Is(got.err, recipes.ErrResigned) {
			w.Errorf("a candidate that resigns: %v", got)
		}
		cancel()
		if got := bubble.Receive(w, one); got.err != nil || got.cause != context.Canceled {
			w.Errorf("context: %v", got)
		}
		synctest.Wait()
		if want := []string{"", "a", "b", "a", "", "a"}; !slices.Equal(seen, want) {
			w.Errorf("observed %q, want %q", seen, want)
		}
		time.Sleep(time.Second)
		if left := children(w, other, "/leader"); len(left) > 0 {
			w.Errorf("left: %q", left)
		}
	})
}
