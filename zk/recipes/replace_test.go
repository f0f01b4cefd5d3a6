package recipes

import (
	"context"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/internal/bubble"
	"github.com/zkfs/zkfs/zk"
)

// A znode of an earlier session, which the servers have not ended yet, is replaced by one of this
// session in one transaction.
func TestPersistReplacesItsOwn(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		c, earlier := w.Connect(), w.Connect()
		_, err := earlier.Create("/node", []byte("old"), zk.FlagEphemeral, bubble.ACL)
		w.OK(err)
		_, _, events, err := earlier.ExistsW("/node")
		w.OK(err)
		ctx, cancel := context.WithCancel(w.Context())
		p := newPersistentNode(c.WithContext(ctx), "/node", []byte("new"), bubble.ACL, cancel)
		p.sessions[earlier.SessionID()] = true
		go p.run(ctx) // ends with Close
		w.OK(p.Wait(w.Context()))
		data, stat, err := earlier.Get("/node")
		w.OK(err)
		if string(data) != "new" || stat.EphemeralOwner != c.SessionID() {
			w.Errorf("%q of %#x", data, stat.EphemeralOwner)
		}
		// A transaction fires one event for the znode that was there.
		if e := bubble.Receive(w, events); e.Type != zk.EventNodeDeleted {
			w.Errorf("event %v", e.Type)
		}
		w.OK(p.Close(w.Context()))
	})
}

// So is a znode with a number.
func TestPersistSequenceReplacesItsOwn(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		c, earlier := w.Connect(), w.Connect()
		flags := int32(zk.FlagEphemeral | zk.FlagSequence)
		old, err := earlier.Create("/n-", []byte("old"), flags, bubble.ACL)
		w.OK(err)
		watcher, err := earlier.AddWatch("/", zk.AddWatchPersistentRecursive)
		w.OK(err)
		ctx, cancel := context.WithCancel(w.Context())
		p := newPersistentNode(c.WithContext(ctx), "", []byte("new"), bubble.ACL, cancel)
		p.prefix = "/n-"
		p.sessions[earlier.SessionID()] = true
		go p.run(ctx) // ends with Close
		w.OK(p.Wait(w.Context()))
		_, stat, err := earlier.Get(p.Path())
		w.OK(err)
		if stat.EphemeralOwner != c.SessionID() || !strings.HasPrefix(p.Path(), "/n-") {
			w.Errorf("%s of %#x", p.Path(), stat.EphemeralOwner)
		}
		gone, made := bubble.Receive(w, watcher.Events()), bubble.Receive(w, watcher.Events())
		if gone.Type != zk.EventNodeDeleted || gone.Path != old || made.Type != zk.EventNodeCreated {
			w.Errorf("%v, then %v", gone, made)
		}
		w.OK(p.Close(w.Context()))
	})
}
