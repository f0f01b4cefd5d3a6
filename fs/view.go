package fs

import (
	"context"
	"errors"
	"slices"

	"github.com/zkfs/zkfs/zk"
)

// stat returns the Stat of the znode at path, or zk.ErrNoNode.
func (e *Ensemble) stat(ctx context.Context, path string) (*zk.Stat, error) {
	s, err := e.know(ctx, path)
	return s.stat, err
}

// know returns the Stat of the znode at path, with its data and children where they are known anyway, or zk.ErrNoNode.
func (e *Ensemble) know(ctx context.Context, path string) (snapshot, error) {
	if s, ok := e.cache.look(path); ok {
		e.fromMemory.Add(1)
		return e.complete(ctx, path, s)
	}
	return e.ask(ctx, path, func(c *zk.Conn) (snapshot, error) {
		s, err := e.exists(ctx, c, path)
		if err != nil || s.stat == nil || !e.watch.wants(path, childWatch) {
			return s, err
		}
		// A data watch does not tell of children, which make a file a directory.
		if s2, err := e.childrenW(c, path); err == nil {
			return s2, nil
		}
		return s, nil
	})
}

func (e *Ensemble) exists(ctx context.Context, c *zk.Conn, path string) (s snapshot, err error) {
	var found bool
	var st *zk.Stat
	if e.watch.arm(path, dataWatch) {
		found, st, _, err = c.ExistsW(path)
		e.watch.failed(path, dataWatch, err)
	} else {
		if e.o.Perms {
			if s, err = e.statACL(ctx, c, path); !errors.Is(err, zk.ErrNoAuth) {
				return s, err
			}
		}
		found, st, err = c.Exists(path)
	}
	if found {
		s.stat = st
	}
	return s, err
}

// get returns the data of the znode at path and the Stat that belongs to it.
func (e *Ensemble) get(ctx context.Context, path string) (snapshot, error) {
	if s, ok := e.cache.look(path); ok && (s.stat == nil || s.hasData) {
		e.fromMemory.Add(1)
		return e.complete(ctx, path, s)
	}
	return e.ask(ctx, path, func(c *zk.Conn) (s snapshot, err error) {
		if e.watch.wants(path, childWatch) {
			if s, err := e.childrenW(c, path); err != nil {
				return s, err
			}
		}
		if e.watch.arm(path, dataWatch) {
			s.data, s.stat, _, err = c.GetW(path)
			e.watch.failed(path, dataWatch, err)
		} else {
			s.data, s.stat, err = c.Get(path)
		}
		s.hasData = err == nil
		return s, err
	})
}

// after returns what is known about the znode at path after a change of this mount that left it with that Stat.
func (e *Ensemble) after(path string, st *zk.Stat) snapshot {
	if s, ok := e.cache.look(path); ok && s.stat != nil && sameVersion(s.stat, st) {
		return s
	}
	return snapshot{stat: st}
}

// current reports whether s is known to be the current version of the data of the znode at path.
func (e *Ensemble) current(path string, s snapshot) bool {
	now, ok := e.cache.look(path)
	return ok && now.stat != nil && sameVersion(now.stat, s.stat)
}

// list returns the names of the children of the znode at path, sorted, and the Stat that belongs to them.
// The child watch is there with --watch=tree too: the creation of a child that this session may not read
// is reported to nobody else.
func (e *Ensemble) list(ctx context.Context, path string) (snapshot, error) {
	if s, ok := e.cache.look(path); ok && (s.stat == nil || s.names != nil) {
		e.fromMemory.Add(1)
		return e.complete(ctx, path, s)
	}
	return e.ask(ctx, path, func(c *zk.Conn) (snapshot, error) {
		if e.watch.wants(path, dataWatch) {
			if s, err := e.exists(ctx, c, path); err != nil || s.stat == nil {
				return s, err
			}
		}
		return e.childrenW(c, path)
	})
}

func (e *Ensemble) childrenW(c *zk.Conn, path string) (s snapshot, err error) {
	var list []string
	if e.watch.arm(path, childWatch) {
		list, s.stat, _, err = c.ChildrenW(path)
		e.watch.failed(path, childWatch, err)
	} else {
		list, s.stat, err = c.Children(path)
	}
	if err != nil {
		return snapshot{}, err
	}
	slices.Sort(list)
	s.names = newNames(list, s.stat.Pzxid)
	return s, nil
}

// ask sends a question about path and keeps the answer. A question is no change: it is asked again when the connection breaks.
// What is kept has its watches: with --watch=node those of the data and of the children, which the question must have set before it
// asked for what it returns.
func (e *Ensemble) ask(ctx context.Context, path string, question func(*zk.Conn) (snapshot, error)) (snapshot, error) {
	e.fromServers.Add(1)
	for {
		t := e.cache.begin(path)
		s, err := question(e.conn.WithContext(ctx))
		switch {
		case err == nil:
			return e.complete(ctx, path, e.cache.fill(t, s))
		case errors.Is(err, zk.ErrNoNode):
			if e.watch.wants(path, dataWatch) { // only Exists watches what is missing
				e.cache.cancel(t)
				return snapshot{}, zk.ErrNoNode
			}
			return e.complete(ctx, path, e.cache.fill(t, snapshot{}))
		}
		e.cache.cancel(t)
		if !e.watch.again(ctx, err) {
			return snapshot{}, err
		}
	}
}

// complete adds to an answer what is shown beside it, or returns zk.ErrNoNode.
func (e *Ensemble) complete(ctx context.Context, path string, s snapshot) (snapshot, error) {
	if s.stat == nil {
		return s, zk.ErrNoNode
	}
	if !e.o.Perms || s.hasPerms {
		return s, nil
	}
	return e.addPerms(ctx, path, s)
}

// forget is fresh for what may be another thing with the same Stat.
func (e *Ensemble) forget(path string) { e.cache.forget(path) }

// fresh makes the next question about path one to the servers.
func (e *Ensemble) fresh(path string) { e.cache.changed(path) }
