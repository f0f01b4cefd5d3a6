package cache

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// An item is what the worker has to ask for: a znode, or the list of its children. Items are done
// in the order of the queue, and none is asked for twice at a time, so that no answer is older than
// what is held.
type item struct {
	path string
	list bool
}

// need says what an item of a znode is about.
type need struct {
	verify bool // events may be missing: list the children if the Stat says that they are others
	relist bool // list the children in any case
	data   bool // read the data, even if a Stat may show that it is held
}

// run is the worker. It alone changes what is held.
func (t *Cache) run(ctx context.Context) {
	defer close(t.done)
	defer t.cancel()
	defer t.unwatch()
	defer t.c.OnEvent(t.hints.event)()
	const firstPause, longestPause = time.Millisecond, time.Second
	for pause := firstPause; ; {
		err := t.round(ctx)
		switch {
		case err == nil:
			pause = firstPause
			continue
		case final(err):
			t.mu.Lock()
			t.err = err
			t.mu.Unlock()
			return
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, longestPause)
		case <-ctx.Done():
		}
	}
}

// final reports whether no later request can cure err.
func final(err error) bool {
	var interrupted *zk.InterruptedError
	return errors.As(err, &interrupted) || errors.Is(err, zk.ErrClosing) ||
		errors.Is(err, zk.ErrAuthFailed) || errors.Is(err, zk.ErrInvalidPath)
}

// round sets the watches if the session is another, and asks for what comes next, or waits for it.
func (t *Cache) round(ctx context.Context) error {
	if t.hints.wasAway() {
		if err := t.catchUp(); err != nil { // it waits for a connection
			t.hints.event(zk.Event{Type: zk.EventSession, State: zk.StateDisconnected})
			return err
		}
	}
	if !t.watched() {
		if err := t.watch(); err != nil {
			return err
		}
	}
	t.plan()
	if len(t.queue) > 0 {
		return t.ask()
	}
	t.setLoaded()
	t.queue, t.queued = nil, map[item]need{} // the room of a load is not kept
	select {
	case <-t.hints.wake:
		return nil
	case <-ctx.Done():
		return &zk.InterruptedError{Err: ctx.Err()}
	}
}

// catchUp lets the server catch up with the leader.
func (t *Cache) catchUp() error {
	_, err := t.c.Sync(t.root)
	if errors.Is(err, zk.ErrNotReadOnly) {
		return nil // there is no leader to catch up with
	}
	return err
}

// setLoaded notes that nothing is left to be asked for.
func (t *Cache) setLoaded() {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-t.loaded:
	default:
		close(t.loaded)
		for l := range t.listeners {
			l.queue = append(l.queue, loadedMark)
			l.stirLocked()
		}
	}
}

// plan turns hints into items.
func (t *Cache) plan() {
	h := t.hints.take(len(t.queue) == 0)
	if h.all {
		n := need{verify: true, relist: h.dropped}
		t.enqueue(item{path: t.root}, n)
		t.mu.RLock()
		if t.top != nil {
			t.enqueueBelow(t.top, t.root, n)
		}
		t.mu.RUnlock()
	}
	for _, p := range slices.Sorted(maps.Keys(h.paths)) { // parents before their children
		t.disarm(p, h.paths[p])
		t.enqueue(item{path: p, list: h.paths[p] == hintList}, need{})
	}
}

func (t *Cache) enqueueBelow(n *node, path string, what need) {
	for name, kid := range n.kids {
		below := znode.Join(path, name)
		t.enqueue(item{path: below}, what)
		t.enqueueBelow(kid, below, what)
	}
}

func (t *Cache) enqueue(it item, n need) {
	before, queued := t.queued[it]
	if !queued {
		t.queue = append(t.queue, it)
	}
	t.queued[it] = need{n.verify || before.verify, n.relist || before.relist, n.data || before.data}
}

// An order is an item on its way.
type order struct {
	item
	need
	known bool // a Stat is held, and more data than is worth reading in vain
}

// restore puts orders that were not done before all others.
func (t *Cache) restore(orders []order) {
	front := make([]item, 0, len(orders)+len(t.queue))
	for _, o := range orders {
		front = append(front, o.item)
		t.queued[o.item] = o.need
	}
	t.queue = append(front, t.queue...)
}
