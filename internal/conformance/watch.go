package conformance

import (
	"sync/atomic"

	"github.com/zkfs/zkfs/zk"
)

// getW, existsW and childrenW set a watch on a connection and return its channel.
func (e *env) getW(c *zk.Conn, path string) <-chan zk.Event {
	e.Helper()
	_, _, events, err := c.GetW(path)
	e.must(err)
	return events
}

func (e *env) existsW(c *zk.Conn, path string) <-chan zk.Event {
	e.Helper()
	_, _, events, err := c.ExistsW(path)
	e.must(err)
	return events
}

func (e *env) childrenW(c *zk.Conn, path string) <-chan zk.Event {
	e.Helper()
	_, _, events, err := c.ChildrenW(path)
	e.must(err)
	return events
}

// watchCases are about one-shot watches.
var watchCases = []Case{
	{"a data watch fires once, at the next set", func(e *env) {
		w := e.connect()
		e.create("/a", "")
		events := e.getW(w, "/a")
		e.silent(w, events)
		e.set("/a", "1")
		ev := e.receives(events, zk.EventNodeDataChanged, "/a")
		e.must(ev.Err)
		e.closed(events)
		e.set("/a", "2")
		events = e.getW(w, "/a")
		e.silent(w, events)
	}},
	{"a data watch fires when its znode is deleted", func(e *env) {
		w := e.connect()
		e.create("/a", "")
		events := e.getW(w, "/a")
		e.delete("/a")
		e.receives(events, zk.EventNodeDeleted, "/a")
	}},
	{"a data watch does not see children", func(e *env) {
		w := e.connect()
		e.create("/a", "")
		events := e.getW(w, "/a")
		e.create("/a/b", "")
		e.set("/a/b", "x")
		e.delete("/a/b")
		e.silent(w, events)
	}},
	{"an exist watch fires when its znode is created, changed or deleted", func(e *env) {
		w := e.connect()
		events := e.existsW(w, "/a")
		e.create("/a", "")
		e.receives(events, zk.EventNodeCreated, "/a")
		events = e.existsW(w, "/a")
		e.set("/a", "x")
		e.receives(events, zk.EventNodeDataChanged, "/a")
		events = e.existsW(w, "/a")
		e.delete("/a")
		e.receives(events, zk.EventNodeDeleted, "/a")
	}},
	{"an exist watch may be set below what is missing", func(e *env) {
		w := e.connect()
		events := e.existsW(w, "/a/b/c")
		e.create("/a", "")
		e.create("/a/b", "")
		e.silent(w, events)
		e.create("/a/b/c", "")
		e.receives(events, zk.EventNodeCreated, "/a/b/c")
	}},
	{"an event does not say in which transaction its change was", func(e *env) {
		e.create("/a", "")
		events := e.existsW(e.connect(), "/a")
		e.set("/a", "x")
		equal(e, "zxid", e.receives(events, zk.EventNodeDataChanged, "/a").Zxid, 0)
	}},
	{"a child watch fires when a child is created", func(e *env) {
		w := e.connect()
		e.create("/a", "")
		events := e.childrenW(w, "/a")
		e.create("/a/b", "")
		e.receives(events, zk.EventNodeChildrenChanged, "/a")
		e.closed(events)
	}},
	{"a child watch fires when a child is deleted", func(e *env) {
		w := e.connect()
		e.create("/a", "")
		e.create("/a/b", "")
		events := e.childrenW(w, "/a")
		e.delete("/a/b")
		e.receives(events, zk.EventNodeChildrenChanged, "/a")
	}},
	{"a child watch fires when its znode is deleted", func(e *env) {
		w := e.connect()
		e.create("/a", "")
		events := e.childrenW(w, "/a")
		e.delete("/a")
		e.receives(events, zk.EventNodeDeleted, "/a")
	}},
	{"a child watch sees neither data nor grandchildren", func(e *env) {
		w := e.connect()
		e.create("/a", "")
		e.create("/a/b", "")
		events := e.childrenW(w, "/a")
		e.set("/a", "x")
		e.set("/a/b", "x")
		e.create("/a/b/c", "")
		e.silent(w, events)
	}},
	{"a read that fails sets no watch", func(e *env) {
		w := e.connect()
		var seen atomic.Int32
		defer w.OnEvent(func(ev zk.Event) {
			if ev.Type != zk.EventSession {
				seen.Add(1)
			}
		})()
		user := e.user("u:p")
		e.createAs("/secret", "", 0, zk.DigestACL(zk.PermAll, "u", "p"))
		e.fails(fourth(w.GetW("/no")), zk.ErrNoNode)
		e.fails(fourth(w.ChildrenW("/no")), zk.ErrNoNode)
		e.fails(fourth(w.GetW("/secret")), zk.ErrNoAuth)
		e.fails(fourth(w.ChildrenW("/secret")), zk.ErrNoAuth)
		e.create("/no", "")
		e.delete("/no")
		e.must(second(user.SetACL("/secret", open, -1)))
		e.set("/secret", "x")
		e.create("/secret/a", "")
		e.must(second(w.Sync("/")))
		equal(e, "events", seen.Load(), 0)
	}},
	{"every watch of a client on a path gets the one event of the server", func(e *env) {
		w := e.connect()
		e.create("/a", "")
		first, second, third := e.getW(w, "/a"), e.getW(w, "/a"), e.existsW(w, "/a")
		children := e.childrenW(w, "/a")
		var seen atomic.Int32
		defer w.OnEvent(func(ev zk.Event) {
			if ev.Type == zk.EventNodeDeleted {
				seen.Add(1)
			}
		})()
		e.delete("/a")
		for _, events := range []<-chan zk.Event{first, second, third, children} {
			e.receives(events, zk.EventNodeDeleted, "/a")
		}
		e.must(func() error { _, err := w.Sync("/"); return err }())
		if !e.has(Unmerged) {
			equal(e, "events of the server", seen.Load(), 1)
		}
	}},
	{"a client's own changes fire its watches, before they are answered", func(e *env) {
		e.create("/a", "")
		data, children := e.getW(e.conn, "/a"), e.childrenW(e.conn, "/a")
		e.set("/a", "x")
		select {
		case ev := <-data:
			equal(e, "type", ev.Type, zk.EventNodeDataChanged)
		default:
			e.Error("the event comes after the reply")
		}
		e.create("/a/b", "")
		select {
		case ev := <-children:
			equal(e, "type", ev.Type, zk.EventNodeChildrenChanged)
		default:
			e.Error("the event comes after the reply")
		}
	}},
	{"a client sees the event before it sees the new data", func(e *env) {
		w := e.connect()
		e.create("/a", "0")
		for i := range 200 {
			events := e.getW(w, "/a")
			want := digits(i)
			set := make(chan error, 1)
			go func() { // ends with its one call
				_, err := e.conn.Set("/a", []byte(want), -1)
				set <- err
			}()
			for {
				data, _, err := w.Get("/a")
				e.must(err)
				if string(data) == want {
					break
				}
			}
			select {
			case <-events:
			default:
				e.Fatal("new data without the event")
			}
			e.must(<-set)
		}
	}},
	{"watches of different clients do not touch each other", func(e *env) {
		a, b := e.connect(), e.connect()
		e.create("/a", "")
		first, second := e.getW(a, "/a"), e.getW(b, "/a")
		a.Close()
		e.receives(first, zk.EventNotWatching, "/a")
		e.set("/a", "x")
		e.receives(second, zk.EventNodeDataChanged, "/a")
	}},
}
