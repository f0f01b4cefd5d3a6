package zktest

import (
	"fmt"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// WithVersion lets the server pass for one of another version, like "3.4.14"; the default is "3.8.0". It knows the
// operations that a ZooKeeper of that version knows, answers Unimplemented to the others, and closes their connection.
// From 3.9 on events have zxids, watches of several modes on a path do not replace each other, and checkWatches looks
// whose watch it is; from 3.9.3 on exists needs READ.
func WithVersion(version string) Option {
	return func(o *options) { o.version = version }
}

// What changed, and when. The versions between 3.8.0 and 3.9.3 were not looked at.
var (
	eventZxids      = release{3, 9, 0} // ZOOKEEPER-4655
	separateWatches = release{3, 9, 0} // ZOOKEEPER-4466
	create2InMulti  = release{3, 9, 0} // ZOOKEEPER-4026
	decodeFirst     = release{3, 9, 0} // a malformed write takes no zxid
	readableExists  = release{3, 9, 3} // ZOOKEEPER-2590
)

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
