package zk

import (
	"slices"
	"strings"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// AddWatchMode says what a lasting watch covers.
type AddWatchMode int32

const (
	// AddWatchPersistent covers the znode and its list of children.
	AddWatchPersistent AddWatchMode = 0
	// AddWatchPersistentRecursive covers the znode and everything below it. The change of a list of children is
	// not reported, only the children themselves.
	AddWatchPersistentRecursive AddWatchMode = 1

	watchModes = 2
)

// watcherQueue is how many events wait for the holder of a Watcher before they are lost.
const watcherQueue = 4096

// A Watcher is a watch that stays until it is stopped (3.6 on).
type Watcher struct {
	c    *Conn
	path string // of the server
	mode AddWatchMode

	// events has room for watcherQueue events, one EventLost and one EventNotWatching. Only the
	// holder of the table's mutex sends.
	events  chan Event
	stopped bool // guarded by the table's mutex
	muted   bool // likewise
}

// AddWatch watches path until Stop, whether the znode exists or not. ErrUnimplemented comes where the server lacks
// [FeatureAddWatch] (ZooKeeper before 3.6), and for a recursive watch [FeatureRecursivePaths].
//
// Events stand in the Watcher's queue before any reply that was sent after them is delivered. After a reconnect the watch
// is set again before any other request; what happened meanwhile is not reported, an [EventLost] is.
// A ClickHouse Keeper, and RaftKeeper, send an event for each watch of the session that a change
// concerns, and do not say which change it was: where another watch covers the path too, a change
// may be reported once for each of them. A deletion is reported once.
//
// The end of the session, and Close, end the watch with an [EventNotWatching].
//
// Some ClickHouse Keepers put the path of a recursive watch into its events in place of the path of the change. Until it is
// known that the server does not, an [EventLost] follows each event that may be one of that kind. Once it is known
// that it does, recursive watches end with an [EventNotWatching] whose Err is ErrUnimplemented.
//
// Servers before 3.9 keep one watch for a connection and path: a one-shot watch that is set
// on the very path of a lasting one replaces it there (ZOOKEEPER-4466).
func (c *Conn) AddWatch(path string, mode AddWatchMode) (*Watcher, error) {
	if mode < 0 || mode >= watchModes {
		return nil, ErrBadArguments
	}
	if mode == AddWatchPersistentRecursive && c.features.support(FeatureRecursivePaths) == Lacking {
		return nil, ErrUnimplemented
	}
	p, err := c.serverPath(path)
	if err != nil {
		return nil, err
	}
	w := &Watcher{c: c, path: p, mode: mode, events: make(chan Event, watcherQueue+2)}
	cl := c.newCall(wire.OpAddWatch)
	cl.body = (&wire.AddWatchRequest{Path: p, Mode: int32(mode)}).Append(cl.body)
	cl.onReply = func(code wire.Code) {
		if code == wire.CodeOK {
			c.watches.addLasting(w)
		}
	}
	if err := c.doEmpty(cl); err != nil {
		c.watches.removeLasting(w)
		return nil, err
	}
	return w, nil
}

// Events returns the events of the watch, in order. When [EventLost] stands among them, events are missing there: the
// queue was full, or the connection was away. The channel is closed when the watch has ended.
func (w *Watcher) Events() <-chan Event { return w.events }

// Stop ends the watch and closes its channel. The server is told when this was the last watch of its
// mode on the path. It may be called more than once.
func (w *Watcher) Stop() error {
	if !w.c.watches.removeLasting(w) {
		return nil
	}
	return background(w.c).forget(w.path, wire.WatcherAny)
}

// Mute makes the Watcher report its end and nothing else from now on. It is for a cache, which marks
// what it holds as stale in [Conn.OnEvent]: only there an event comes in order with the replies to
// other calls. The cache needs the watch, not its channel, and its goroutine is not woken for each
// of a server's events.
func (w *Watcher) Mute() {
	w.c.watches.mu.Lock()
	defer w.c.watches.mu.Unlock()
	w.muted = true
}

// send queues e, or the news that it is lost. The caller holds the table's mutex; the holder of the Watcher only takes away.
func (w *Watcher) send(e Event) {
	switch n := len(w.events); {
	case w.muted:
	case n < watcherQueue:
		w.put(e)
	case n == watcherQueue:
		w.lost()
	} // else an EventLost is the last that waits, and covers e
}

// lost queues an EventLost, unless one is the last that waits.
func (w *Watcher) lost() {
	if len(w.events) <= watcherQueue && !w.muted {
		w.put(Event{Type: EventLost, State: StateSyncConnected, Path: w.path})
	}
}

func (w *Watcher) put(e Event) {
	e.Path, _ = w.c.clientPath(e.Path)
	w.events <- e
}

// end queues the last event. The caller holds the table's mutex.
func (w *Watcher) end(e Event) {
	if !w.stopped {
		w.stopped = true
		w.put(e)
		close(w.events)
	}
}

// addLasting registers a watch that the server has set. It runs on the read loop.
func (t *watchTable) addLasting(w *Watcher) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if w.mode == AddWatchPersistentRecursive && t.c.features.support(FeatureRecursivePaths) == Lacking {
		w.end(notWatching(w.path, ErrUnimplemented)) // known since AddWatch looked
	} else if !w.stopped {
		t.lasting[w.mode][w.path] = append(t.lasting[w.mode][w.path], w)
	} else if len(t.lasting[w.mode][w.path]) == 0 {
		go background(w.c).forget(w.path, wire.WatcherAny) // its caller has given up; ends with the reply, or the client
	}
}

// removeLasting ends w and tells whether it was the last of its mode on its path.
func (t *watchTable) removeLasting(w *Watcher) (last bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if w.stopped {
		return false
	}
	w.stopped = true
	close(w.events)
	list := t.lasting[w.mode][w.path]
	i := slices.Index(list, w)
	if i < 0 {
		return false
	}
	if len(list) > 1 {
		t.lasting[w.mode][w.path] = slices.Delete(list, i, i+1)
		return false
	}
	delete(t.lasting[w.mode], w.path)
	return true
}

// dispatchLasting queues an event of the server at the watches that cover it. The caller holds mu.
func (t *watchTable) dispatchLasting(path string, e Event) {
	for _, w := range t.lasting[AddWatchPersistent][path] {
		w.send(e)
	}
	recursive := t.lasting[AddWatchPersistentRecursive]
	if e.Type == EventNodeChildrenChanged || len(recursive) == 0 {
		return // a recursive watch does not report it; a server sends it for a child watch below
	}
	for at := path; ; at = parent(at) {
		for _, w := range recursive[at] {
			w.send(e)
		}
		if at == "/" {
			return
		}
	}
}

// parent returns the path of the znode above path, "/" for that itself.
func parent(path string) string {
	return path[:max(1, strings.LastIndexByte(path, '/'))]
}
