package cut

import (
	"slices"
	"strings"

	"github.com/zkfs/zkfs/zk/znode"
)

// gone is the offset of a znode that is not in the cut.
const gone = -1

// A node is a znode that was listed. The children of one stand side by side, sorted by name.
type node struct {
	name     string
	at       int64 // in the spool
	parent   uint32
	children uint32 // the first of them
	count    uint32
}

// A tree is what was found by listing, level by level.
type tree []node

// path returns that of a node, below root.
func (t tree) path(i uint32, root string) string {
	if i == 0 {
		return root
	}
	size := 0
	for at := i; at != 0; at = t[at].parent {
		size += len(t[at].name) + 1
	}
	b := make([]byte, size)
	for at := i; at != 0; at = t[at].parent {
		name := t[at].name
		copy(b[size-len(name):], name)
		size -= len(name) + 1
		b[size] = '/'
	}
	if root == "/" {
		return string(b)
	}
	return root + string(b)
}

// grow appends the children of a node.
func (t *tree) grow(parent uint32, names []string) {
	slices.Sort(names)
	*t = slices.Grow(*t, len(names))
	(*t)[parent].children, (*t)[parent].count = uint32(len(*t)), uint32(len(names))
	for _, name := range names {
		*t = append(*t, node{name: strings.Clone(name), at: gone, parent: parent})
	}
}

// walk calls f with the path below "/" and the offset of each node below i that is there, in the
// order of [Compare].
func (t tree) walk(i uint32, path string, f func(path string, at int64) bool) bool {
	if t[i].at != gone && !f(path, t[i].at) {
		return false
	}
	for k := t[i].children; k < t[i].children+t[i].count; k++ {
		if !t.walk(k, znode.Join(path, t[k].name), f) {
			return false
		}
	}
	return true
}
