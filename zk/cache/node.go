package cache

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// nodeCost is what a znode takes besides its name and its data.
const nodeCost = 300

// noList is the listed of a node whose children are to be listed whatever its Stat says.
const noList = -1

// node is a znode that is held. What it holds is guarded by Cache.mu; stat and data are replaced,
// never changed.
type node struct {
	name   string
	parent *node
	kids   map[string]*node
	stat   *zk.Stat
	data   []byte
	listed int64 // the Pzxid up to which kids are complete
}

func (n *node) cost() int64 { return nodeCost + int64(len(n.name)+len(n.data)) }

// unchanged reports whether the Stat is that of the data which n holds.
func (n *node) unchanged(stat *zk.Stat) bool {
	return n.stat.Czxid == stat.Czxid && n.stat.Mzxid == stat.Mzxid
}

// findLocked returns the node at path, nil if there is none.
func (t *Cache) findLocked(path string) *node {
	below, ok := relative(t.root, path)
	n := t.top
	if !ok {
		return nil
	}
	for below != "" && n != nil {
		var name string
		name, below, _ = strings.Cut(below, "/")
		n = n.kids[name]
	}
	return n
}

// putLocked makes the node at path hold what was read. It returns nil if there is no room for it,
// or no parent to hold it.
func (t *Cache) putLocked(path string, data []byte, stat *zk.Stat) *node {
	n := t.findLocked(path)
	if n != nil && n.stat.Czxid != stat.Czxid {
		t.removeLocked(n, path) // another znode of that name
		n = nil
	}
	if n == nil {
		return t.addLocked(path, data, stat)
	}
	if n.unchanged(stat) {
		n.stat = stat
		return n
	}
	before := n.cost()
	t.noteLocked(path, n.stat, false)
	n.stat, n.data = stat, bytes.Clone(data) // the reply is larger than the part of it
	if t.size += n.cost() - before; t.size > t.limit {
		t.leaveOutLocked(n.parent)
		t.removeLocked(n, path)
		return nil
	}
	if n.cost() < before {
		t.roomLocked()
	}
	return n
}

func (t *Cache) addLocked(path string, data []byte, stat *zk.Stat) *node {
	n := &node{stat: stat, data: bytes.Clone(data), listed: noList}
	if path != t.root {
		parent, name := znode.Split(path)
		if n.parent = t.findLocked(parent); n.parent == nil {
			return nil
		}
		n.name = strings.Clone(name)
	}
	if t.size+n.cost() > t.limit {
		t.leaveOutLocked(n.parent)
		return nil
	}
	t.size += n.cost()
	if n.parent == nil {
		t.top = n
		t.full = false // all that is below is new
	} else {
		if n.parent.kids == nil {
			n.parent.kids = map[string]*node{}
		}
		n.parent.kids[n.name] = n
	}
	t.noteLocked(path, nil, false)
	return n
}

// leaveOutLocked notes that a child of parent does not fit, so that parent is listed again when
// there is room.
func (t *Cache) leaveOutLocked(parent *node) {
	if t.full = true; parent != nil {
		parent.listed = noList
	}
}

// removeLocked removes the node at path and all below it, children first.
func (t *Cache) removeLocked(n *node, path string) {
	for _, name := range slices.Collect(maps.Keys(n.kids)) {
		t.removeLocked(n.kids[name], znode.Join(path, name))
	}
	t.noteLocked(path, n.stat, true)
	t.size -= n.cost()
	if n.parent == nil {
		t.top = nil
	} else {
		delete(n.parent.kids, n.name)
	}
	if _, ok := t.once[path]; ok {
		t.dropped = append(t.dropped, path)
	}
}

// goneLocked removes what is no longer there.
func (t *Cache) goneLocked(path string) {
	n := t.findLocked(path)
	if n == nil {
		return
	}
	t.removeLocked(n, path)
	t.roomLocked()
}

// roomLocked lets what was left out be tried again if there is room for it.
func (t *Cache) roomLocked() {
	if t.full && t.size < t.limit/8*7 {
		t.full = false
		t.hints.everything()
	}
}
