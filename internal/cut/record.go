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
	ACL  []zk.ACL // nil if the session was not allowed to read it

	// Sequence is the number of the next sequential child, or [Unknown]. A ClickHouse Keeper shows
	// it nowhere.
	Sequence int32
}

// Unknown is the Sequence that a Stat does not tell.
const Unknown = -1

// Sequence returns how many children a znode has had, which is the number that its next sequential
// child gets. It is [Unknown] once an int has wrapped. A cversion of -1 is that of a root: the
// server has made its first child itself.
func Sequence(s *zk.Stat) int32 {
	sum := int64(s.Cversion) + int64(s.NumChildren)
	if sum < 0 || sum%2 != 0 {
		return Unknown
	}
	return int32(sum / 2)
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
