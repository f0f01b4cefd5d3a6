package zktest

import (
	"fmt"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// WithVersion lets the server pass for one of another version: it knows the operations that a ZooKeeper of that
// version knows, answers Unimplemented to the others, and closes their connection. version is like "3.4.14"; the
// default is "3.8.0". Nothing else about the server changes.
func WithVersion(version string) Option {
	return func(o *options) { o.version = version }
}

// A release orders versions.
type release struct{ major, minor, patch int }

func parseRelease(version string) (r release) {
	fmt.Sscanf(version, "%d.%d.%d", &r.major, &r.minor, &r.patch)
	return r
}

func (r release) before(o release) bool {
	if r.major != o.major {
		return r.major < o.major
	}
	return r.minor < o.minor || r.minor == o.minor && r.patch < o.patch
}

// since are the operations that clients may ask for, and when they came. The zero release is before 3.4.
var since = map[wire.Op]release{
	wire.OpCreate: {}, wire.OpDelete: {}, wire.OpExists: {}, wire.OpGetData: {}, wire.OpSetData: {},
	wire.OpGetACL: {}, wire.OpSetACL: {}, wire.OpGetChildren: {}, wire.OpSync: {}, wire.OpPing: {},
	wire.OpGetChildren2: {}, wire.OpMulti: {}, wire.OpCloseSession: {},
	wire.OpAuth: {}, wire.OpSetWatches: {},
	wire.OpCreate2: {3, 5, 0}, wire.OpReconfig: {3, 5, 0}, wire.OpCheckWatches: {3, 5, 0}, wire.OpRemoveWatches: {3, 5, 0},
	wire.OpCreateContainer: {3, 5, 5}, wire.OpCreateTTL: {3, 5, 5},
	wire.OpMultiRead: {3, 6, 0}, wire.OpGetEphemerals: {3, 6, 0}, wire.OpGetAllChildrenNumber: {3, 6, 0},
	wire.OpSetWatches2: {3, 6, 0}, wire.OpAddWatch: {3, 6, 0},
	wire.OpWhoAmI: {3, 7, 0},
}

// knows reports whether the server has the operation.
func (s *Server) knows(op wire.Op) bool {
	came, ok := since[op]
	return ok && !s.release.before(came)
}
