package recipes_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/zkfs/zkfs/internal/bubble"
	"github.com/zkfs/zkfs/zk/recipes"
)

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
