package recipes_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/zkfs/zkfs/internal/bubble"
	"github.com/zkfs/zkfs/zk"
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
