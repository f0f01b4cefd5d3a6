package zk

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// Feature is something that some servers of the protocol have and others lack.
type Feature uint8

const (
	FeatureCreate2              Feature = iota // creates answer with the Stat: [Conn.CreateStat]
	FeatureCreateContainer                     // [Conn.CreateContainer], and such creates in a multi
	FeatureCreateTTL                           // [Conn.CreateTTL], and such creates in a multi
	FeatureMultiRead                           // [Conn.MultiRead], and Gets that travel together
	FeatureAddWatch                            // [Conn.AddWatch], and setting such watches again
	FeatureRemoveWatches                       // the server forgets watches before they fire
	FeatureCheckWatches                        // [Conn.CheckWatches]
	FeatureWhoAmI                              // [Conn.WhoAmI]
	FeatureGetEphemerals                       // [Conn.Ephemerals]
	FeatureGetAllChildrenNumber                // [Conn.AllChildrenNumber]
	FeatureReconfig                            // [Conn.Reconfig] and [Conn.IncrementalReconfig]
	FeatureChildStats                          // [Conn.ChildStats], unknown of ZooKeepers
	FeatureRecursivePaths                      // events of recursive watches carry the path of the change
	FeaturePzxid                               // the deletion of a child raises Stat.Pzxid
	FeatureResume                              // a session survives its connection

	featureCount
)

var featureNames = [featureCount]string{
	FeatureCreate2:              "create2",
	FeatureCreateContainer:      "createContainer",
	FeatureCreateTTL:            "createTTL",
	FeatureMultiRead:            "multiRead",
	FeatureAddWatch:             "addWatch",
	FeatureRemoveWatches:        "removeWatches",
	FeatureCheckWatches:         "checkWatches",
	FeatureWhoAmI:               "whoAmI",
	FeatureGetEphemerals:        "getEphemerals",
	FeatureGetAllChildrenNumber: "getAllChildrenNumber",
	FeatureReconfig:             "reconfig",
	FeatureChildStats:           "childStats",
	FeatureRecursivePaths:       "recursivePaths",
	FeaturePzxid:                "pzxid",
	FeatureResume:               "resume",
}

// String returns ZooKeeper's name of the operation, or a name of the like for what is no operation.
func (f Feature) String() string {
	if f < featureCount {
		return featureNames[f]
	}
	return strconv.Itoa(int(f))
}

// MarshalText returns the name, so that Features print well as JSON.
func (f Feature) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// Support says what is known of a feature.
type Support uint8

const (
	SupportUnknown Support = iota // no call has needed it, or no server could be asked
	Supported
	Lacking
)

// String returns "unknown", "supported" or "lacking".
func (s Support) String() string {
	switch s {
	case Supported:
		return "supported"
	case Lacking:
		return "lacking"
	}
	return "unknown"
}

// MarshalText returns the string.
func (s Support) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Features has the Support of every feature.
type Features map[Feature]Support

// With returns the features of that support, in the order of their constants.
func (f Features) With(s Support) (list []Feature) {
	for _, feature := range slices.Sorted(maps.Keys(f)) {
		if f[feature] == s {
			list = append(list, feature)
		}
	}
	return list
}

// Features returns what is known of the server of this connection: what it has, and what it lacks.
//
// Servers of the protocol differ: ZooKeeper by its version, ClickHouse Keeper and RaftKeeper by
// what they have not taken over. Some answer an operation that they do not know, others close the
// connection, which costs a session of ClickHouse Keeper its ephemeral znodes, or say nothing. So
// nothing is believed of a version, and nothing is tried on the connection of the session. The
// first call that needs a feature waits until a connection of its own, with a session of its own,
// has asked for it in a form that changes nothing. An answer decides. A server lacks a feature if
// two such connections were closed over it, or left without an answer, each just after a read was
// answered, while the connection of the session lived on. It is not asked again. A ClickHouse
// Keeper is first asked what it says of itself, in /keeper/feature_flags.
//
// Calls work without the feature where they can: CreateStat creates and asks for the Stat,
// MultiRead and Gets go one by one, RemoveWatches and Stop leave the watch to fire into nothing.
// The others return [ErrUnimplemented], and nothing is sent. No call fails because a server was
// asked. A ZooKeeper that accepts no such connection, or leaves it in silence for three seconds, is
// asked by the call itself: from 3.5 on it answers, and keeps the session. Where another server
// accepts none, calls that can do without the feature do so, and others return [ErrUnproven]. The
// server is asked again ten seconds later, and each time after twice as long, up to 43 minutes.
//
// What is known of a ZooKeeper holds for the ensemble: a reconnect to any member keeps it. An
// ensemble of several versions is taken for the one that was asked. What is known of another
// server, which is told by the empty password that it gives to sessions, holds for its address:
// such a server does not answer what it does not know. There a feature is asked for again after the
// connection was lost twice in a row over a call that used it.
func (c *Conn) Features() Features {
	known := knowledge(c.features.now.Load())
	list := make(Features, featureCount)
	for f := range featureCount {
		list[f] = known.support(f)
	}
	return list
}

