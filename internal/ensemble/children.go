package ensemble

import (
	"slices"

	"github.com/zkfs/zkfs/zk"
)

// Children are the names of the children of a znode. They are never changed: adding one makes other
// names, which share most of their memory with the old ones, so that many can be added one by one.
type Children struct {
	list  []string // sorted
	added []string // sorted, few, and not in list
	of    childrenVersion
	size  int // bytes, roughly
}

// childrenVersion is that of the list of children of a znode. A delete raises cversion everywhere,
// and leaves pzxid alone at a ClickHouse Keeper (ClickHouse#115457).
type childrenVersion struct {
	pzxid    int64
	cversion int32
}

func childrenVersionOf(st *zk.Stat) childrenVersion { return childrenVersion{st.Pzxid, st.Cversion} }

// fewAdded is how many names are added before all are in one list again.
const fewAdded = 128

// newChildren returns the names in a list, which is sorted and came with that Stat.
func newChildren(list []string, st *zk.Stat) *Children {
	n := &Children{list: list, of: childrenVersionOf(st)}
	for _, name := range list {
		n.size += nameBytes(name)
	}
	return n
}

func nameBytes(name string) int { return 16 + len(name) }

// Has reports whether a child has that name.
func (n *Children) Has(name string) bool {
	_, old := slices.BinarySearch(n.list, name)
	_, added := slices.BinarySearch(n.added, name)
	return old || added
}

// Len returns how many there are.
func (n *Children) Len() int { return len(n.list) + len(n.added) }

// All returns the names, sorted. The slice must not be changed.
func (n *Children) All() []string {
	if len(n.added) == 0 {
		return n.list
	}
	all := make([]string, 0, n.Len())
	rest := n.list
	for _, name := range n.added {
		at, _ := slices.BinarySearch(rest, name)
		all = append(append(all, rest[:at]...), name)
		rest = rest[at:]
	}
	return append(all, rest...)
}

// with returns the names and one that is not among them, as children of the version of that Stat.
func (n *Children) with(name string, st *zk.Stat) *Children {
	at, _ := slices.BinarySearch(n.added, name)
	added := slices.Insert(slices.Clip(n.added), at, name)
	more := &Children{n.list, added, childrenVersionOf(st), n.size + nameBytes(name)}
	if len(more.added) > fewAdded {
		more.list, more.added = more.All(), nil
	}
	return more
}
