package zktest

import "github.com/zkfs/zkfs/zk/internal/wire"

// watch does the requests that are about watches alone.
func (q *call) watch() (wire.Record, wire.Code) {
	switch q.h.Op {
	case wire.OpSetWatches:
		return with(q, func(r *wire.SetWatches) (wire.Record, wire.Code) {
			return q.setWatches(&wire.SetWatches2{SetWatches: *r})
		})
	case wire.OpSetWatches2:
		return with(q, q.setWatches)
	case wire.OpAddWatch:
		return with(q, q.addWatch)
	case wire.OpRemoveWatches:
		return with(q, func(r *wire.RemoveWatchesRequest) (wire.Record, wire.Code) {
			return q.eachWatch(r.Path, r.Type, (*table).remove)
		})
	case wire.OpCheckWatches:
		return with(q, func(r *wire.CheckWatchesRequest) (wire.Record, wire.Code) {
			return q.eachWatch(r.Path, r.Type, (*table).has)
		})
	}
	return nil, wire.CodeUnimplemented
}

func (q *call) addWatch(r *wire.AddWatchRequest) (wire.Record, wire.Code) {
	switch r.Mode {
	case wire.AddWatchPersistent:
		q.s.addWatch(q.c, r.Path, persistent)
	case wire.AddWatchPersistentRecursive:
		q.s.addWatch(q.c, r.Path, recursive)
	default:
		if !q.s.dialect.anyMode {
			return nil, wire.CodeMarshallingError
		}
	}
	if q.s.dialect.mutedAddWatch {
		return nil, wire.CodeOK
	}
	return &wire.ErrorResponse{}, wire.CodeOK
}

func (q *call) setWatches(r *wire.SetWatches2) (wire.Record, wire.Code) {
	if q.s.dialect.lateRearm {
		q.after = func() { q.s.setWatches(q.c, r) }
	} else {
		q.s.setWatches(q.c, r)
	}
	return nil, wire.CodeOK
}

// eachWatch calls f with every table and the modes that are meant. It is an error if none of them has a watch.
func (q *call) eachWatch(path string, typ wire.WatcherType, f func(*table, *conn, string, mode) bool) (wire.Record, wire.Code) {
	tables, m := q.s.meant(typ)
	if tables == nil {
		return nil, wire.CodeMarshallingError
	}
	found := false
	for _, t := range tables {
		found = f(t, q.c, path, m) || found
	}
	if !found {
		return nil, wire.CodeNoWatcher
	}
	return nil, wire.CodeOK
}

// setWatches sets the watches of another connection of the same client again. One-shot watches on znodes that changed
// after r.RelativeZxid fire at once instead; what happened to persistent ones is not told.
func (s *Server) setWatches(c *conn, r *wire.SetWatches2) {
	arm := func(t *table, path string, missed bool, typ wire.EventType) {
		switch n := s.tree.get(path); {
		case !missed:
			t.add(c, path, oneShot)
		case !s.dialect.rearmReads || s.mayHear(c, n.acl):
			c.notify(typ, path, -1)
		}
	}
	for _, path := range r.DataWatches {
		if n := s.tree.get(path); n == nil {
			c.notify(wire.EventNodeDeleted, path, -1)
		} else {
			arm(&s.watches.data, path, n.mzxid > r.RelativeZxid, wire.EventNodeDataChanged)
		}
	}
	exist := func() {
		for _, path := range r.ExistWatches {
			arm(&s.watches.data, path, s.tree.get(path) != nil, wire.EventNodeCreated)
		}
	}
	if !s.dialect.lateRearm {
		exist()
	}
	changed := wire.EventNodeChildrenChanged
	if s.dialect.rearmedChild != 0 {
		changed = s.dialect.rearmedChild
	}
	for _, path := range r.ChildWatches {
		if n := s.tree.get(path); n == nil {
			c.notify(wire.EventNodeDeleted, path, -1)
		} else {
			arm(&s.watches.child, path, n.pzxid > r.RelativeZxid && !s.dialect.lostRearm, changed)
		}
	}
	if s.dialect.lateRearm {
		exist()
	}
	for _, path := range r.PersistentWatches {
		s.addWatch(c, path, persistent)
	}
	for _, path := range r.PersistentRecursiveWatches {
		s.addWatch(c, path, recursive)
	}
}

func (s *Server) addWatch(c *conn, path string, m mode) {
	s.watches.data.add(c, path, m)
	s.watches.child.add(c, path, m)
}

// meant returns the tables and modes that a request of removeWatches or checkWatches means, none for a type that
// the server does not know.
func (s *Server) meant(typ wire.WatcherType) ([]*table, mode) {
	data, child := &s.watches.data, &s.watches.child
	single := !s.dialect.apart
	m := oneShot
	if single {
		m = allModes
	}
	switch {
	case typ == wire.WatcherChildren:
		return []*table{child}, m
	case typ == wire.WatcherData:
		return []*table{data}, m
	case typ == wire.WatcherAny:
		return []*table{child, data}, allModes
	case typ == wire.WatcherPersistent && !single:
		return []*table{child, data}, persistent
	case typ == wire.WatcherPersistentRecursive && !single:
		return []*table{child, data}, recursive
	}
	return nil, 0
}
