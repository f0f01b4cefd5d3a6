package zk

import (
	"errors"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// Events of servers that are no ZooKeeper and tell them otherwise.

// dispatch delivers an event of the server of the connection. It runs on the read loop.
func (t *transport) dispatch(e Event) {
	w := &t.c.watches
	if t.kind.zooKeeper {
		w.dispatch(e)
		return
	}
	// Behind its reply to setWatches a ClickHouse Keeper tells a child watch that the data has
	// changed.
	if t.rearming && e.Type == EventNodeDataChanged && w.watched(e.Path, []watchKind{watchChild}) {
		children := e
		children.Type = EventNodeChildrenChanged
		if w.watched(e.Path, firedBy(e.Type)) || w.covered(e.Path) {
			w.dispatch(e)
		}
		w.dispatch(children)
		return
	}
	unsure := t.judge(e)
	if !unsure && t.told(e) {
		return
	}
	w.dispatch(e)
	if unsure {
		w.lostBelow(e.Path)
		if zxid := t.c.lastZxid.Load(); t.verifying.CompareAndSwap(false, true) {
			t.c.features.attend(func() { t.verify(e, zxid) }) // ends with the reply to its read
		}
	}
}

// told reports whether e says once more what an event has said. A ClickHouse Keeper tells of a
// deletion twice, before it tells of the next, where a data watch and a child watch stand, or a
// persistent one: a change of this client would look like one of another. No znode is deleted twice
// between two replies unless it is created, and no one-shot watch is set there.
func (t *transport) told(e Event) bool {
	again := e.Path == t.gone
	switch {
	case e.Type == EventNodeDeleted:
		t.gone = e.Path
		return again
	case again && e.Type == EventNodeCreated:
		t.gone = ""
	}
	return false
}

// judge looks what an event says about the events of recursive watches: a ClickHouse Keeper may put
// the path of the watch in the place of that of the change. It reports whether e may be such an
// event.
func (t *transport) judge(e Event) (unsure bool) {
	w, fs := &t.c.watches, &t.c.features
	if e.Type == EventNodeChildrenChanged || fs.support(FeatureRecursivePaths) != SupportUnknown {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	recursive := w.lasting[AddWatchPersistentRecursive]
	if len(recursive[e.Path]) > 0 {
		return true
	}
	if len(w.lasting[AddWatchPersistent][e.Path]) > 0 {
		return false
	}
	for _, kind := range firedBy(e.Type) {
		if len(w.once[kind][e.Path]) > 0 {
			return false // it may be that watch's
		}
	}
	for at := e.Path; at != "/"; {
		at = parent(at)
		if len(recursive[at]) > 0 {
			fs.learn(t.kind, FeatureRecursivePaths, Supported)
			return false
		}
	}
	return false
}

// verify asks for the znode of an event, before which the session had seen the zxid. If it has not
// changed since, the event was about one below it, and the server does not say which.
func (t *transport) verify(e Event, zxid int64) {
	defer t.verifying.Store(false)
	c := t.c
	cl := c.newCall(wire.OpExists)
	cl.body = (&wire.ExistsRequest{Path: e.Path}).Append(cl.body)
	var r wire.ExistsResponse
	err := c.inBackground(cl)
	found := err == nil
	if found {
		err = c.decode(cl, r.Decode)
		cl.free()
	}
	if err != nil && !errors.Is(err, ErrNoNode) {
		return
	}
	changed := found
	switch e.Type {
	case EventNodeDataChanged:
		changed = !found || r.Stat.Mzxid > zxid
	case EventNodeCreated:
		changed = !found || r.Stat.Czxid > zxid
	case EventNodeDeleted:
		changed = !found || r.Stat.Czxid > zxid
	}
	if !changed && c.features.learn(t.kind, FeatureRecursivePaths, Lacking) {
		c.log.errorf("zk: %s: events of recursive watches do not say what has changed: such watches end",
			t.server)
		c.watches.endRecursive()
	}
}

// fireChildren fires the child watches on paths that have not told anything after a reconnect. The
// children may have changed: RaftKeeper arms such a watch again and does not tell (RaftKeeper#399,
// before its #400), and no request shows in which version a server is. A watch that fires for
// nothing costs a list.
func (w *watchTable) fireChildren(paths []string) {
	for _, path := range paths {
		if w.watched(path, []watchKind{watchChild}) {
			w.dispatch(Event{Type: EventNodeChildrenChanged, State: StateSyncConnected, Path: path})
		}
	}
}

// covered reports whether a lasting watch covers path.
func (w *watchTable) covered(path string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.lasting[AddWatchPersistent][path]) > 0 {
		return true
	}
	for at := path; ; at = parent(at) {
		if len(w.lasting[AddWatchPersistentRecursive][at]) > 0 {
			return true
		}
		if at == "/" {
			return false
		}
	}
}

// lostBelow tells all listeners that anything below path may have changed.
func (w *watchTable) lostBelow(path string) {
	w.observed(Event{Type: EventLost, State: StateSyncConnected, Path: path})
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, watcher := range w.lasting[AddWatchPersistentRecursive][path] {
		watcher.lost()
	}
}

// endRecursive ends all recursive watches, of which the server is not told: it fires them into
// nothing.
func (w *watchTable) endRecursive() {
	w.mu.Lock()
	defer w.mu.Unlock()
	recursive := w.lasting[AddWatchPersistentRecursive]
	for path, list := range recursive {
		for _, watcher := range list {
			watcher.end(notWatching(path, ErrUnimplemented))
		}
	}
	clear(recursive)
}