// featureOf returns the feature that a server needs for op; ok is false for what all servers have.
func featureOf(op wire.Op) (f Feature, ok bool) {
	switch op {
	case wire.OpCreate2:
		return FeatureCreate2, true
	case wire.OpCreateContainer:
		return FeatureCreateContainer, true
	case wire.OpCreateTTL:
		return FeatureCreateTTL, true
	case wire.OpMultiRead:
		return FeatureMultiRead, true
	case wire.OpAddWatch, wire.OpSetWatches2:
		return FeatureAddWatch, true
	case wire.OpRemoveWatches:
		return FeatureRemoveWatches, true
	case wire.OpCheckWatches:
		return FeatureCheckWatches, true
	case wire.OpWhoAmI:
		return FeatureWhoAmI, true
	case wire.OpGetEphemerals:
		return FeatureGetEphemerals, true
	case wire.OpGetAllChildrenNumber:
		return FeatureGetAllChildrenNumber, true
	case wire.OpReconfig:
		return FeatureReconfig, true
	case wire.OpFilteredListWithData:
		return FeatureChildStats, true
	}
	return 0, false
}

// serverKind says of which servers the same is known.
type serverKind struct {
	zooKeeper bool   // its sessions have passwords
	server    string // the address of one that is no ZooKeeper
}

// kindOf tells the kind of a server from its answer to the handshake.
func kindOf(server string, response *wire.ConnectResponse) serverKind {
	if bytes.ContainsFunc(response.Passwd, func(r rune) bool { return r != 0 }) {
		return serverKind{zooKeeper: true}
	}
	return serverKind{server: server}
}

// knowledge has a bit for each feature that a server has, and 32 places higher one for each that it
// lacks.
type knowledge uint64

// bornWith is what is known of a ZooKeeper before it is asked.
const bornWith = knowledge(1)<<FeatureRecursivePaths | 1<<FeaturePzxid | 1<<FeatureResume

func (k knowledge) support(f Feature) Support {
	switch {
	case k>>f&1 != 0:
		return Supported
	case k>>(32+f)&1 != 0:
		return Lacking
	}
	return SupportUnknown
}

func (k knowledge) with(f Feature, s Support) knowledge {
	k &^= 1<<f | 1<<(32+f)
	switch s {
	case Supported:
		k |= 1 << f
	case Lacking:
		k |= 1 << (32 + f)
	}
	return k
}

// features is what a client knows of its servers. It outlives connections.
type features struct {
	now atomic.Uint64 // the knowledge of the server of the connection

	mu     sync.Mutex // guards the following
	kind   serverKind // of the server of the connection
	known  map[serverKind]knowledge
	asked  map[Feature]*question
	losses map[Feature]int // connections lost over a call, since one was answered
	ended  bool
	prover bool           // it runs
	vain   int            // provers in a row that have given up
	all    sync.WaitGroup // of provers and what attend runs
}

// question is a feature that calls want to know of.
type question struct {
	done chan struct{} // closed when it is answered, or cannot be
	err  error         // why it cannot be; valid after done
}

func (fs *features) support(f Feature) Support { return knowledge(fs.now.Load()).support(f) }

// use says that the connection leads to a server of that kind from now on.
func (fs *features) use(kind serverKind) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.kind = kind
	fs.now.Store(uint64(fs.ofLocked(kind)))
	fs.answerLocked()
}

// attend runs f in a goroutine that endFeatures waits for, unless the client has ended.
func (fs *features) attend(f func()) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if !fs.ended {
		fs.all.Go(f) // ends as the caller says, and with the client
	}
}

// zooKeeper reports whether the connection leads to a ZooKeeper.
func (fs *features) zooKeeper() bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.kind.zooKeeper
}

func (fs *features) of(kind serverKind, f Feature) Support {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.ofLocked(kind).support(f)
}

func (fs *features) ofLocked(kind serverKind) knowledge {
	k, ok := fs.known[kind]
	if !ok && kind.zooKeeper {
		return bornWith
	}
	return k
}

// learn notes what is now known of servers of that kind. It reports whether it is news.
func (fs *features) learn(kind serverKind, f Feature, s Support) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	old := fs.ofLocked(kind)
	if old.support(f) == s {
		return false
	}
	if fs.known == nil {
		fs.known = map[serverKind]knowledge{}
	}
	fs.known[kind] = old.with(f, s)
	if kind == fs.kind {
		fs.now.Store(uint64(fs.known[kind]))
	}
	fs.answerLocked()
	return true
}

// learnHere is learn for the server of the connection.
func (fs *features) learnHere(f Feature, s Support) bool {
	fs.mu.Lock()
	kind := fs.kind
	fs.mu.Unlock()
	return fs.learn(kind, f, s)
}

// respite returns how long nothing more is asked after a prover has given up.
func (fs *features) respite() time.Duration {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	d := givenUp << min(fs.vain, mostDoublings)
	fs.vain++
	return d
}

// found notes that a prover has found out something.
func (fs *features) found() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.vain = 0
}

// answerLocked answers the questions about what is known.
func (fs *features) answerLocked() {
	for f, q := range fs.asked {
		if fs.support(f) != SupportUnknown {
			close(q.done)
			delete(fs.asked, f)
		}
	}
}

// lost notes that a connection to a server of that kind ended over a call that uses f. The first
// time may have been the end of the server. A ZooKeeper answers what it does not know, from 3.5 on.
func (fs *features) lost(kind serverKind, f Feature) {
	if kind.zooKeeper {
		return
	}
	fs.mu.Lock()
	if fs.losses == nil {
		fs.losses = map[Feature]int{}
	}
	fs.losses[f]++
	twice := fs.losses[f] >= 2
	known := fs.ofLocked(kind).support(f) == Supported
	fs.mu.Unlock()
	if twice && known {
		fs.learn(kind, f, SupportUnknown)
	}
}

// answered notes that a call that uses f was answered.
func (fs *features) answered(f Feature) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	delete(fs.losses, f)
}
