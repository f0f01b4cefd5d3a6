package zk

import (
	"slices"
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
type watchTable struct {
	c         *client
	observers atomic.Pointer[[]*observer]

	mu      sync.Mutex // guards the following
	once    [watchKinds]map[string][]chan Event
	lasting [watchModes]map[string][]*Watcher
}

type observer struct{ f func(Event) }

func (w *watchTable) init(c *client) {
	w.c = c
	w.clear()
}

func (w *watchTable) clear() {
	for kind := range w.once {
		w.once[kind] = make(map[string][]chan Event)
	}
	for mode := range w.lasting {
		w.lasting[mode] = make(map[string][]*Watcher)
	}
}

// observe adds an in-order observer.
func (w *watchTable) observe(f func(Event)) (cancel func()) {
	o := &observer{f}
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
			o.f(e)
		}
	}
}

// onReply returns what registers a one-shot watch of the given kind when the reply of cl has come. A watch is set when
// the request succeeds; exists sets one on a missing znode too.
func (w *watchTable) onReply(cl *call, path string, kind watchKind, events chan Event) func(wire.Code) {
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
		w.once[kind][path] = append(w.once[kind][path], events)
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
	own, err := w.c.receivedPath(path)
	if err != nil {
		w.c.doubt(err)
		return
	}
	e.Path = own
	w.observed(e)
	w.mu.Lock()
	for _, kind := range firedBy(e.Type) {
		for _, events := range w.once[kind][path] {
			events <- e // has room for one, and gets one
			close(events)
		}
		delete(w.once[kind], path)
	}
	w.dispatchLasting(path, e)
	w.mu.Unlock()
	w.c.events.push(e)
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
				watcher.end(w.notWatching(path, err))
			}
		}
	}
	w.clear()
}

func (w *watchTable) endOnce(path string, list []chan Event, err error) {
	for _, events := range list {
		events <- w.notWatching(path, err)
		close(events)
	}
	w.c.events.push(w.notWatching(path, err))
}

func (w *watchTable) notWatching(path string, err error) Event {
	own, _ := w.c.clientPath(path)
	return Event{Type: EventNotWatching, State: StateDisconnected, Path: own, Err: err}
}
