package conformance

import (
	"time"

	"github.com/zkfs/zkfs/zk"
)

func (e *env) addWatch(c *zk.Conn, path string, mode zk.AddWatchMode) *zk.Watcher {
	e.Helper()
	w, err := c.AddWatch(path, mode)
	e.must(err)
	return w
}

// sees checks the next event of a watch that may have missed some before.
func (e *env) sees(events <-chan zk.Event, typ zk.EventType, path string) {
	e.Helper()
	for {
		select {
		case ev := <-events:
			if ev.Type == zk.EventLost {
				continue
			}
			if ev.Type != typ || ev.Path != path {
				e.Errorf("event %v %s, want %v %s", ev.Type, ev.Path, typ, path)
			}
			return
		case <-time.After(patience):
			e.Fatalf("no event, want %v %s", typ, path)
		}
	}
}

// lastingCases are about persistent watches.
var lastingCases = []Case{
	{"a persistent watch sees its znode and its children, again and again", func(e *env) {
		c := e.connect()
		w := e.addWatch(c, "/a", zk.AddWatchPersistent)
		for range 2 {
			e.create("/a", "")
			e.receives(w.Events(), zk.EventNodeCreated, "/a")
			e.set("/a", "x")
			e.receives(w.Events(), zk.EventNodeDataChanged, "/a")
			e.set("/a", "y")
			e.receives(w.Events(), zk.EventNodeDataChanged, "/a")
			e.create("/a/b", "")
			e.receives(w.Events(), zk.EventNodeChildrenChanged, "/a")
			e.set("/a/b", "x")
			e.create("/a/b/c", "")
			e.delete("/a/b/c")
			e.silent(c, w.Events())
			e.delete("/a/b")
			e.receives(w.Events(), zk.EventNodeChildrenChanged, "/a")
			e.delete("/a")
			e.receives(w.Events(), zk.EventNodeDeleted, "/a")
		}
		e.silent(c, w.Events())
	}},
	{"a recursive watch sees every znode below its own, and no lists of children", func(e *env) {
		c := e.connect()
		w := e.addWatch(c, "/a", zk.AddWatchPersistentRecursive)
		e.create("/ab", "")
		for range 2 {
			e.create("/a", "")
			e.receives(w.Events(), zk.EventNodeCreated, "/a")
			e.create("/a/b", "")
			e.receives(w.Events(), zk.EventNodeCreated, "/a/b")
			e.create("/a/b/c", "")
			e.receives(w.Events(), zk.EventNodeCreated, "/a/b/c")
			e.set("/a/b/c", "x")
			e.receives(w.Events(), zk.EventNodeDataChanged, "/a/b/c")
			e.set("/a", "x")
			e.receives(w.Events(), zk.EventNodeDataChanged, "/a")
			e.delete("/a/b/c")
			e.receives(w.Events(), zk.EventNodeDeleted, "/a/b/c")
			e.delete("/a/b")
			e.receives(w.Events(), zk.EventNodeDeleted, "/a/b")
			e.delete("/a")
			e.receives(w.Events(), zk.EventNodeDeleted, "/a")
		}
		e.silent(c, w.Events())
	}},
	{"a child watch below a recursive one changes nothing for it", func(e *env) {
		c := e.connect()
		e.create("/a", "")
		e.create("/a/b", "")
		w := e.addWatch(c, "/a", zk.AddWatchPersistentRecursive)
		children := e.childrenW(c, "/a/b")
		e.create("/a/b/c", "")
		e.receives(children, zk.EventNodeChildrenChanged, "/a/b")
		e.receives(w.Events(), zk.EventNodeCreated, "/a/b/c")
		e.silent(c, w.Events())
	}},
	{"a data watch below a recursive one changes nothing for it", func(e *env) {
		c := e.connect()
		e.create("/a", "")
		e.create("/a/b", "")
		w := e.addWatch(c, "/a", zk.AddWatchPersistentRecursive)
		data := e.getW(c, "/a/b")
		e.set("/a/b", "x")
		e.receives(data, zk.EventNodeDataChanged, "/a/b")
		e.receives(w.Events(), zk.EventNodeDataChanged, "/a/b")
		e.silent(c, w.Events())
	}},
	{"a recursive watch may be set on the root", func(e *env) {
		c := e.connect()
		w := e.addWatch(c, "/", zk.AddWatchPersistentRecursive)
		e.create("/a", "")
		e.receives(w.Events(), zk.EventNodeCreated, "/a")
		e.set("/", "x")
		e.receives(w.Events(), zk.EventNodeDataChanged, "/")
	}},
	{"two persistent watches of a client on a path both see", func(e *env) {
		c := e.connect()
		e.create("/a", "")
		first, second := e.addWatch(c, "/a", zk.AddWatchPersistent), e.addWatch(c, "/a", zk.AddWatchPersistent)
		e.set("/a", "x")
		e.receives(first.Events(), zk.EventNodeDataChanged, "/a")
		e.receives(second.Events(), zk.EventNodeDataChanged, "/a")
		e.must(first.Stop())
		e.set("/a", "y")
		e.receives(second.Events(), zk.EventNodeDataChanged, "/a")
		e.closed(first.Events())
	}},
	{"a persistent watch ends when it is stopped, at the server too", func(e *env) {
		c := e.connect()
		e.create("/a", "")
		w := e.addWatch(c, "/a", zk.AddWatchPersistent)
		e.must(w.Stop())
		e.closed(w.Events())
		seen := e.observe(c)
		e.set("/a", "x")
		e.silent(c, seen)
		e.must(w.Stop())
	}},
	{"stopping a persistent watch leaves one-shot watches on its path", func(e *env) {
		c := e.connect()
		e.create("/a", "")
		w := e.addWatch(c, "/a", zk.AddWatchPersistent)
		data, children := e.getW(c, "/a"), e.childrenW(c, "/a")
		e.must(w.Stop())
		e.must(second(c.Sync("/")))
		e.set("/a", "x")
		e.receives(data, zk.EventNodeDataChanged, "/a")
		e.create("/a/b", "")
		e.receives(children, zk.EventNodeChildrenChanged, "/a")
	}},
	{"removing a one-shot watch leaves a persistent one on its path", func(e *env) {
		c := e.connect()
		e.create("/a", "")
		data := e.getW(c, "/a")
		w := e.addWatch(c, "/a", zk.AddWatchPersistent)
		e.must(c.RemoveWatch("/a", data))
		e.must(second(c.Sync("/")))
		e.set("/a", "x")
		e.sees(w.Events(), zk.EventNodeDataChanged, "/a")
		e.create("/a/b", "")
		e.sees(w.Events(), zk.EventNodeChildrenChanged, "/a")
	}},
	{"stopping a persistent watch leaves a recursive one on its path", func(e *env) {
		c := e.connect()
		e.create("/a", "")
		w, r := e.addWatch(c, "/a", zk.AddWatchPersistent), e.addWatch(c, "/a", zk.AddWatchPersistentRecursive)
		e.must(w.Stop())
		e.must(second(c.Sync("/")))
		e.set("/a", "x")
		e.sees(r.Events(), zk.EventNodeDataChanged, "/a")
		e.create("/a/b", "")
		e.sees(r.Events(), zk.EventNodeCreated, "/a/b")
	}},
	{"after a reconnect a persistent watch says that events were lost, and goes on", func(e *env) {
		c, link, states := e.remote(long)
		e.create("/a", "")
		w, r := e.addWatch(c, "/a", zk.AddWatchPersistent), e.addWatch(c, "/", zk.AddWatchPersistentRecursive)
		e.away(link, states, func() { e.set("/a", "x") })
		e.receives(w.Events(), zk.EventLost, "/a")
		e.receives(r.Events(), zk.EventLost, "/")
		e.must(second(c.Sync("/")))
		e.set("/a", "y")
		e.receives(w.Events(), zk.EventNodeDataChanged, "/a")
		e.receives(r.Events(), zk.EventNodeDataChanged, "/a")
		e.silent(c, w.Events())
		e.silent(c, r.Events())
	}},
	{"close ends a persistent watch", func(e *env) {
		c := e.connect()
		w := e.addWatch(c, "/a", zk.AddWatchPersistent)
		c.Close()
		e.receives(w.Events(), zk.EventNotWatching, "/a")
		e.closed(w.Events())
	}},
}
