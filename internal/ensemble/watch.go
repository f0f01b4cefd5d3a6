package ensemble

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// watch keeps the cache true: it sees every event and every change of the connection's state, in
// the order in which the server sent them, before anything that was sent later can be answered.
type watch struct {
	conn   *zk.Conn
	cache  *cache
	log    *slog.Logger
	tell   func(path string, what News) // Options.Tell
	cancel func()                       // ends the observation

	mu     sync.Mutex // guards the following
	mode   WatchMode
	tree   bool             // the recursive watch stands in this session
	armed  map[watched]bool // one-shot watches that have not fired; true: other questions rely on it
	ours   map[watched]int  // changes of the caller under way, whose events are no news to it
	lost   time.Time        // when the connection broke; zero while there is one
	stop   chan struct{}    // closed by close
	events int64            // how many came
	flood  flood
	unused []string      // paths of armed watches that are not needed
	sweep  chan struct{} // of capacity 1: unused has grown

}

// watchKind is the kind of a one-shot watch.
type watchKind int8

const (
	dataWatch watchKind = iota
	childWatch
	creationEvent // a change, for watch.ours
	deletionEvent
)

type watched struct {
	path string
	kind watchKind
}

func newWatch(
	conn *zk.Conn, c *cache, mode WatchMode, log *slog.Logger, tell func(string, News),
) *watch {
	return &watch{
		conn: conn, cache: c, mode: mode, log: log, tell: tell,
		armed: map[watched]bool{}, ours: map[watched]int{},
		stop: make(chan struct{}), flood: newFlood(), sweep: make(chan struct{}, 1),
	}
}

// start begins to watch and returns once the cache is guarded.
func (w *watch) start(ctx context.Context) error {
	w.cancel = w.conn.OnEvent(w.event)
	if w.mode == WatchTree {
		watcher, err := w.plant(ctx)
		switch {
		case errors.Is(err, zk.ErrUnimplemented):
			w.log.Warn("the servers have no recursive watches (ZooKeeper 3.6): watching znode by znode")
			w.setMode(WatchNode)
		case errors.Is(err, zk.ErrUnproven):
			w.log.Warn("the server takes no connection that asks what it has: watching znode by znode", "err", err)
			w.setMode(WatchNode)
		case err != nil:
			w.cancel()
			return err
		default:
			go w.tend(watcher) // ends at close
		}
	}
	w.stand()
	go w.sweeper() // ends at close
	return nil
}

// stand lets the cache be used if watches stand. What was known before must be verified.
func (w *watch) stand() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mode != WatchTree || w.tree {
		w.cache.guard(true)
	}
}

// close ends all watching. The one-shot watches that are left fire into nothing.
func (w *watch) close() {
	w.cancel()
	close(w.stop)
	w.cache.guard(false)
}

// plant sets the recursive watch.
func (w *watch) plant(ctx context.Context) (*zk.Watcher, error) {
	for {
		watcher, err := w.conn.WithContext(ctx).AddWatch("/", zk.AddWatchPersistentRecursive)
		if err == nil {
			watcher.Mute() // event hears of all
			w.mu.Lock()
			w.tree = true
			w.mu.Unlock()
			return watcher, nil
		}
		if errors.Is(err, zk.ErrUnproven) || !w.again(ctx, err) {
			return nil, err
		}
	}
}

// tend plants the recursive watch again in each new session.
func (w *watch) tend(watcher *zk.Watcher) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // ends with tend
		select {
		case <-w.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	for {
		w.drain(watcher)
		if ctx.Err() != nil {
			watcher.Stop()
			return
		}
		if w.current() != WatchTree {
			w.log.Warn("many changes of znodes that nobody reads here: watching znode by znode")
			watcher.Stop()
			return
		}
		for {
			var err error
			if watcher, err = w.plant(ctx); err == nil {
				break
			}
			if ctx.Err() != nil {
				return
			}
			if errors.Is(err, zk.ErrUnimplemented) || errors.Is(err, zk.ErrUnproven) {
				w.log.Warn("the servers have no recursive watches that say what has changed: watching znode by znode",
					"err", err)
				w.setMode(WatchNode)
				w.stand()
				w.tell("/", Everything)
				return
			}
			w.log.Debug("watch for changes", "err", err)
			t := time.NewTimer(time.Second)
			select {
			case <-t.C:
			case <-ctx.Done():
			}
		}
		w.stand()
		w.tell("/", Everything)
	}
}

// drain returns when the watcher's session is over or the mount is, or too much happens. What
// events say is known from OnEvent.
func (w *watch) drain(watcher *zk.Watcher) {
	for {
		select {
		case _, ok := <-watcher.Events():
			if !ok {
				return
			}
		case <-w.flood.over:
			return
		case <-w.stop:
			return
		}
	}
}

