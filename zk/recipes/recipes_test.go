package recipes_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
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

// storm breaks connections and ends sessions until stop is called.
func storm(w *bubble.World, seed int) (stop func()) {
	ctx, cancel := context.WithCancel(w.Context())
	var all sync.WaitGroup
	r := rand.New(rand.NewPCG(uint64(seed), 0))
	turn := make(chan struct{}, 1)
	w.Server.OnRequest(func(zktest.Request) zktest.Fault {
		turn <- struct{}{}
		defer func() { <-turn }()
		return zktest.Fault{Lose: r.IntN(20) == 0}
	})
	all.Go(func() { // ends with ctx
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		for ctx.Err() == nil {
			switch sessions := w.Server.Sessions(); {
			case r.IntN(3) == 0:
				w.Server.Disconnect()
			case r.IntN(3) == 0 && len(sessions) > 0:
				slices.Sort(sessions)
				w.Server.ExpireSession(sessions[r.IntN(len(sessions))])
			case r.IntN(5) == 0:
				w.Server.Refuse(true)
				w.Server.Disconnect()
				time.Sleep(time.Duration(r.IntN(20)) * time.Second)
				w.Server.Refuse(false)
			}
			select {
			case <-ctx.Done():
			case <-time.After(time.Duration(r.IntN(1000)) * time.Millisecond):
			}
		}
	})
	return func() {
		cancel()
		all.Wait()
		w.Server.OnRequest(nil)
	}
}

// each runs f with storms of different seeds.
func each(t *testing.T, f func(w *bubble.World, seed int)) {
	for seed := range 4 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble.Run(t, func(w *bubble.World) { f(w, seed) })
		})
	}
}

// children returns the sorted names of the children, none of a znode that is missing.
func children(w *bubble.World, c *zk.Conn, path string) []string {
	w.Helper()
	names, _, err := c.Children(path)
	if !errors.Is(err, zk.ErrNoNode) {
		w.OK(err)
	}
	slices.Sort(names)
	return names
}

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
		if sorted := slices.Compact(slices.Sorted(slices.Values(fences))); len(sorted) != len(fences) {
			w.Errorf("a fencing number was used twice: %d", fences)
		}
		if len(fences) <= before || writes == 0 {
			w.Errorf("%d reigns, %d of them after the storm, %d writes, %d refused", len(fences), len(fences)-before, writes, refused)
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
		first, second := recipes.NewElection(a, "/leader", []byte("a"), bubble.ACL), recipes.NewElection(b, "/leader", []byte("b"), bubble.ACL)
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
		if got := bubble.Receive(w, two); !errors.Is(got.err, zk.ErrLockLost) || got.cause != zk.ErrLockLost {
			w.Errorf("expired: %v", got)
		}
		time.Sleep(time.Second)
		w.OK(other.Delete("/leader/"+zk.Contenders(children(w, other, "/leader"))[0], -1))
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

// There is one znode whatever fails, and it is back at once.
func TestPersistAtEachFault(t *testing.T) {
	bubble.EachFault(t, func(w *bubble.World, arm func()) {
		c, other := w.Connect(), w.Connect()
		arm()
		p := recipes.Persist(w.Context(), c, "/app/node", []byte("1"), bubble.ACL)
		w.OK(p.Wait(w.Context()))
		w.OK(p.Set(w.Context(), []byte("2")))
		w.Server.OnRequest(nil)
		check := func() {
			w.Helper()
			time.Sleep(time.Minute)
			data, stat, err := other.Get("/app/node")
			w.OK(err)
			if string(data) != "2" || stat.EphemeralOwner != c.SessionID() {
				w.Errorf("%q of %#x, want that of %#x", data, stat.EphemeralOwner, c.SessionID())
			}
		}
		check()
		w.Server.ExpireSession(c.SessionID())
		check()
		w.OK(other.Delete("/app/node", -1))
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

// A znode of another client stands, and one of an earlier session of the same process is replaced.
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

		// The client gives its session up while the servers still keep it: nothing is heard for longer than the timeout.
		old := c.SessionID()
		w.Server.OnRequest(func(r zktest.Request) zktest.Fault {
			return zktest.Fault{Code: map[bool]int32{true: 0}[r.SessionID == old]}
		})
		observer := w.Connect()
		gaps := 0
		for range 100 {
			if found, _, err := observer.Exists("/node"); err == nil && !found {
				gaps++
			}
			time.Sleep(100 * time.Millisecond)
		}
		if gaps > 0 {
			w.Errorf("missing %d times", gaps)
		}
		p.Close(w.Context())
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
			nodes = append(nodes, recipes.Persist(w.Context(), w.Connect(), fmt.Sprintf("/app/%d", i), nil, bubble.ACL))
		}
		stop := storm(w, seed)
		time.Sleep(2 * time.Minute)
		stop()
		time.Sleep(time.Minute)
		c := w.Connect()
		if got, want := children(w, c, "/app"), []string{"0", "1", "2", "3", "4"}; !slices.Equal(got, want) {
			w.Errorf("there are %q, want %q", got, want)
		}
		for _, p := range nodes {
			w.OK(p.Close(w.Context()))
		}
		if left := children(w, c, "/app"); len(left) > 0 {
			w.Errorf("left: %q", left)
		}
	})
}

