package zktest

import (
	"fmt"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// WithVersion lets the server pass for a ZooKeeper of another version, like "3.4.14"; the default
// is "3.8.0". It knows the operations that a ZooKeeper of that version knows, answers Unimplemented
// to the others, and closes their connection. Before 3.8 events go to sessions that may not read
// the znode too. From 3.9 on events have zxids, watches of several modes on a path do not replace
// each other, and checkWatches looks whose watch it is; from 3.9.3 on exists needs READ.
func WithVersion(version string) Option {
	return func(o *options) { o.dialect = zooKeeper(version) }
}

// zooKeeper returns what a ZooKeeper of the version does. The versions 3.4.13, 3.8.0, 3.9.3 and
// 3.9.6 of Debian were at hand: testdata has what they answer. What changed between, and when, is
// as the issues that dialect names say.
func zooKeeper(version string) dialect {
	r := parseRelease(version)
	d := dialect{
		product: "Zookeeper", version: version + "-zktest, built on 2022-02-25 08:49 UTC",
		ops:      map[wire.Op]bool{},
		maxFrame: maxFrame,
		system:   map[string]string{"/zookeeper": "", "/zookeeper/config": "", "/zookeeper/quota": ""},
		maxFlags: flagTTLSequential,
		path:     validPath,
		acl:      aclRules{fix: fixACL, open: worldAll, masked: true, address: prefixed},
		reads:    map[wire.Op]bool{wire.OpGetData: true, wire.OpGetChildren: true},

		strangeMember: wire.CodeMarshallingError,
		words:         words,
		role:          "standalone", counters: counterLines,

		tellAll:         r.before(release{3, 8, 0}),
		eventZxids:      !r.before(release{3, 9, 0}),
		apart:           !r.before(release{3, 9, 0}),
		checksAll:       r.before(release{3, 9, 0}),
		create2AsCreate: r.before(release{3, 9, 0}),
		decodeFirst:     !r.before(release{3, 9, 0}),
		readable:        !r.before(release{3, 9, 3}),
	}
	for op, came := range since {
		if !r.before(came) {
			d.ops[op] = true
		}
	}
	if r.before(release{3, 6, 0}) {
		d.counters = wholeCounterLines
	}
	if r.before(release{3, 5, 0}) {
		delete(d.system, "/zookeeper/config")
		d.missingFirst = true
		d.path, d.acl.address, d.maxFlags = looselyValid, plain, flagEphemeralSeq
	}
	if !r.before(release{3, 9, 6}) {
		d.acl.address, d.rearmReads = either, true
	}
	return d
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
