package cache

import (
	"fmt"
	"testing"

	"github.com/zkfs/zkfs/internal/bubble"
)

// The znodes that wait for a loop are no more than there are, however many come and go.
func TestListenerIsBounded(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		c, other := w.Connect(), w.Connect()
		w.Create(other, "/a")
		tr := OfTree(w.Context(), c, "/a")
		defer tr.Close()
		w.OK(tr.Wait(w.Context()))
		l := tr.listen()
		for i := range 500 {
			name := fmt.Sprintf("/a/%d", i)
			w.Create(other, name)
			w.OK(tr.Sync(w.Context()))
			w.OK(other.Delete(name, -1))
			w.OK(tr.Sync(w.Context()))
		}
		tr.mu.Lock()
		defer tr.mu.Unlock()
		if len(l.before) > 1 || len(l.queue) > 150 {
			w.Errorf("%d znodes and %d paths wait", len(l.before), len(l.queue))
		}
	})
}
