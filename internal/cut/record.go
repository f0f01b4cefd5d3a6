package cut

import (
	"strings"

	"github.com/zkfs/zkfs/zk"
)

// A Record is a znode of a tree.
type Record struct {
	Path string // from the root of the tree, which is "/"
	Data []byte // nil if the server says null
	Stat zk.Stat
	ACL  []zk.ACL
}

// Sequence returns how many children the znode has had, which is the number that its next
// sequential child gets. ok reports whether the Stat tells: it does not once an int has wrapped,
// and not on servers that count otherwise.
func (r *Record) Sequence() (n int32, ok bool) {
	sum := int64(r.Stat.Cversion) + int64(r.Stat.NumChildren)
	if r.Stat.Cversion < 0 || sum%2 != 0 {
		return 0, false
	}
	return int32(sum / 2), true
}

// Before reports whether a comes before b in the order of a tree: each znode directly before those
// below it, siblings by name.
func Before(a, b string) bool { return Compare(a, b) < 0 }

// Compare is [Before] for sorting.
func Compare(a, b string) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		switch {
		case a[i] == b[i]:
		case a[i] == '/':
			return -1
		case b[i] == '/':
			return 1
		case a[i] < b[i]:
			return -1
		default:
			return 1
		}
	}
	return len(a) - len(b)
}

// Below reports whether path is below the znode at top.
func Below(top, path string) bool {
	if top == "/" {
		return path != "/"
	}
	return len(path) > len(top) && path[len(top)] == '/' && strings.HasPrefix(path, top)
}
