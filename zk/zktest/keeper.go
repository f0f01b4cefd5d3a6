package zktest

import (
	"bytes"
	"math"
	"slices"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// The operations of each generation of ClickHouse Keeper (ZooKeeperConstants.h).
var (
	keeperOldest = []wire.Op{
		wire.OpCreate, wire.OpDelete, wire.OpExists, wire.OpGetData, wire.OpSetData,
		wire.OpGetACL, wire.OpSetACL, wire.OpGetChildren, wire.OpSync, wire.OpPing,
		wire.OpGetChildren2, wire.OpCheck, wire.OpMulti,
		wire.OpAuth, wire.OpCloseSession,
	}
	// multiRead is of #41410, the last three are of #83488.
	keeper258 = slices.Concat(keeperOldest, []wire.Op{wire.OpMultiRead, wire.OpReconfig,
		wire.OpFilteredList, wire.OpCheckNotExists, wire.OpCreateIfNotExists, wire.OpRemoveRecursive})
	// create2 is of #90741 (25.12), what is about watches of #88813, the last two are of #93886.
	keeper261 = slices.Concat(keeper258, []wire.Op{wire.OpCreate2, wire.OpCheckWatches,
		wire.OpRemoveWatches, wire.OpSetWatches, wire.OpSetWatches2, wire.OpAddWatch,
		wire.OpCheckStat, wire.OpTryRemove})
	// Lists with Stats and data are of #94826 (26.2), recursive ones of #102612 (26.4), TTL nodes
	// of #100397 (26.6), containers of #108908. Of these only containers have no feature flag.
	keeperLatest = slices.Concat(keeper261, []wire.Op{wire.OpFilteredListWithData, wire.OpListRecursive,
		wire.OpCreateTTL, wire.OpCreateContainer})
)

func opSet(ops []wire.Op) map[wire.Op]bool {
	set := map[wire.Op]bool{}
	for _, op := range ops {
		set[op] = true
	}
	return set
}

// clickHouse returns what a follower of ClickHouse Keeper does. It knows ops.
func clickHouse(version string, ops []wire.Op, change func(*dialect)) dialect {
	d := dialect{
		product: "ClickHouse Keeper", version: version + "-zktest",
		ops:     opSet(ops),
		unknown: hungUp,

		maxFrame:     1 << 28, // MAX_STRING_OR_ARRAY_SIZE; a request has no limit by default
		shortAnswer:  true,
		noResumption: true,
		noPasswords:  true,
		anyZxid:      true,
		plainIDs:     true,
		rejects:      true,
		rejectsTimed: true,
		pushesExpiry: true,
		mutedClose:   true,
		lenientAuth:  true,
		authZxid:     true,
		deafToReads:  true,
		everyZxid:    true,

		system:     keeperSystem(flagBytes(opSet(ops))),
		sealed:     "/keeper",
		noNull:     true,
		childSets:  true,
		stalePzxid: true,
		muteLength: true,
		maxFlags:   flagTTLSequential,
		flagBits:   true,
		path:       anyPath,
		acl:        aclRules{fix: keeperACL(worldDropped)},

		reads:       keeperReads,
		typedErrors: true,
		ownTypes:    true,
		fragile:     true,

		apart:        true,
		checksAll:    true,
		unmerged:     true,
		watchPath:    true,
		bareSequence: true,
		lateRearm:    true,
		rearmedChild: wire.EventNodeDataChanged,
		anyMode:      true,

		role: "follower", counters: wholeCounterLines,
		words: keeperWords,
	}
	if change != nil {
		change(&d)
	}
	return d
}

// keeperSystem are the znodes below /keeper. The version of the API is a constant.
func keeperSystem(flags []byte) map[string]string {
	return map[string]string{
		"/keeper":               "",
		"/keeper/api_version":   "2",
		"/keeper/config":        "server.1=127.0.0.1:9234;participant;1",
		"/keeper/feature_flags": string(flags),
	}
}

// A flag is a feature flag of ClickHouse Keeper, and an operation that it switches on.
type flag struct {
	name string
	op   wire.Op
}

// keeperFlags are the feature flags by their numbers (KeeperFeatureFlags.h).
var keeperFlags = []flag{
	0:  {"filtered_list", wire.OpFilteredList},
	1:  {"multi_read", wire.OpMultiRead},
	2:  {"check_not_exists", wire.OpCheckNotExists},
	3:  {"create_if_not_exists", wire.OpCreateIfNotExists},
	4:  {"remove_recursive", wire.OpRemoveRecursive},
	5:  {"multi_watches", wire.OpFilteredListWithData}, // no operation of its own; on where that is
	6:  {"check_stat", wire.OpCheckStat},
	7:  {"persistent_watches", wire.OpAddWatch},
	8:  {"create_with_stats", wire.OpCreate2},
	9:  {"try_remove", wire.OpTryRemove},
	10: {"list_with_stat_and_data", wire.OpFilteredListWithData},
	11: {"get_children_recursive", wire.OpListRecursive},
	12: {"create_ttl", wire.OpCreateTTL},
}

// flagBytes returns /keeper/feature_flags of a server that knows ops: flag n is bit 7-(n%8) of byte
// n/8. An older server has fewer bytes.
func flagBytes(ops map[wire.Op]bool) []byte {
	b := make([]byte, (len(keeperFlags)+7)/8)
	for n, f := range keeperFlags {
		if ops[f.op] {
			b[n/8] |= 1 << (7 - n%8)
		}
	}
	return bytes.TrimRight(b, "\x00")
}

// keeperReads may stand in a multiRead.
var keeperReads = opSet([]wire.Op{
	wire.OpExists, wire.OpGetData, wire.OpGetChildren, wire.OpGetChildren2, wire.OpFilteredList,
})

func earlyAddWatch(d *dialect) { d.mutedAddWatch = true }

func latestClickHouse(d *dialect) {
	d.flagBits, d.readsWatch = false, true
	d.fragile = false                              // #119847
	d.muteLength = false                           // #108909
	d.acl.fix = keeperACL(openDropped)             // #120265
	d.ownerMark, d.barrenTTL = math.MinInt64, true // #108908, #100397
}

// raftKeeper returns what RaftKeeper does as it is compiled by default, with ZooKeeper's multiRead.
func raftKeeper(version string, change func(*dialect)) dialect {
	ops := opSet(keeperOldest)
	for _, op := range []wire.Op{wire.OpMultiRead, wire.OpSetWatches, wire.OpFilteredList} {
		ops[op] = true
	}
	d := dialect{
		product: "RaftKeeper", version: version,
		ops:     ops,
		unknown: swallowed,

		maxFrame:    1 << 28,
		shortAnswer: true,
		noPasswords: true,
		plainIDs:    true,
		rejects:     true,
		mutedClose:  true,
		lenientAuth: true,
		authZxid:    true,

		system:   map[string]string{},
		noNull:   true,
		maxFlags: flagEphemeralSeq,
		flagBits: true,
		path:     anyPath,
		acl:      aclRules{fix: keeperACL(worldKept)},

		reads:       keeperReads,
		rightsFirst: true,

		unmerged:     true,
		bareSequence: true,
		deafChildren: true,
		lostRearm:    true,

		role: "leader", counters: raftCounterLines,
		words: raftWords,
	}
	if change != nil {
		change(&d)
	}
	return d
}

// latestRaftKeeper is as of 2026-09. It publishes flags of ClickHouse Keeper (#398), among them
// those of addWatch and create2, which it does not have.
func latestRaftKeeper(d *dialect) {
	d.unknown, d.strangeMember = declined, wire.CodeBadArguments // #400
	d.lostRearm, d.deafChildren, d.flagBits = false, false, false
	for _, op := range []wire.Op{ // #390 and #398
		wire.OpCheckNotExists, wire.OpCreateIfNotExists, wire.OpRemoveRecursive, wire.OpCheckStat,
		wire.OpTryRemove, wire.OpFilteredListWithData, wire.OpListRecursive,
	} {
		d.ops[op] = true
	}
	d.sealed = "/keeper"
	d.system = map[string]string{
		"/keeper":               "",
		"/keeper/api_version":   "2",
		"/keeper/feature_flags": "\xff\x80",
	}
}
