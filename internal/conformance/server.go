package conformance

import "slices"

// A Trait is something that a client meets on one server of the protocol and not on ZooKeeper 3.8.
type Trait uint64

// What a server lacks.
const (
	NoCreate2 Trait = 1 << iota
	NoContainers
	NoTTL
	NoMultiRead
	NoSetWatches
	NoAddWatch
	NoRemoveWatches // and no checkWatches
	NoCounts        // getEphemerals, getAllChildrenNumber
	NoWhoAmI
	NoAnswer     // to an operation that it lacks: the connection is closed, or nothing happens
	NoResumption // of a session on another connection
	NoConfig     // /zookeeper/config

	// What it has otherwise.

	ChildStats     // it has lists with the Stats of children
	OtherZnodes    // of its own than /zookeeper
	NullIsEmpty    // null data is read as empty
	MuteLength     // the Stat that a create returns says that there is no data
	ChildSets      // cversion counts the setData of children
	StalePzxid     // a delete leaves the parent's pzxid alone
	BarrenTTL      // a TTL node has no children
	LooseACL       // an empty list is open, entries of schemes that it lacks are dropped
	OpenWorld      // entries of scheme world are dropped
	BareDigests    // digests are shown to all sessions that may read the list
	PlainAddresses // scheme ip has whole addresses alone
	NoPasswords    // a session's id is enough to go on with it
	FreeSessions   // a new session takes no zxid
	FragileMulti   // a multi of nothing kills it
	RightsFirst    // a multi without all rights fails as a whole
	TellsAll       // events go to sessions that may not read the znode
	Unmerged       // an event comes for each watch
	WatchPath      // events of recursive watches carry the path of the watch
	DeafChildren   // a delete alone does not fire a child watch
	UnsureRearm    // setWatches may not tell of children that came or went: RaftKeeper#399
	EventZxids     // an event has the zxid of its change: ZOOKEEPER-4655
)

// A Server is a server of the protocol.
type Server struct {
	Name   string // a name of zktest.WithServer
	Real   bool   // the integration tests start one
	Traits Trait
}

// String returns the name, and whether there is nothing but an imitation.
func (s Server) String() string {
	if s.Real {
		return s.Name
	}
	return s.Name + " (imitation)"
}

const (
	keeper = NoCounts | NoWhoAmI | NoAnswer | NoResumption | OtherZnodes | NullIsEmpty |
		ChildSets | StalePzxid | LooseACL | BareDigests | FreeSessions | TellsAll | Unmerged
	keeper26   = NoContainers | NoTTL | OpenWorld | FragileMulti | WatchPath | MuteLength
	raftKeeper = NoCreate2 | NoContainers | NoTTL | NoAddWatch | NoRemoveWatches | NoCounts |
		NoWhoAmI | OtherZnodes | NullIsEmpty | LooseACL | BareDigests | NoPasswords | RightsFirst |
		TellsAll | Unmerged | UnsureRearm
)

// Servers are all servers that rows state something of.
var Servers = []Server{
	{"3.4", true, NoCreate2 | NoContainers | NoTTL | NoMultiRead | NoAddWatch | NoRemoveWatches |
		NoCounts | NoWhoAmI | NoConfig | PlainAddresses | TellsAll},
	{"3.5", false, NoMultiRead | NoAddWatch | NoCounts | NoWhoAmI | TellsAll},
	{"3.6", false, NoWhoAmI | TellsAll},
	{"3.7", false, TellsAll},
	{"3.8", true, 0},
	{"3.9", true, EventZxids},
	{"clickhouse-25.8", false, keeper | NoCreate2 | NoContainers | NoTTL | NoSetWatches | NoAddWatch |
		NoRemoveWatches | OpenWorld | FragileMulti},
	{"clickhouse-26.1", false, keeper | keeper26},
	{"clickhouse-26.3", false, keeper | keeper26},
	{"clickhouse-latest", false, keeper | ChildStats | WatchPath | BarrenTTL},
	{"raftkeeper", false, raftKeeper | NoAnswer | DeafChildren},
	{"raftkeeper-latest", false, raftKeeper | ChildStats},
}

// ServerOf returns the server of the name. It panics if there is none.
func ServerOf(name string) Server {
	i := slices.IndexFunc(Servers, func(s Server) bool { return s.Name == name })
	if i < 0 {
		panic("conformance: no server " + name)
	}
	return Servers[i]
}

// has reports whether the server under test has one of the traits.
func (e *env) has(t Trait) bool { return e.target.Server.Traits&t != 0 }
