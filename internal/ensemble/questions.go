package ensemble

import (
	"context"
	"errors"
	"slices"

	"github.com/zkfs/zkfs/zk"
)

// Stat returns the Stat of the znode at path, or zk.ErrNoNode.
func (e *Ensemble) Stat(ctx context.Context, path string) (*zk.Stat, error) {
	s, err := e.Know(ctx, path)
	return s.Stat, err
}

// Know returns the Stat of the znode at path, with its data and children where they are known
// anyway, or zk.ErrNoNode.
func (e *Ensemble) Know(ctx context.Context, path string) (Snapshot, error) {
	if s, ok := e.cache.look(path); ok {
		e.fromMemory.Add(1)
		return e.complete(ctx, path, s)
	}
	return e.ask(ctx, path, func(c *zk.Conn) (Snapshot, error) {
		s, err := e.exists(ctx, c, path)
		if err != nil || s.Stat == nil || !e.watch.wants(path, childWatch) {
			return s, err
		}
		// A data watch does not tell of children, which make a file a directory.
		if s2, err := e.childrenW(c, path); err == nil {
			return s2, nil
		}
		return s, nil
	})
}

func (e *Ensemble) exists(ctx context.Context, c *zk.Conn, path string) (s Snapshot, err error) {
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
		s.Stat = st
	}
	return s, err
}

// Get returns the data of the znode at path and the Stat that belongs to it.
func (e *Ensemble) Get(ctx context.Context, path string) (Snapshot, error) {
	if s, ok := e.cache.look(path); ok && (s.Stat == nil || s.HasData) {
		e.fromMemory.Add(1)
		return e.complete(ctx, path, s)
	}
	return e.ask(ctx, path, func(c *zk.Conn) (s Snapshot, err error) {
		if e.watch.wants(path, childWatch) {
			if s, err := e.childrenW(c, path); err != nil {
				return s, err
			}
		}
		if e.watch.arm(path, dataWatch) {
			s.Data, s.Stat, _, err = c.GetW(path)
			e.watch.failed(path, dataWatch, err)
		} else {
			s.Data, s.Stat, err = c.Get(path)
		}
		s.HasData = err == nil
		return s, err
	})
}

// After returns what is known about the znode at path after a change of the caller that left it
// with that Stat.
func (e *Ensemble) After(path string, st *zk.Stat) Snapshot {
	if s, ok := e.cache.look(path); ok && s.Stat != nil && SameVersion(s.Stat, st) {
		return s
	}
	return Snapshot{Stat: st}
}

// IsCurrent reports whether s is known to be the current version of the data of the znode at path.
func (e *Ensemble) IsCurrent(path string, s Snapshot) bool {
	now, ok := e.cache.look(path)
	return ok && now.Stat != nil && SameVersion(now.Stat, s.Stat)
}

// List returns the names of the children of the znode at path, sorted, and the Stat that belongs to
// them. The child watch is there with WatchTree too: the creation of a child that this session
// may not read is reported by no other event.
func (e *Ensemble) List(ctx context.Context, path string) (Snapshot, error) {
	if s, ok := e.cache.look(path); ok && (s.Stat == nil || s.Children != nil) {
		e.fromMemory.Add(1)
		return e.complete(ctx, path, s)
	}
	return e.ask(ctx, path, func(c *zk.Conn) (Snapshot, error) {
		if e.watch.wants(path, dataWatch) {
			if s, err := e.exists(ctx, c, path); err != nil || s.Stat == nil {
				return s, err
			}
		}
		return e.childrenW(c, path)
	})
}

func (e *Ensemble) childrenW(c *zk.Conn, path string) (s Snapshot, err error) {
	var list []string
	if e.watch.arm(path, childWatch) {
		list, s.Stat, _, err = c.ChildrenW(path)
		e.watch.failed(path, childWatch, err)
	} else {
		list, s.Stat, err = c.Children(path)
	}
	if err != nil {
		return Snapshot{}, err
	}
	slices.Sort(list)
	s.Children = newChildren(list, s.Stat)
	return s, nil
}

// ask sends a question about path and keeps the answer. A question is no change: it is asked again
// when the connection breaks. What is kept has its watches: with --watch=node those of the data and
// of the children, which the question must have set before it asked for what it returns.
func (e *Ensemble) ask(
	ctx context.Context, path string, question func(*zk.Conn) (Snapshot, error),
) (Snapshot, error) {
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
				return Snapshot{}, zk.ErrNoNode
			}
			return e.complete(ctx, path, e.cache.fill(t, Snapshot{}))
		}
		e.cache.cancel(t)
		if !e.watch.again(ctx, err) {
			return Snapshot{}, err
		}
	}
}

// complete adds to an answer what is shown beside it, or returns zk.ErrNoNode.
func (e *Ensemble) complete(ctx context.Context, path string, s Snapshot) (Snapshot, error) {
	if s.Stat == nil {
		return s, zk.ErrNoNode
	}
	if !e.o.Perms || s.HasPerms {
		return s, nil
	}
	return e.addPerms(ctx, path, s)
}

// forget is fresh for what may be another thing with the same Stat.
func (e *Ensemble) forget(path string) { e.cache.forget(path) }

// AskAnew makes the next question about path one to the servers.
func (e *Ensemble) AskAnew(path string) { e.cache.changed(path) }
