package zk

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// watchKind is the server's kind of a one-shot watch (ZKWatchManager.java).
type watchKind int

const (
	watchData  watchKind = iota // on a znode that was there: its data, or its end
	watchExist                  // on a znode that was not there
	watchChild                  // on the list of children, or the end of the znode
	watchKinds
)

// watchTable holds the watches of the session by the paths of the server. It outlives connections.
// Events have the paths of the server until they are delivered, see seen.
type watchTable struct {
	c         *client
	observers atomic.Pointer[[]*observer]

	mu      sync.Mutex // guards the following
	once    [watchKinds]map[string][]oneShot
	lasting [watchModes]map[string][]*Watcher
}

type observer struct {
	root chroot
	f    func(Event)
}

// oneShot is a one-shot watch.
type oneShot struct {
	root   chroot
	events chan Event // has room for the one event that it gets
}

// fire delivers e and ends the watch.
func (o oneShot) fire(e Event) {
	e.Path, _ = o.root.clientPath(e.Path)
	o.events <- e
	close(o.events)
}

// seen returns e as a Conn of the chroot sees it. ok is false if it concerns none of its znodes. What
// may be lost anywhere below a znode above the chroot may be lost anywhere in it.
func (r chroot) seen(e Event) (own Event, ok bool) {
	if e.Type == EventSession {
		return e, true
	}
	path, ok := r.clientPath(e.Path)
	if !ok && e.Type == EventLost {
		_, ok = chroot(strings.TrimSuffix(e.Path, "/")).clientPath(string(r))
		path = "/"
	}
	e.Path = path
	return e, ok
}

func (w *watchTable) init(c *client) {
	w.c = c
	w.clear()
}

func (w *watchTable) clear() {
	for kind := range w.once {
		w.once[kind] = make(map[string][]oneShot)
	}
	for mode := range w.lasting {
		w.lasting[mode] = make(map[string][]*Watcher)
	}
}

// observe adds an in-order observer of what happens in root.
func (w *watchTable) observe(root chroot, f func(Event)) (cancel func()) {
	o := &observer{root, f}
	change := func(edit func(list []*observer) []*observer) {
		w.mu.Lock()
		defer w.mu.Unlock()
		var list []*observer
		if old := w.observers.Load(); old != nil {
			list = append(list, *old...)
		}
		list = edit(list)
		w.observers.Store(&list)
	}
	change(func(list []*observer) []*observer { return append(list, o) })
	return func() {
		change(func(list []*observer) []*observer {
			for i := range list {
				if list[i] == o {
					return slices.Delete(list, i, i+1) // which clears what would hold o
				}
			}
			return list
		})
	}
}

func (w *watchTable) observed(e Event) {
	if list := w.observers.Load(); list != nil {
		for _, o := range *list {
			if own, ok := o.root.seen(e); ok {
				o.f(own)
			}
		}
	}
}

// onReply returns what registers a one-shot watch of the given kind when the reply of cl has come. A watch is set when
// the request succeeds; exists sets one on a missing znode too.
func (w *watchTable) onReply(cl *call, path string, kind watchKind, watch oneShot) func(wire.Code) {
	return func(code wire.Code) {
		missing := code == wire.CodeNoNode && cl.op == wire.OpExists
		if code != wire.CodeOK && !missing || cl.state.Load() == callAbandoned {
			return
		}
		if missing {
			kind = watchExist
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.once[kind][path] = append(w.once[kind][path], watch)
	}
}

// firedBy lists the kinds of one-shot watches that an event of the server ends (ZKWatchManager.java materialize).
func firedBy(t EventType) []watchKind {
	switch t {
	case EventNodeCreated, EventNodeDataChanged:
		return []watchKind{watchData, watchExist}
	case EventNodeDeleted:
		return []watchKind{watchData, watchExist, watchChild}
	case EventNodeChildrenChanged:
		return []watchKind{watchChild}
	}
	return nil
}

// dispatch delivers an event of the server. It runs on the read loop.
func (w *watchTable) dispatch(e Event) {
	path := e.Path
	if _, err := w.c.base.receivedPath(path); err != nil && path != configNode {
		w.c.doubt(err)
		return
	}
	w.observed(e)
	w.mu.Lock()
	for _, kind := range firedBy(e.Type) {
		for _, watch := range w.once[kind][path] {
			watch.fire(e)
		}
		delete(w.once[kind], path)
	}
	w.dispatchLasting(path, e)
	w.mu.Unlock()
	w.push(e)
}

// push delivers e to the channel of Connect and to the callback.
func (w *watchTable) push(e Event) {
	if own, ok := w.c.base.seen(e); ok {
		w.c.events.push(own)
	}
}

// end ends all watches for the reason err.
func (w *watchTable) end(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, paths := range w.once {
		for path, list := range paths {
			w.endOnce(path, list, err)
		}
	}
	for _, paths := range w.lasting {
		for path, list := range paths {
			for _, watcher := range list {
				watcher.end(notWatching(path, err))
			}
		}
	}
	w.clear()
}

func (w *watchTable) endOnce(path string, list []oneShot, err error) {
	for _, watch := range list {
		watch.fire(notWatching(path, err))
	}
	w.push(notWatching(path, err))
}

func notWatching(path string, err error) Event {
	return Event{Type: EventNotWatching, State: StateDisconnected, Path: path, Err: err}
}
