package cache

import (
	"iter"
	"maps"
	"slices"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// An Entry is a znode as the cache shows it. Neither Data nor Stat may be changed.
type Entry struct {
	Path string
	Data []byte
	Stat *zk.Stat
}

// Get returns the data and the Stat of the znode at path, both of one moment, without a request.
// Neither may be changed. Errors: zk.ErrNoNode, [ErrNotHeld], and zk.ErrNoAuth where the session
// may not read the root of the cache.
func (t *Cache) Get(path string) ([]byte, *zk.Stat, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	n := t.findLocked(path)
	if n == nil {
		return nil, nil, t.missingLocked(path)
	}
	return n.data, n.stat, nil
}

// Children returns the names of the children of path, sorted, without a request. Errors are those
// of Get; [ErrNotHeld] also says that the cache does not cover the children.
func (t *Cache) Children(path string) ([]string, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	n := t.findLocked(path)
	switch {
	case n == nil:
		return nil, t.missingLocked(path)
	case level(t.root, path, t.depth) == t.depth:
		return nil, ErrNotHeld
	}
	return slices.Sorted(maps.Keys(n.kids)), nil
}

// missingLocked returns why there is no node at path.
func (t *Cache) missingLocked(path string) error {
	select {
	case <-t.loaded:
	default:
		return ErrNotHeld
	}
	switch {
	case t.full || level(t.root, path, t.depth) < 0:
		return ErrNotHeld
	case t.denied:
		return zk.ErrNoAuth
	}
	return zk.ErrNoNode
}

// Walk goes through the znode at path and all below it, parents before their children and these in
// the order of their names, without a request. Each is shown as it is when its turn comes; those
// that come or go meanwhile may be shown or not.
func (t *Cache) Walk(path string) iter.Seq[Entry] {
	return func(yield func(Entry) bool) { t.walk(path, yield) }
}

func (t *Cache) walk(path string, yield func(Entry) bool) bool {
	t.mu.RLock()
	n := t.findLocked(path)
	if n == nil {
		t.mu.RUnlock()
		return true
	}
	e := Entry{path, n.data, n.stat}
	names := slices.Sorted(maps.Keys(n.kids))
	t.mu.RUnlock()
	if !yield(e) {
		return false
	}
	for _, name := range names {
		if !t.walk(znode.Join(path, name), yield) {
			return false
		}
	}
	return true
}
