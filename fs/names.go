package fs

import "slices"

// names are the children of a znode. They are never changed: adding one makes other names, which share most of their memory with
// the old ones, so that many can be added one by one.
type names struct {
	list  []string // sorted
	added []string // sorted, few, and not in list
	pzxid int64    // of the version that they are of
	size  int      // bytes, roughly
}

// fewAdded is how many names are added before all are in one list again.
const fewAdded = 128

// newNames returns the names in a list, which is sorted.
func newNames(list []string, pzxid int64) *names {
	n := &names{list: list, pzxid: pzxid}
	for _, name := range list {
		n.size += nameBytes(name)
	}
	return n
}

func nameBytes(name string) int { return 16 + len(name) }

func (n *names) has(name string) bool {
	_, old := slices.BinarySearch(n.list, name)
	_, added := slices.BinarySearch(n.added, name)
	return old || added
}

func (n *names) len() int { return len(n.list) + len(n.added) }

// all returns the names, sorted. The slice must not be changed.
func (n *names) all() []string {
	if len(n.added) == 0 {
		return n.list
	}
	all := make([]string, 0, n.len())
	rest := n.list
	for _, name := range n.added {
		at, _ := slices.BinarySearch(rest, name)
		all = append(append(all, rest[:at]...), name)
		rest = rest[at:]
	}
	return append(all, rest...)
}

// with returns the names and one that is not among them.
func (n *names) with(name string, pzxid int64) *names {
	at, _ := slices.BinarySearch(n.added, name)
	more := &names{n.list, slices.Insert(slices.Clip(n.added), at, name), pzxid, n.size + nameBytes(name)}
	if len(more.added) > fewAdded {
		more.list, more.added = more.all(), nil
	}
	return more
}
