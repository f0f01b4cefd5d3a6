package fs

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/zkfs/zkfs/zk"
)

// view is the ensemble as the mount sees it: questions go to the cache first, then to the servers.
// Every question is bounded by its context, which [FS.bound] makes.
type view struct {
	conn  *zk.Conn
	cache *cache
	watch *watch

	fromMemory, fromServers atomic.Int64 // questions, by who answered them

	lastBatch      atomic.Int32 // how many znodes like those fetched last a first batch may have; 0: none were
	lacksMultiRead atomic.Bool  // the servers are older than 3.6

	// perms returns what an ACL lets this session do. It is nil unless that is shown.
	perms func(ctx context.Context, acl []zk.ACL) (int32, error)
}

// stat returns the Stat of the znode at path, or zk.ErrNoNode.
func (v *view) stat(ctx context.Context, path string) (*zk.Stat, error) {
	s, err := v.know(ctx, path)
	return s.stat, err
}

// know returns the Stat of the znode at path, with its data and children where they are known anyway, or zk.ErrNoNode.
func (v *view) know(ctx context.Context, path string) (snapshot, error) {
	if s, ok := v.cache.look(path); ok {
		v.fromMemory.Add(1)
		return v.complete(ctx, path, s)
	}
	return v.ask(ctx, path, func(c *zk.Conn) (snapshot, error) {
		s, err := v.exists(ctx, c, path)
		if err != nil || s.stat == nil || !v.watch.wants(path, childWatch) {
			return s, err
		}
		// A data watch does not tell of children, which make a file a directory.
		if s2, err := v.childrenW(c, path); err == nil {
			return s2, nil
		}
		return s, nil
	})
}

func (v *view) exists(ctx context.Context, c *zk.Conn, path string) (s snapshot, err error) {
	var found bool
	var st *zk.Stat
	if v.watch.arm(path, dataWatch) {
		found, st, _, err = c.ExistsW(path)
		v.watch.failed(path, dataWatch, err)
	} else {
		if v.perms != nil {
			if s, err = v.statACL(ctx, c, path); !errors.Is(err, zk.ErrNoAuth) {
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
func (v *view) get(ctx context.Context, path string) (snapshot, error) {
	if s, ok := v.cache.look(path); ok && (s.stat == nil || s.hasData) {
		v.fromMemory.Add(1)
		return v.complete(ctx, path, s)
	}
	return v.ask(ctx, path, func(c *zk.Conn) (s snapshot, err error) {
		if v.watch.wants(path, childWatch) {
			if s, err := v.childrenW(c, path); err != nil {
				return s, err
			}
		}
		if v.watch.arm(path, dataWatch) {
			s.data, s.stat, _, err = c.GetW(path)
			v.watch.failed(path, dataWatch, err)
		} else {
			s.data, s.stat, err = c.Get(path)
		}
		s.hasData = err == nil
		return s, err
	})
}

// after returns what is known about the znode at path after a change of this mount that left it with that Stat.
func (v *view) after(path string, st *zk.Stat) snapshot {
	if s, ok := v.cache.look(path); ok && s.stat != nil && sameVersion(s.stat, st) {
		return s
	}
	return snapshot{stat: st}
}

// current reports whether s is known to be the current version of the data of the znode at path.
func (v *view) current(path string, s snapshot) bool {
	now, ok := v.cache.look(path)
	return ok && now.stat != nil && sameVersion(now.stat, s.stat)
}

// list returns the names of the children of the znode at path, sorted, and the Stat that belongs to them.
// The child watch is there with --watch=tree too: the creation of a child that this session may not read
// is reported to nobody else.
func (v *view) list(ctx context.Context, path string) (snapshot, error) {
	if s, ok := v.cache.look(path); ok && (s.stat == nil || s.names != nil) {
		v.fromMemory.Add(1)
		return v.complete(ctx, path, s)
	}
	return v.ask(ctx, path, func(c *zk.Conn) (snapshot, error) {
		if v.watch.wants(path, dataWatch) {
			if s, err := v.exists(ctx, c, path); err != nil || s.stat == nil {
				return s, err
			}
		}
		return v.childrenW(c, path)
	})
}

func (v *view) childrenW(c *zk.Conn, path string) (s snapshot, err error) {
	var list []string
	if v.watch.arm(path, childWatch) {
		list, s.stat, _, err = c.ChildrenW(path)
		v.watch.failed(path, childWatch, err)
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
func (v *view) ask(ctx context.Context, path string, question func(*zk.Conn) (snapshot, error)) (snapshot, error) {
	v.fromServers.Add(1)
	for {
		t := v.cache.begin(path)
		s, err := question(v.conn.WithContext(ctx))
		switch {
		case err == nil:
			return v.complete(ctx, path, v.cache.fill(t, s))
		case errors.Is(err, zk.ErrNoNode):
			if v.watch.wants(path, dataWatch) { // only Exists watches what is missing
				v.cache.cancel(t)
				return snapshot{}, zk.ErrNoNode
			}
			return v.complete(ctx, path, v.cache.fill(t, snapshot{}))
		}
		v.cache.cancel(t)
		if !v.watch.again(ctx, err) {
			return snapshot{}, err
		}
	}
}

// complete adds to an answer what is shown beside it, or returns zk.ErrNoNode.
func (v *view) complete(ctx context.Context, path string, s snapshot) (snapshot, error) {
	if s.stat == nil {
		return s, zk.ErrNoNode
	}
	if v.perms == nil || s.hasPerms {
		return s, nil
	}
	return v.addPerms(ctx, path, s)
}

// forget is fresh for what may be another thing with the same Stat.
func (v *view) forget(path string) { v.cache.forget(path) }

// fresh makes the next question about path one to the servers.
func (v *view) fresh(path string) { v.cache.changed(path) }
