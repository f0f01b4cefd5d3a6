package ensemble

import "slices"

// Children are the names of the children of a znode. They are never changed: adding one makes other
// names, which share most of their memory with the old ones, so that many can be added one by one.
type Children struct {
	list  []string // sorted
	added []string // sorted, few, and not in list
	pzxid int64    // of the version that they are of
	size  int      // bytes, roughly
}

// fewAdded is how many names are added before all are in one list again.
const fewAdded = 128

// newChildren returns the names in a list, which is sorted.
func newChildren(list []string, pzxid int64) *Children {
	n := &Children{list: list, pzxid: pzxid}
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

// with returns the names and one that is not among them.
func (n *Children) with(name string, pzxid int64) *Children {
	at, _ := slices.BinarySearch(n.added, name)
	more := &Children{n.list, slices.Insert(slices.Clip(n.added), at, name), pzxid, n.size + nameBytes(name)}
	if len(more.added) > fewAdded {
		more.list, more.added = more.All(), nil
	}
	return more
}
