package recipes_test

import (
	"strings"
	"testing"
	"time"

	"github.com/zkfs/zkfs/internal/bubble"
	"github.com/zkfs/zkfs/zk/recipes"
)

// There is one znode whatever fails, though each attempt would make another.
func TestPersistSequenceAtEachFault(t *testing.T) {
	persistsAtEachFault(t, recipes.PersistSequence, "/app/n-", func(path string) bool {
		return strings.HasPrefix(path, "/app/n-00000000")
	})
}

// Znodes of other sessions stand.
func TestPersistSequenceBesideAnother(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		c, other := w.Connect(), w.Connect()
		p := recipes.PersistSequence(w.Context(), c, "/n-", nil, bubble.ACL)
		q := recipes.PersistSequence(w.Context(), other, "/n-", nil, bubble.ACL)
		w.OK(p.Wait(w.Context()))
		w.OK(q.Wait(w.Context()))
		w.Server.ExpireSession(c.SessionID())
		time.Sleep(time.Minute)
		w.OK(p.Close(w.Context()))
		if names := children(w, other, "/"); len(names) != 2 || "/"+names[0] != q.Path() {
			w.Errorf("there are %q, want %s and zookeeper", names, q.Path())
		}
		w.OK(q.Close(w.Context()))
	})
}
