package zktest

import (
	"github.com/zkfs/zkfs/zk/internal/wire"
)

// A mode says how a watch behaves. A connection has one watch on a path in each table, in the mode that was asked for last.
type mode uint8

const (
	oneShot mode = iota
	persistent
	recursive
)

// watches are the two tables of the server: data holds the watches of getData and exists, child those of getChildren.
// A persistent watch stands in both.
type watches struct{ data, child table }

func newWatches() watches { return watches{newTable(), newTable()} }

// drop removes the watches of a connection that is gone.
func (w *watches) drop(c *conn) {
	w.data.drop(c)
	w.child.drop(c)
}

// A table maps paths to the connections that watch them, and back (WatchManager).
type table struct {
	paths     map[string]map[*conn]mode
	conns     map[*conn]map[string]struct{}
	recursive int // the number of recursive watches
}

func newTable() table {
	return table{paths: map[string]map[*conn]mode{}, conns: map[*conn]map[string]struct{}{}}
}

func (t *table) add(c *conn, path string, m mode) {
	t.remove(c, path)
	if t.paths[path] == nil {
		t.paths[path] = map[*conn]mode{}
	}
	t.paths[path][c] = m
	if t.conns[c] == nil {
		t.conns[c] = map[string]struct{}{}
	}
	t.conns[c][path] = struct{}{}
	if m == recursive {
		t.recursive++
	}
}

// has reports what checkWatches asks. ZooKeeper 3.8 does not look whose watch it is (WatchManager.containsWatcher).
func (t *table) has(_ *conn, path string) bool { return len(t.paths[path]) > 0 }

// remove reports whether there was a watch.
func (t *table) remove(c *conn, path string) bool {
	m, ok := t.paths[path][c]
	if !ok {
		return false
	}
	if m == recursive {
		t.recursive--
	}
	if delete(t.paths[path], c); len(t.paths[path]) == 0 {
		delete(t.paths, path)
	}
	if delete(t.conns[c], path); len(t.conns[c]) == 0 {
		delete(t.conns, c)
	}
	return true
}

func (t *table) drop(c *conn) {
	for path := range t.conns[c] {
		t.remove(c, path)
	}
}

// trigger calls f once for each connection that is to hear of an event at path, and takes the one-shot watches away.
func (t *table) trigger(path string, typ wire.EventType, f func(*conn)) {
	if len(t.paths) == 0 {
		return
	}
	told := map[*conn]bool{}
	for c, m := range t.paths[path] {
		if m == recursive && typ == wire.EventNodeChildrenChanged {
			continue
		}
		if m == oneShot {
			t.remove(c, path)
		}
		told[c] = true
		f(c)
	}
	if t.recursive == 0 || typ == wire.EventNodeChildrenChanged {
		return
	}
	for path != "/" {
		path, _ = split(path)
		for c, m := range t.paths[path] {
			if m == recursive && !told[c] {
				told[c] = true
				f(c)
			}
		}
	}
}

// publish tells the watches of the changes of a transaction, in their order.
func (s *Server) publish(x *txn) {
	for _, ch := range x.changes {
		told := map[*conn]bool{}
		tell := func(c *conn) {
			if !told[c] && s.mayHear(c, ch.acl) {
				c.notify(ch.typ, ch.path)
			}
			told[c] = true
		}
		s.watches.data.trigger(ch.path, ch.typ, tell)
		if ch.typ == wire.EventNodeDataChanged {
			continue
		}
		if ch.typ == wire.EventNodeDeleted {
			s.watches.child.trigger(ch.path, ch.typ, tell)
		}
		parent, _ := split(ch.path)
		s.watches.child.trigger(parent, wire.EventNodeChildrenChanged, func(c *conn) {
			if s.mayHear(c, ch.parent) {
				c.notify(wire.EventNodeChildrenChanged, parent)
			}
		})
	}
}

// mayHear reports whether events about a znode go to c.
func (s *Server) mayHear(c *conn, acl []wire.ACL) bool {
	return s.tellAll || allowed(acl, permRead, c.ids)
}

// count returns the number of watches.
func (w *watches) count() int {
	n := 0
	for _, t := range []*table{&w.data, &w.child} {
		for _, conns := range t.paths {
			n += len(conns)
		}
	}
	return n
}

// sizes returns the number of connections that watch, and of the paths watched in either table.
func (w *watches) sizes() (conns, paths int) {
	all := map[*conn]bool{}
	for _, t := range []*table{&w.data, &w.child} {
		for c := range t.conns {
			all[c] = true
		}
		paths += len(t.paths)
	}
	return len(all), paths
}
