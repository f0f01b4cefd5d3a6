package conformance

import "github.com/zkfs/zkfs/zk"

// observe returns a channel of the events that the server sends to c from here on.
func (e *env) observe(c *zk.Conn) <-chan zk.Event {
	seen := make(chan zk.Event, 100)
	e.Cleanup(c.OnEvent(func(ev zk.Event) {
		if ev.Type != zk.EventSession {
			seen <- ev
		}
	}))
	return seen
}

// unwatchCases are about ending watches.
var unwatchCases = []Case{
	{"a watch that is removed says so, and the server sends nothing for it", func(e *env) {
		w := e.connect()
		e.create("/a", "")
		data, exist, children := e.getW(w, "/a"), e.existsW(w, "/no"), e.childrenW(w, "/a")
		for path, events := range map[string]<-chan zk.Event{"/a": data, "/no": exist} {
			e.must(w.RemoveWatch(path, events))
			e.receives(events, zk.EventNotWatching, path)
			e.closed(events)
			e.fails(w.RemoveWatch(path, events), zk.ErrNoWatcher)
		}
		e.must(w.RemoveWatch("/a", children))
		seen := e.observe(w)
		e.set("/a", "x")
		e.create("/a/b", "")
		e.create("/no", "")
		if !e.has(NoRemoveWatches) {
			e.silent(w, seen)
		}
	}},
	{"removing one of two watches leaves the other", func(e *env) {
		w := e.connect()
		e.create("/a", "")
		first, second := e.getW(w, "/a"), e.getW(w, "/a")
		e.must(w.RemoveWatch("/a", first))
		e.set("/a", "x")
		e.receives(second, zk.EventNodeDataChanged, "/a")
	}},
	{"watches are removed by their type", func(e *env) {
		w := e.connect()
		e.create("/a", "")
		data, children := e.getW(w, "/a"), e.childrenW(w, "/a")
		e.must(w.RemoveWatches("/a", zk.WatcherData))
		e.receives(data, zk.EventNotWatching, "/a")
		e.fails(w.RemoveWatches("/a", zk.WatcherData), zk.ErrNoWatcher)
		e.set("/a", "x")
		e.create("/a/b", "")
		e.receives(children, zk.EventNodeChildrenChanged, "/a")
		e.fails(w.RemoveWatches("/a", zk.WatcherAny), zk.ErrNoWatcher)
	}},
	{"checkWatches finds a watch by its type, and none where nobody watches", func(e *env) {
		e.create("/a", "")
		e.fails(e.conn.CheckWatches("/a", zk.WatcherAny), zk.ErrNoWatcher)
		e.getW(e.conn, "/a")
		e.must(e.conn.CheckWatches("/a", zk.WatcherData))
		e.must(e.conn.CheckWatches("/a", zk.WatcherAny))
		e.fails(e.conn.CheckWatches("/a", zk.WatcherChildren), zk.ErrNoWatcher)
	}},
	{"a watch that was removed is not set again after a reconnect", func(e *env) {
		w, link, states := e.remote(long)
		e.create("/a", "")
		events := e.getW(w, "/a")
		e.must(w.RemoveWatch("/a", events))
		seen := e.observe(w)
		e.away(link, states, func() { e.set("/a", "x") })
		e.set("/a", "y")
		e.silent(w, seen)
	}},
}
