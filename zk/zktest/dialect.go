package zktest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// WithServer lets the server play another server of the protocol, by one of the names that Servers
// returns. The default is "3.8". A ZooKeeper is what Debian's server of that version is; the others
// were never at hand and are written from their sources, which dialect.go names:
//
//   - "3.4" to "3.9" are ZooKeeper, as WithVersion with the last patch of each;
//   - "clickhouse-25.8", "clickhouse-26.1" and "clickhouse-26.3" are followers of ClickHouse Keeper
//     with its default feature flags, "clickhouse-latest" one of 2026-09 with every flag on;
//   - "raftkeeper" is RaftKeeper 2.1, "raftkeeper-latest" that of 2026-09.
//
// It panics on any other name.
func WithServer(name string) Option {
	d, ok := dialects[name]
	if !ok {
		panic(fmt.Sprintf("zktest: no server %q, only %s", name, strings.Join(Servers(), ", ")))
	}
	return func(o *options) { o.dialect = d }
}

// Servers returns the names that WithServer knows, sorted.
func Servers() []string { return slices.Sorted(maps.Keys(dialects)) }

// dialects are all servers. A name stands nowhere else: the server consults the fields.
var dialects = map[string]dialect{
	"3.4": zooKeeper("3.4.14"),
	"3.5": zooKeeper("3.5.10"),
	"3.6": zooKeeper("3.6.4"),
	"3.7": zooKeeper("3.7.2"),
	"3.8": zooKeeper("3.8.0"),
	"3.9": zooKeeper("3.9.6"),

	"clickhouse-25.8":   clickHouse("v25.8.1.1", keeper258, nil),
	"clickhouse-26.1":   clickHouse("v26.1.1.1", keeper261, earlyAddWatch),
	"clickhouse-26.3":   clickHouse("v26.3.9.8", keeper261, nil),
	"clickhouse-latest": clickHouse("v26.8.1.1", keeperLatest, latestClickHouse),

	"raftkeeper":        raftKeeper("v2.1.4", nil),
	"raftkeeper-latest": raftKeeper("v2.2.0", latestRaftKeeper),
}

// A dialect is what tells one server of the protocol from another. The zero value of each field is
// what ZooKeeper 3.8 does. Behind a field stands its source: a function of ClickHouse (mid 2026, in
// src/Coordination, src/Server and src/Common/ZooKeeper) or of RaftKeeper (src/Service), or an
// issue or pull request of either.
type dialect struct {
	product string // as srvr calls it
	version string // as srvr prints it

	ops     map[wire.Op]bool // that a client may send
	unknown unknownOp        // what becomes of another one

	// The connection.

	maxFrame     int  // the largest request
	shortAnswer  bool // no answer to a handshake has the byte readOnly: sendHandshake
	noResumption bool // a client that resumes gets a new session: receiveHandshake, #116690
	noPasswords  bool // passwords are 16 zero bytes, and not looked at: sendHandshake
	anyZxid      bool // a client may have seen a later zxid than the server: receiveHandshake
	plainIDs     bool // session ids count from 1: getSessionID
	rejects      bool // where there is no session to be had, protocolVersion is 42: sendHandshake
	rejectsTimed bool // without a quorum that answer has the usual timeout, not -1
	pushesExpiry bool // SessionExpired, with xid 0, comes before a connection is given up: runImpl
	mutedClose   bool // closeSession ends the connection without a reply: runImpl
	lenientAuth  bool // refused credentials leave the connection open; digests need one colon
	deafToReads  bool // reads do not prolong a session, as on a follower: #111102
	authZxid     bool // the reply to auth has the last zxid, not 0: processRequest
	everyZxid    bool // ping, sync and auth each take a zxid, a new session takes none

	// Znodes.

	system       map[string]string // the server's own znodes with their data
	sealed       string            // the root of those that no client may change
	noNull       bool              // null data is kept as empty: readImpl
	childSets    bool              // cversion counts the setData of children too: #115457
	stalePzxid   bool              // a delete leaves the parent's pzxid alone: #115457
	ownerMark    int64             // ephemeralOwner of containers in Stats: #108908
	muteLength   bool              // dataLength is 0 in the Stat that create2 returns: #108909
	barrenTTL    bool              // TTL nodes have no children: #100397
	maxFlags     int32             // the highest flags of a create
	flagBits     bool              // flags count as two bits: ZooKeeperCreateRequest::readImpl
	path         func(string) bool // whether a znode can have the path
	acl          aclRules
	missingFirst bool // a delete of what is missing is NoNode without the right too (recorded)
	readable     bool // exists needs READ: ZOOKEEPER-2590
	decodeFirst  bool // a malformed write takes no zxid (recorded)

	// Several operations in one.

	reads           map[wire.Op]bool // what may stand in a multiRead
	readsWatch      bool             // a multiRead sets watches: #84964
	strangeMember   wire.Code        // the answer to an operation that may not stand there
	typedErrors     bool             // a failed member has its type and no body: #58747
	create2AsCreate bool             // create2 in a multi is answered as create: ZOOKEEPER-4026
	ownTypes        bool             // containers and TTL nodes are answered by 19 and 21
	fragile         bool             // a multi of nothing kills the server: #119847
	rightsFirst     bool             // a multi without all rights fails whole: checkAuth

	// Watches.

	eventZxids    bool           // the header of an event has the zxid: ZOOKEEPER-4655
	apart         bool           // a path may have watches of several modes: ZOOKEEPER-4466
	checksAll     bool           // checkWatches looks at all sessions: containsWatch
	tellAll       bool           // events go to sessions that may not read the znode too
	unmerged      bool           // an event comes for each watch, not each connection
	watchPath     bool           // recursive events carry the watch's path: #115475
	bareSequence  bool           // a sequential create fires on the path without its number
	deafChildren  bool           // a delete alone does not fire a child watch: processRequest
	rearmReads    bool           // what setWatches tells needs READ (recorded)
	lateRearm     bool           // events of setWatches follow its reply, exist watches last
	rearmedChild  wire.EventType // of an outdated child watch, 0 for childrenChanged: setWatches
	lostRearm     bool           // an outdated child watch is armed in silence: RaftKeeper#399
	mutedAddWatch bool           // addWatch is answered without a body: #98499
	anyMode       bool           // addWatch takes any mode: addPersistentWatch

	// Four-letter words.

	role     string          // Mode in srvr
	counters string          // the lines behind the version, a format of Server.counters
	words    map[string]word // the words that are answered
}

// unknownOp is what becomes of an operation that the server does not have.
type unknownOp int

const (
	refused   unknownOp = iota // Unimplemented, then the connection is closed
	hungUp                     // the connection is closed (KeeperTCPHandler::receiveRequest, #48141)
	swallowed                  // nothing (ConnectionHandler::onSocketReadable, RaftKeeper#399)
	declined                   // Unimplemented (RaftKeeper#400)
)
