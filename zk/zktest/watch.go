package zktest

import (
	"github.com/zkfs/zkfs/zk/internal/wire"
)

// A mode is a set of the ways in which a connection watches a path.
type mode uint8

const (
	oneShot mode = 1 << iota
	persistent
	recursive
	allModes = oneShot | persistent | recursive
)

// watches are the two tables of the server: data holds the watches of getData and exists, child those of getChildren.
// A persistent watch stands in both.
type watches struct{ data, child table }

func newWatches(d *dialect) watches {
	return watches{newTable(d), newTable(d)}
}

// drop removes the watches of a connection that is gone.
func (w *watches) drop(c *conn) {
	w.data.drop(c)
	w.child.drop(c)
}

// A table maps paths to the connections that watch them, and back (WatchManager).
type table struct {
	d         *dialect
	paths     map[string]map[*conn]mode
	conns     map[*conn]map[string]struct{}
	recursive int // the number of recursive watches
}

func newTable(d *dialect) table {
	return table{d: d, paths: map[string]map[*conn]mode{}, conns: map[*conn]map[string]struct{}{}}
}

func (t *table) add(c *conn, path string, m mode) {
	if !t.d.apart { // a connection has one mode on a path, the one that was asked for last
		t.remove(c, path, allModes)
	}
	if t.paths[path] == nil {
		t.paths[path] = map[*conn]mode{}
	}
	if t.conns[c] == nil {
		t.conns[c] = map[string]struct{}{}
	}
	t.conns[c][path] = struct{}{}
	if m&^t.paths[path][c]&recursive != 0 {
		t.recursive++
	}
	t.paths[path][c] |= m
}

// has reports what checkWatches asks.
func (t *table) has(c *conn, path string, m mode) bool {
	if !t.d.checksAll {
		return t.paths[path][c]&m != 0
	}
	for _, any := range t.paths[path] {
		if any&m != 0 {
			return true
		}
	}
	return false
}

// remove reports whether there was such a watch.
func (t *table) remove(c *conn, path string, m mode) bool {
	had := t.paths[path][c]
	switch {
	case had&m == 0:
		return false
	case had&m&recursive != 0:
		t.recursive--
	}
	if left := had &^ m; left != 0 {
		t.paths[path][c] = left
		return true
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
		t.remove(c, path, allModes)
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
		t.remove(c, path, oneShot)
		told[c] = true
		f(c)
	}
	if t.recursive == 0 || typ == wire.EventNodeChildrenChanged {
		return
	}
	for path != "/" {
		path, _ = split(path)
		for c, m := range t.paths[path] {
			if m&recursive != 0 && !told[c] {
				told[c] = true
				f(c)
			}
		}
	}
}

// publish tells the watches of the changes of a transaction, in their order.
func (s *Server) publish(x *txn) {
	zxid := x.zxid
	if !s.dialect.eventZxids {
		zxid = -1
	}
	for _, ch := range x.changes {
		if s.dialect.unmerged {
			s.publishEach(ch)
			continue
		}
		told := map[*conn]bool{}
		tell := func(c *conn) {
			if !told[c] && s.mayHear(c, ch.acl) {
				c.notify(ch.typ, ch.path, zxid)
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
				c.notify(wire.EventNodeChildrenChanged, parent, zxid)
			}
		})
	}
}

// mayHear reports whether events about a znode go to c.
func (s *Server) mayHear(c *conn, acl []wire.ACL) bool {
	return s.tellAll || s.dialect.tellAll || allowed(acl, permRead, c.ids)
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