func TestGroup(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		a, b := w.Connect(), w.Connect()
		first := recipes.Join(w.Context(), a, "/group", "first", []byte("1"), bubble.ACL)
		second := recipes.Join(w.Context(), b, "/group", "second", []byte("2"), bubble.ACL)
		w.OK(first.Wait(w.Context()))
		w.OK(second.Wait(w.Context()))
		members := func(g *recipes.Group, want ...string) {
			w.Helper()
			w.OK(g.Cache().Sync(w.Context()))
			if got := slices.Sorted(maps.Keys(g.Members())); !slices.Equal(got, want) {
				w.Errorf("members %q, want %q", got, want)
			}
		}
		members(first, "first", "second")
		w.Server.ExpireSession(b.SessionID())
		time.Sleep(time.Minute)
		members(first, "first", "second")
		w.OK(second.Set(w.Context(), []byte("3")))
		w.OK(first.Cache().Sync(w.Context()))
		if data := string(first.Members()["second"]); data != "3" {
			w.Errorf("data %q", data)
		}
		w.OK(second.Leave(w.Context()))
		members(first, "first")
		w.OK(first.Leave(w.Context()))
		if left := children(w, a, "/group"); len(left) > 0 {
			w.Errorf("left: %q", left)
		}
	})
}

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
		if err := lease.Release(w.Context()); err != nil && !(w.Expired && errors.Is(err, recipes.ErrLost)) {
			w.Error(err)
		}
		if err := bubble.Receive(w, done); err != nil && !(w.Expired && errors.Is(err, recipes.ErrLost)) {
			w.Error(err)
		}
		if err := first.Release(w.Context()); err != nil && !(w.Expired && errors.Is(err, recipes.ErrLost)) {
			w.Error(err)
		}
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
		sem := func(c *zk.Conn) *recipes.Semaphore { return recipes.NewSemaphore(c, "/sem", 2, bubble.ACL) }
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
		before := grants
		time.Sleep(2 * time.Minute)
		if grants <= before {
			w.Errorf("%d grants, none after the storm", grants)
		}
		cancel()
		all.Wait()
		time.Sleep(time.Minute)
		if n := leases(w, w.Connect()); n > 0 {
			w.Errorf("%d leases are left", n)
		}
	})
}

func TestBarrier(t *testing.T) {
	bubble.EachFault(t, func(w *bubble.World, arm func()) {
		c, other := w.Connect(), w.Connect()
		b := recipes.NewBarrier(other, "/app/barrier", bubble.ACL)
		w.OK(b.Wait(w.Context()))
		w.OK(b.Set(w.Context()))
		w.OK(b.Set(w.Context()))
		arm()
		done := make(chan error, 1)
		go func() { done <- recipes.NewBarrier(c, "/app/barrier", bubble.ACL).Wait(w.Context()) }() // ends with the barrier
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
		for name, err := range map[string]error{"Done": second.Done(ctx), "Release": second.Release(ctx)} {
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
		if n, err := q.Len(w.Context()); err != nil || n != 0 || !slices.Equal(done, []string{"0", "1", "2"}) {
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

func TestCounterForms(t *testing.T) {
	for _, tt := range []struct {
		form recipes.Form
		n    int64
		want string
	}{
		{recipes.Decimal, 0, "0"}, {recipes.Decimal, -12, "-12"},
		{recipes.Int32, 258, "\x00\x00\x01\x02"}, {recipes.Int32, -1, "\xff\xff\xff\xff"},
		{recipes.Int64, 258, "\x00\x00\x00\x00\x00\x00\x01\x02"}, {recipes.Int64, -1, "\xff\xff\xff\xff\xff\xff\xff\xff"},
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

// What an Add returned was added once, and what failed for certain was not.
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
		n, err := recipes.NewCounter(w.Connect(), "/count", recipes.Decimal, bubble.ACL).Get(w.Context())
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
