package zktest

import "github.com/zkfs/zkfs/zk/internal/wire"

// publishEach tells every watch of a change, where the server does not merge those of a connection:
// first the recursive ones, from the znode up, then the one-shot ones, then the persistent ones
// (KeeperStorage::processWatchesImpl).
func (s *Server) publishEach(ch change) {
	path := ch.path
	if s.dialect.bareSequence {
		path = ch.bare
	}
	for at := path; s.watches.data.recursive > 0; at, _ = split(at) {
		told := path
		if s.dialect.watchPath {
			told = at
		}
		for c, m := range s.watches.data.paths[at] {
			if m&recursive != 0 {
				c.notify(ch.typ, told, -1)
			}
		}
		if at == "/" {
			break
		}
	}
	s.tellEach(ch.typ, path, oneShot)
	s.tellEach(ch.typ, path, persistent)
}

// tellEach tells the watches of one mode, and takes them away if they are one-shot.
func (s *Server) tellEach(typ wire.EventType, path string, m mode) {
	parent, _ := split(path)
	others := len(s.watches.data.paths[path]) + len(s.watches.child.paths[parent])
	if s.dialect.deafChildren && others == 0 {
		return
	}
	s.watches.data.tell(path, typ, m)
	if typ == wire.EventNodeDeleted {
		s.watches.child.tell(path, typ, m)
	}
	if typ != wire.EventNodeDataChanged {
		s.watches.child.tell(parent, wire.EventNodeChildrenChanged, m)
	}
}

// tell sends an event to the connections that watch path in mode m.
func (t *table) tell(path string, typ wire.EventType, m mode) {
	for c, has := range t.paths[path] {
		if has&m != 0 {
			c.notify(typ, path, -1)
			if m == oneShot {
				t.remove(c, path, oneShot)
			}
		}
	}
}