// event runs on the client's read loop: it must not block and must not ask the servers anything.
func (w *watch) event(e zk.Event) {
	switch e.Type {
	case zk.EventSession:
		w.state(e.State)
	case zk.EventNodeCreated:
		w.changed(e, creationEvent, Created, true)
	case zk.EventNodeDeleted:
		w.fired(e, childWatch)
		w.changed(e, deletionEvent, Deleted, true)
	case zk.EventNodeDataChanged:
		w.changed(e, dataWatch, DataChanged, false)
	case zk.EventNodeChildrenChanged:
		w.changed(e, childWatch, ChildrenChanged, false)
	case zk.EventNotWatching: // the server would not set a one-shot watch again
		w.fired(e, dataWatch)
		w.changed(e, childWatch, DataChanged|ChildrenChanged, false)
	case zk.EventLost: // the server did not say what has changed
		w.cache.guard(false)
		w.stand()
		w.tell("/", Everything)
	}
}

// changed makes stale what an event is about: the znode and, if it came or went, its parent.
func (w *watch) changed(e zk.Event, kind watchKind, what News, parentToo bool) {
	if kind == childWatch {
		w.fired(e, childWatch)
	} else {
		w.fired(e, dataWatch)
	}
	note := w.cache.changed
	mine, news := w.mine(e.Path, kind)
	if mine && !news {
		note = w.cache.changedHere
	}
	known := note(e.Path)
	if parentToo && e.Path != "/" {
		dir, _ := Split(e.Path)
		known = note(dir) || known
	}
	if mine {
		what |= Own
	}
	if news {
		w.tell(e.Path, what)
	}
	if !known {
		w.drown()
	}
}

// mine counts an event and reports whether it is that of a change by this mount, and whether it is
// news to the kernel. A change by this mount is none. But where the event has used up the watch of
// what the kernel holds, it must ask again, which sets another.
func (w *watch) mine(path string, kind watchKind) (mine, news bool) {
	key := watched{path, kind}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events++
	if w.ours[key] == 0 {
		return false, true
	}
	w.ours[key]--
	return true, w.mode == WatchNode && kind == dataWatch
}

// expect announces a change that this mount is about to ask for: until done is called, the first
// event of that kind about path is not reported to the kernel, which knows. The event comes before
// the reply, so nothing is left over when done is called once the reply is there.
func (w *watch) expect(path string, kind watchKind) (done func()) {
	key := watched{path, kind}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ours[key]++
	left := w.ours[key]
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.ours[key] >= left {
			w.ours[key]--
		}
		if w.ours[key] == 0 {
			delete(w.ours, key)
		}
	}
}

// state follows the connection. Without one nothing known is used before it is verified; with a new
// session all is forgotten.
func (w *watch) state(s zk.State) {
	switch s {
	case zk.StateHasSession, zk.StateConnectedReadOnly:
		w.mu.Lock()
		w.lost = time.Time{}
		w.mu.Unlock()
		w.stand()
		w.tell("/", Everything)
	case zk.StateExpired:
		w.mu.Lock()
		w.tree = false
		clear(w.armed)
		w.cache.guard(false)
		w.mu.Unlock()
		w.cache.reset()
	case zk.StateDisconnected, zk.StateAuthFailed:
		w.mu.Lock()
		if w.lost.IsZero() {
			w.lost = time.Now()
		}
		w.mu.Unlock()
		w.cache.guard(false)
	}
}

func (w *watch) setMode(m WatchMode) {
	w.mu.Lock()
	w.mode = m
	w.mu.Unlock()
}

// wants reports whether a one-shot watch of that kind guards what is known about path.
func (w *watch) wants(path string, kind watchKind) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mode == WatchNode && !w.rely(watched{path, kind})
}

// rely reports whether a watch is armed, and notes that the caller's question sets none for that
// reason.
func (w *watch) rely(key watched) bool {
	_, armed := w.armed[key]
	if armed {
		w.armed[key] = true
	}
	return armed
}

// arm reports whether the next request about path should set a watch of that kind, and notes that
// it does. It is noted before the request is sent: a watch that fires at once clears the note.
//
// Child watches are set with --watch=tree too: the creation of a child that this session may not
// read is told by no other event. But not on the root: servers before 3.9 would take it in place of
// the recursive watch there (ZOOKEEPER-4466).
func (w *watch) arm(path string, kind watchKind) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := watched{path, kind}
	covered := w.mode == WatchTree && (kind == dataWatch || path == "/")
	if w.mode == WatchOff || covered || w.rely(key) {
		return false
	}
	w.armed[key] = false
	return true
}

// failed takes the note of arm back if the request failed. What other questions have learned
// meanwhile, relying on the watch, is stale then: no event will say so.
func (w *watch) failed(path string, kind watchKind, err error) {
	if err == nil {
		return
	}
	key := watched{path, kind}
	w.mu.Lock()
	relied := w.armed[key]
	delete(w.armed, key)
	w.mu.Unlock()
	if relied {
		w.cache.changed(path)
		w.tell(path, Dropped|AttrChanged)
	}
}

func (w *watch) fired(e zk.Event, kind watchKind) {
	w.mu.Lock()
	delete(w.armed, watched{e.Path, kind})
	w.mu.Unlock()
}

// covers reports whether everything is watched, so that what is fetched in bulk may be kept.
func (w *watch) covers() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mode != WatchNode
}

// numbers returns the mode, how many one-shot watches are set and how many events came.
func (w *watch) numbers() (mode WatchMode, armed int, events int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mode, len(w.armed), w.events
}
