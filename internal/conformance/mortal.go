package conformance

import (
	"errors"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// goes waits until the server has deleted a znode.
func (e *env) goes(path string) {
	e.Helper()
	found, _, events, err := e.conn.ExistsW(path)
	e.must(err)
	if found {
		e.receives(events, zk.EventNodeDeleted, path)
	}
}

// mortalCases are about znodes that the server deletes by itself.
var mortalCases = []Case{
	{"a container goes after its last child, and stays while it never had one", func(e *env) {
		for _, path := range []string{"/unused", "/used"} {
			e.must(second(e.conn.CreateContainer(path, []byte("data"), zk.FlagContainer, open)))
		}
		e.create("/used/a", "")
		e.create("/used/b", "")
		events := e.existsW(e.conn, "/used")
		e.delete("/used/a")
		e.silent(e.conn, events)
		e.delete("/used/b")
		e.receives(events, zk.EventNodeDeleted, "/used")
		e.holds("/unused", "data")
	}},
	{"a container is no ephemeral to clients", func(e *env) {
		e.must(second(e.conn.CreateContainer("/c", nil, zk.FlagContainer, open)))
		equal(e, "owner", e.stat("/c").EphemeralOwner, 0)
		e.create("/c/a", "")
	}},
	{"a TTL node goes when it was not written to for its time, and stays while it has children", func(e *env) {
		mortal := func(path string) {
			e.must(second(e.conn.CreateTTL(path, []byte("data"), zk.FlagTTL, open, 200*time.Millisecond)))
		}
		err := zk.ErrNoNode
		for errors.Is(err, zk.ErrNoNode) { // on a busy machine it goes before it has a child
			mortal("/full")
			_, err = e.conn.Create("/full/a", nil, 0, open)
		}
		e.must(err)
		equal(e, "owner", e.stat("/full").EphemeralOwner, 0)
		mortal("/empty") // its time is over later
		e.goes("/empty")
		events := e.existsW(e.conn, "/full")
		e.delete("/full/a")
		e.receives(events, zk.EventNodeDeleted, "/full")
	}},
	{"a TTL node stays before its time", func(e *env) {
		e.must(second(e.conn.CreateTTL("/long", nil, zk.FlagTTL, open, time.Hour)))
		e.must(second(e.conn.CreateTTL("/short", nil, zk.FlagTTL, open, time.Millisecond)))
		e.goes("/short")
		e.stat("/long")
	}},
	{"a TTL node may be sequential", func(e *env) {
		e.create("/d", "")
		path, err := e.conn.CreateTTL("/d/t-", nil, zk.FlagPersistentSequentialWithTTL, open, time.Hour)
		e.must(err)
		equal(e, "path", path, "/d/t-0000000000")
	}},
	{"a time to live must be positive and fit", func(e *env) {
		for _, ttl := range []time.Duration{0, -time.Second, (1 << 40) * time.Millisecond} {
			e.fails(second(e.conn.CreateTTL("/t", nil, zk.FlagTTL, open, ttl)), zk.ErrBadArguments)
		}
	}},
}
