package cache

import (
	"errors"
	"sync"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// oneShots are the watches of one znode where no watch covers everything, nil if they have fired.
// Their channels are not read: hints take the events, in order with the replies.
type oneShots struct{ data, children <-chan zk.Event }

// disarm notes that watches have fired.
func (t *Cache) disarm(path string, what hint) {
	w, ok := t.once[path]
	if !ok {
		return
	}
	if what&hintNode != 0 {
		w.data = nil
	}
	if what&hintList != 0 {
		w.children = nil
	}
	if t.once[path] = w; w == (oneShots{}) {
		delete(t.once, path)
	}
}

// watched reports whether the watches are those of the present session.
func (t *Cache) watched() bool { return t.session != 0 && t.c.SessionID() == t.session }

// watch sets the watch that covers everything, or finds out that each znode needs its own, and lets
// everything be looked at. Replies of a new session may come from a server that lags behind the
// last one of the old session, so this lets it catch up first.
func (t *Cache) watch() error {
	if err := t.catchUp(); err != nil {
		return err
	}
	session := t.c.SessionID()
	t.watcher = nil
	t.setRecursive(t.depth != 0)
	if t.recursive {
		w, err := t.c.AddWatch(t.root, zk.AddWatchPersistentRecursive)
		switch {
		case errors.Is(err, zk.ErrUnimplemented), errors.Is(err, zk.ErrUnproven):
			t.setRecursive(false)
		case err != nil:
			return err
		case t.c.SessionID() != session:
			w.Stop() // it may be of another session, which has not caught up
			return errAnotherSession
		default:
			w.Mute()
			t.watcher = w
		}
	}
	t.session = session
	clear(t.once)
	t.hints.everything()
	return nil
}

func (t *Cache) setRecursive(on bool) {
	t.recursive = on
	t.hints.setRecursive(on)
}

// unwatch ends all watches.
func (t *Cache) unwatch() {
	if t.watcher != nil {
		go t.watcher.Stop() // ends when a server has answered, or when none can be reached
	}
	for path := range t.once {
		t.unwatchOne(path)
	}
}

// unwatchDropped ends the watches of znodes that are not held any more.
func (t *Cache) unwatchDropped() {
	for _, path := range t.dropped {
		if t.held(path) {
			continue // another znode has come in the place of the one that was dropped
		}
		t.unwatchOne(path)
	}
	t.dropped = t.dropped[:0]
}

func (t *Cache) held(path string) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return path == t.root || t.findLocked(path) != nil
}

func (t *Cache) unwatchOne(path string) {
	w := t.once[path]
	delete(t.once, path)
	for _, watch := range []<-chan zk.Event{w.data, w.children} {
		if watch != nil {
			znode.Unwatch(t.c, path, watch)
		}
	}
}

// together is how many requests with watches are on their way at a time.
const together = 64

// askEach does orders by a request each, which sets the watches that have fired.
func (t *Cache) askEach(orders []order) error {
	results, watches := make([]zk.Result, len(orders)), make([]oneShots, len(orders))
	var all sync.WaitGroup
	slots := make(chan struct{}, together)
	for i, o := range orders {
		watches[i] = t.once[o.path]
		slots <- struct{}{}
		all.Go(func() { // ends with the reply
			defer func() { <-slots }()
			results[i] = t.askOne(o, &watches[i])
		})
	}
	all.Wait()
	for i, o := range orders {
		if watches[i] != (oneShots{}) {
			t.once[o.path] = watches[i]
		}
	}
	return t.apply(orders, results)
}

// askOne does one order. It alone uses w.
func (t *Cache) askOne(o order, w *oneShots) (r zk.Result) {
	switch {
	case o.list && w.children != nil:
		r.Children, r.Stat, r.Err = t.c.Children(o.path)
	case o.list:
		r.Children, r.Stat, w.children, r.Err = t.c.ChildrenW(o.path)
	case w.data != nil && o.known:
		var found bool
		if found, r.Stat, r.Err = t.c.Exists(o.path); r.Err == nil && !found {
			r.Err = zk.ErrNoNode
		}
	case w.data != nil:
		r.Data, r.Stat, r.Err = t.c.Get(o.path)
	case o.known:
		var found bool
		if found, r.Stat, w.data, r.Err = t.c.ExistsW(o.path); r.Err == nil && !found {
			r.Err = zk.ErrNoNode
		}
	default:
		r.Data, r.Stat, w.data, r.Err = t.c.GetW(o.path)
		if errors.Is(r.Err, zk.ErrNoNode) && o.path == t.root { // whose parent is not watched
			r = t.await(w)
		}
	}
	return r
}

// await sets the watch for a root that is missing, and returns the root if it has come meanwhile.
func (t *Cache) await(w *oneShots) (r zk.Result) {
	var found bool
	if found, _, w.data, r.Err = t.c.ExistsW(t.root); r.Err == nil && !found {
		r.Err = zk.ErrNoNode
	} else if r.Err == nil {
		r.Data, r.Stat, r.Err = t.c.Get(t.root)
	}
	return r
}
