package recipes_test

import (
	"strings"
	"testing"
	"time"

	"github.com/zkfs/zkfs/internal/bubble"
	"github.com/zkfs/zkfs/zk/recipes"
)

// There is one znode whatever fails, of the session that is, and the Path is its path.
func TestPersistSequenceAtEachFault(t *testing.T) {
	bubble.EachFault(t, func(w *bubble.World, arm func()) {
		c, other := w.Connect(), w.Connect()
		arm()
		p := recipes.PersistSequence(w.Context(), c, "/app/n-", []byte("1"), bubble.ACL)
		w.OK(p.Wait(w.Context()))
		w.OK(p.Set(w.Context(), []byte("2")))
		w.Server.OnRequest(nil)
		check := func() {
			w.Helper()
			time.Sleep(time.Minute)
			names := children(w, other, "/app")
			if len(names) != 1 || !strings.HasPrefix(names[0], "n-00000000") {
				w.Fatalf("there are %q, want one", names)
			}
			data, stat, err := other.Get("/app/" + names[0])
			w.OK(err)
			owner := stat.EphemeralOwner
			if string(data) != "2" || owner != c.SessionID() || p.Path() != "/app/"+names[0] {
				w.Errorf("%q of %#x is %s, want that of %#x", data, owner, p.Path(), c.SessionID())
			}
		}
		check()
		w.Server.ExpireSession(c.SessionID())
		check()
		w.OK(other.Delete(p.Path(), -1))
		check()
		w.OK(p.Close(w.Context()))
		if names := children(w, other, "/app"); len(names) > 0 {
			w.Errorf("left: %q", names)
		}
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
