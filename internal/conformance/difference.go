package conformance

import (
	"fmt"
	"slices"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// A difference is what holds on the servers with a trait in the place of some rows.
type difference struct {
	on      Trait // with several, a server must have them all
	rows    []string
	instead func(*env) // nil where nothing is stated
}

// on returns what holds on a server, nil for nothing. The first difference that applies counts.
func (c Case) on(s Server) func(*env) {
	for _, d := range differences {
		if s.Traits&d.on == d.on && slices.Contains(d.rows, c.Name) {
			return d.instead
		}
	}
	return c.run
}

// lacking returns the check that a call is answered by Unimplemented, and that the session goes on.
func lacking(call func(*zk.Conn) error) func(*env) {
	return func(e *env) {
		c := e.connect()
		e.must(second(c.Create("/e", nil, zk.FlagEphemeral, open)))
		id := c.SessionID()
		for range 2 {
			e.fails(call(c), zk.ErrUnimplemented)
		}
		e.must(third(c.Exists("/e")))
		equal(e, "session", c.SessionID(), id)
	}
}

// watched are the rows about persistent watches.
func watched() (rows []string) {
	for _, c := range lastingCases {
		rows = append(rows, c.Name)
	}
	return rows
}

var differences = slices.Concat(
	absences, childStats, znodeDifferences, aclDifferences, sessionDifferences, pathDifferences, watchDifferences)

// absences are about operations that a server does not have.
var absences = []difference{
	{NoWhoAmI, []string{"whoAmI tells the identities without their secrets"},
		lacking(func(c *zk.Conn) error { return second(c.WhoAmI()) })},
	{NoCounts, []string{"the number of all children counts those of children too"},
		lacking(func(c *zk.Conn) error { return second(c.AllChildrenNumber("/")) })},
	{NoCounts, []string{"ephemerals lists those of the session below a prefix"},
		lacking(func(c *zk.Conn) error { return second(c.Ephemerals("/")) })},
	{NoAddWatch, watched(),
		lacking(func(c *zk.Conn) error { return second(c.AddWatch("/", zk.AddWatchPersistent)) })},
	{NoAddWatch, []string{"the watches of a multi fire in its order, and none of one that fails"},
		lacking(func(c *zk.Conn) error {
			return second(c.AddWatch("/", zk.AddWatchPersistentRecursive))
		})},
	{NoRemoveWatches, []string{
		"checkWatches finds a watch by its type, and none where nobody watches",
	},
		lacking(func(c *zk.Conn) error { return c.CheckWatches("/", zk.WatcherAny) })},
	{NoContainers, []string{
		"a container goes after its last child, and stays while it never had one",
		"a container is no ephemeral to clients",
	}, lacking(func(c *zk.Conn) error {
		return second(c.CreateContainer("/c", nil, zk.FlagContainer, open))
	})},
	{NoContainers, []string{"containers and TTL nodes can be created in a multi"},
		lacking(func(c *zk.Conn) error {
			return second(c.Multi(&zk.CreateContainerRequest{Path: "/c", Acl: open}))
		})},
	{NoTTL, []string{
		"a TTL node goes when it was not written to for its time, and stays while it has children",
		"a TTL node stays before its time",
		"a TTL node may be sequential",
		"a time to live must be positive and fit",
	}, lacking(func(c *zk.Conn) error {
		return second(c.CreateTTL("/t", nil, zk.FlagTTL, open, 1e9))
	})},
}

// znodeDifferences are about what znodes hold.
var znodeDifferences = []difference{
	{NullIsEmpty, []string{"null and empty data are kept apart"}, func(e *env) {
		e.must(second(e.conn.Create("/null", nil, 0, open)))
		data, stat, err := e.conn.Get("/null")
		e.must(err)
		equal(e, "data is null", data == nil, false)
		equal(e, "lengths", [2]int{len(data), int(stat.DataLength)}, [2]int{})
		e.must(second(e.conn.Set("/null", nil, -1)))
		data, _, err = e.conn.Get("/null")
		e.must(err)
		equal(e, "data is null", data == nil, false)
	}},
	{ChildSets | StalePzxid, []string{
		"cversion counts the creates and deletes of children, and pzxid is the zxid of the last one",
	}, func(e *env) {
		e.create("/d", "")
		e.create("/d/a", "")
		e.create("/d/b", "")
		created := e.stat("/d/b").Czxid
		equal(e, "pzxid", e.stat("/d").Pzxid, created)
		e.set("/d/b", "x")
		equal(e, "cversion after a set", e.stat("/d").Cversion, 3)
		e.delete("/d/a")
		d := e.stat("/d")
		equal(e, "cversion after a delete", d.Cversion, 4)
		equal(e, "children", d.NumChildren, 1)
		equal(e, "pzxid", d.Pzxid, created)
	}},
	{OtherZnodes | NoResumption, []string{
		"the root and the server's own znodes cannot be deleted",
	}, func(e *env) {
		for _, path := range []string{"/", "/keeper", "/keeper/config", "/keeper/feature_flags"} {
			e.fails(e.plain.Delete(path, -1), zk.ErrBadArguments)
		}
	}},
	{OtherZnodes, []string{"the root and the server's own znodes cannot be deleted"}, nil},
	{NoConfig, []string{"the root and the server's own znodes cannot be deleted"}, func(e *env) {
		for _, path := range []string{"/", "/zookeeper", "/zookeeper/quota"} {
			e.fails(e.plain.Delete(path, -1), zk.ErrBadArguments)
		}
	}},
	{OtherZnodes | NoResumption, []string{
		"the server's own znodes are where they always are",
	}, func(e *env) {
		names, stat, err := e.plain.Children("/keeper")
		e.must(err)
		slices.Sort(names)
		equal(e, "names", fmt.Sprint(names), "[api_version config feature_flags]")
		equal(e, "stat", *stat, zk.Stat{})
		data, _, err := e.plain.Get("/keeper/api_version")
		e.must(err)
		equal(e, "version", string(data), "2")
		e.fails(second(e.plain.Create("/keeper/x", nil, 0, open)), zk.ErrBadArguments)
		e.fails(second(e.plain.Set("/keeper", nil, -1)), zk.ErrBadArguments)
	}},
	{OtherZnodes, []string{"the server's own znodes are where they always are"}, func(e *env) {
		e.fails(third(e.plain.Get("/zookeeper")), zk.ErrNoNode)
	}},
	{NoConfig, []string{"the server's own znodes are where they always are"}, func(e *env) {
		names, _, err := e.plain.Children("/zookeeper")
		e.must(err)
		equal(e, "names", fmt.Sprint(names), "[quota]")
		e.fails(third(e.plain.Get("/zookeeper/config")), zk.ErrNoNode)
	}},
	{BarrenTTL, []string{
		"a TTL node goes when it was not written to for its time, and stays while it has children",
	}, func(e *env) {
		e.must(second(e.conn.CreateTTL("/t", nil, zk.FlagTTL, open, 200e6)))
		e.fails(second(e.conn.Create("/t/a", nil, 0, open)), zk.ErrBadArguments)
		equal(e, "owner", e.stat("/t").EphemeralOwner, 0)
		e.goes("/t")
	}},
}

// aclDifferences are about permissions.
var aclDifferences = []difference{
	{OpenWorld, []string{"the rights of world are those of every session"}, func(e *env) {
		e.createAs("/a", "data", 0, zk.WorldACL(zk.PermRead))
		e.set("/a", "other")
		acl, _, err := e.conn.GetACL("/a")
		e.must(err)
		equal(e, "entries", len(acl), 0)
	}},
	{LooseACL, []string{
		"an ACL that is empty, or of a scheme or id that no server knows, is InvalidACL",
	}, func(e *env) {
		e.create("/a", "")
		for _, acl := range [][]zk.ACL{
			{{Perms: zk.PermAll, Scheme: "nonsense", ID: "x"}},
			{{Perms: zk.PermAll, Scheme: "world", ID: "somebody"}},
			{{Perms: zk.PermAll, Scheme: "digest", ID: "nocolon"}},
			{{Perms: zk.PermAll, Scheme: "ip", ID: "127.0.0.1"}},
		} {
			e.fails(second(e.conn.Create("/b", nil, 0, acl)), zk.ErrInvalidACL)
			e.fails(second(e.conn.SetACL("/a", acl, -1)), zk.ErrInvalidACL)
		}
		e.must(second(e.conn.SetACL("/a", nil, -1)))
		e.set("/a", "open to all")
		nonsense := zk.ACL{Perms: zk.PermAll, Scheme: "nonsense", ID: "x"}
		e.createAs("/b", "", 0, append(zk.DigestACL(zk.PermAll, "u", "p"), nonsense))
		acl, _, err := e.user("u:p").GetACL("/b")
		e.must(err)
		equal(e, "ACL", fmt.Sprint(acl), fmt.Sprint(zk.DigestACL(zk.PermAll, "u", "p")))
	}},
	{LooseACL, []string{"an entry that is repeated is kept once"}, func(e *env) {
		acl := append(zk.DigestACL(zk.PermAll, "u", "p"), zk.DigestACL(zk.PermAll, "u", "p")...)
		e.createAs("/a", "", 0, acl)
		got, _, err := e.user("u:p").GetACL("/a")
		e.must(err)
		equal(e, "ACL", fmt.Sprint(got), fmt.Sprint(acl))
	}},
	{BareDigests, []string{"digests are shown only to sessions that may change the ACL"}, func(e *env) {
		acl := append(zk.DigestACL(zk.PermAdmin, "u", "p"), zk.DigestACL(zk.PermRead, "v", "p")...)
		e.createAs("/a", "", 0, acl)
		for _, user := range []string{"u:p", "v:p"} {
			got, _, err := e.user(user).GetACL("/a")
			e.must(err)
			equal(e, "in full", fmt.Sprint(got), fmt.Sprint(acl))
		}
	}},
	{LooseACL, []string{"scheme ip is the client's address"}, func(e *env) {
		acl := []zk.ACL{{Perms: zk.PermRead, Scheme: "ip", ID: "127.0.0.1"}}
		e.fails(second(e.conn.Create("/a", nil, 0, acl)), zk.ErrInvalidACL)
	}},
	{PlainAddresses, []string{"scheme ip is the client's address"}, func(e *env) {
		for id, want := range map[string]error{"127.0.0.1": nil, "127.0.0.2": zk.ErrNoAuth} {
			e.createAs("/a", "", 0, []zk.ACL{{Perms: zk.PermRead, Scheme: "ip", ID: id}})
			e.fails(third(e.conn.Get("/a")), want)
			e.delete("/a")
		}
		acl := []zk.ACL{{Perms: zk.PermRead, Scheme: "ip", ID: "127.0.0.0/8"}}
		e.fails(second(e.conn.Create("/a", nil, 0, acl)), zk.ErrInvalidACL)
	}},
	{RightsFirst, []string{"the errors in a multi are those of the operations alone"}, func(e *env) {
		e.createAs("/locked", "", 0, others)
		e.create("/a", "")
		_, err := e.conn.Multi(
			&zk.DeleteRequest{Path: "/no", Version: -1}, &zk.CreateRequest{Path: "/locked/a", Acl: open})
		e.fails(err, zk.ErrNoNode) // which stands before the right that is missing
		_, err = e.conn.Multi(
			&zk.SetDataRequest{Path: "/a", Version: -1}, &zk.SetDataRequest{Path: "/locked", Version: -1})
		e.fails(err, zk.ErrNoAuth)
		equal(e, "version", e.stat("/a").Version, 0)
	}},
}

// loses lets a connection lose its session, which another one follows, and checks that watches say
// so.
func (e *env) loses(link *link, states *states, watches ...<-chan zk.Event) {
	e.Helper()
	link.cut()
	states.await(zk.StateDisconnected)
	link.mend()
	states.await(zk.StateExpired)
	for _, events := range watches {
		ev := <-events
		equal(e, "event", ev.Type, zk.EventNotWatching)
		e.fails(ev.Err, zk.ErrSessionExpired)
		e.closed(events)
	}
	states.await(zk.StateHasSession)
}

// sessionDifferences are about sessions.
var sessionDifferences = []difference{
	{NoResumption, []string{
		"a watch on what did not change lives on after a reconnect",
		"after a reconnect a data watch tells of what was set or deleted meanwhile",
		"after a reconnect an exist watch tells of what was created meanwhile",
		"after a reconnect a child watch tells of children that came, of one that went, and of the end",
		"watches are set again after the credentials that they need",
		"thousands of watches are set again",
	}, func(e *env) {
		w, link, states := e.remote(long)
		e.must(w.AddAuth("digest", []byte("u:p")))
		e.createAs("/a", "", 0, zk.DigestACL(zk.PermAll, "u", "p"))
		data, exist, children := e.getW(w, "/a"), e.existsW(w, "/no"), e.childrenW(w, "/a")
		e.loses(link, states, data, exist, children)
		e.must(second(w.Set("/a", nil, -1)))
		again := e.getW(w, "/a")
		e.must(second(w.Set("/a", nil, -1)))
		e.receives(again, zk.EventNodeDataChanged, "/a")
	}},
	{NoResumption, []string{"a session and its ephemerals outlive a lost connection"}, func(e *env) {
		c, link, states := e.remote(brief)
		e.must(second(c.Create("/e", nil, zk.FlagEphemeral, open)))
		id := c.SessionID()
		e.loses(link, states)
		equal(e, "another session", c.SessionID() != id, true)
		e.goes("/e") // when the server has not heard of the old session for its timeout
		e.must(second(c.Create("/e", nil, zk.FlagEphemeral, open)))
		equal(e, "owner", e.stat("/e").EphemeralOwner, c.SessionID())
	}},
	{NoResumption, []string{"a session can be gone on with by another client"}, func(e *env) {
		first := e.connect()
		e.must(third(first.Exists("/")))
		other, _, _ := e.remote(long, zk.WithSession(first.SessionID(), first.SessionPassword()))
		equal(e, "another session", other.SessionID() != first.SessionID(), true)
	}},
	{NoResumption, []string{
		"after a reconnect a persistent watch says that events were lost, and goes on",
	}, func(e *env) {
		c, link, states := e.remote(long)
		w := e.addWatch(c, "/a", zk.AddWatchPersistent)
		r := e.addWatch(c, "/", zk.AddWatchPersistentRecursive)
		e.loses(link, states, w.Events(), r.Events())
	}},
	{NoPasswords, []string{"a session is not given to a client without its password"}, func(e *env) {
		c := e.connect()
		e.must(second(c.Create("/e", nil, zk.FlagEphemeral, open)))
		taker := e.connect(zk.WithSession(c.SessionID(), make([]byte, 16)))
		e.must(third(taker.Exists("/e")))
		equal(e, "session", taker.SessionID(), c.SessionID())
	}},
}

// pathDifferences are about recursive watches of a server that does not say what has changed below.
var pathDifferences = []difference{
	{WatchPath, []string{
		"a recursive watch sees every znode below its own, and no lists of children",
		"a child watch below a recursive one changes nothing for it",
		"a data watch below a recursive one changes nothing for it",
		"a recursive watch may be set on the root",
		"stopping a persistent watch leaves a recursive one on its path",
		"the watches of a multi fire in its order, and none of one that fails",
	}, func(e *env) {
		c := e.connect()
		e.create("/a", "")
		w := e.addWatch(c, "/a", zk.AddWatchPersistentRecursive)
		e.create("/a/b", "")
		lost := false
		for ended := false; !ended; {
			select {
			case ev := <-w.Events():
				equal(e, "path", ev.Path, "/a")
				lost = lost || ev.Type == zk.EventLost
				if ended = ev.Type == zk.EventNotWatching; ended {
					e.fails(ev.Err, zk.ErrUnimplemented)
				}
			case <-time.After(patience):
				e.Fatal("the watch does not end")
			}
		}
		equal(e, "something is said to be lost", lost, true)
		e.closed(w.Events())
		e.fails(second(c.AddWatch("/a", zk.AddWatchPersistentRecursive)), zk.ErrUnimplemented)
	}},
}

// watchDifferences are about watches.
var watchDifferences = []difference{
	{EventZxids, []string{"an event does not say in which transaction its change was"}, func(e *env) {
		e.create("/a", "")
		events := e.existsW(e.connect(), "/a")
		stat := e.set("/a", "x")
		equal(e, "zxid", e.receives(events, zk.EventNodeDataChanged, "/a").Zxid, stat.Mzxid)
		events = e.childrenW(e.conn, "/a")
		e.create("/a/b", "")
		_, stat, err := e.conn.Exists("/a/b")
		e.must(err)
		equal(e, "zxid", e.receives(events, zk.EventNodeChildrenChanged, "/a").Zxid, stat.Czxid)
	}},
	{UnsureRearm, []string{"a watch on what did not change lives on after a reconnect"}, func(e *env) {
		w, link, states := e.remote(long)
		e.create("/a", "")
		data, exist, children := e.getW(w, "/a"), e.existsW(w, "/no"), e.childrenW(w, "/a")
		e.away(link, states, func() {})
		e.receives(children, zk.EventNodeChildrenChanged, "/a") // the client fires it
		e.closed(children)
		e.silent(w, data)
		e.silent(w, exist)
		again := e.childrenW(w, "/a")
		e.set("/a", "x")
		e.receives(data, zk.EventNodeDataChanged, "/a")
		e.create("/no", "")
		e.receives(exist, zk.EventNodeCreated, "/no")
		e.create("/a/b", "")
		e.receives(again, zk.EventNodeChildrenChanged, "/a")
	}},
	{DeafChildren, []string{"a child watch fires when its znode is deleted"}, func(e *env) {
		w := e.connect()
		e.create("/a", "")
		children, data := e.childrenW(w, "/a"), e.getW(w, "/a")
		e.delete("/a")
		e.receives(children, zk.EventNodeDeleted, "/a")
		e.receives(data, zk.EventNodeDeleted, "/a")
	}},
	{TellsAll, []string{"no event tells of a znode that the watcher may not read"}, func(e *env) {
		user := e.user("u:p")
		w := e.connect()
		hidden := e.existsW(w, "/a")
		e.must(second(user.Create("/a", nil, 0, zk.DigestACL(zk.PermAll, "u", "p"))))
		e.receives(hidden, zk.EventNodeCreated, "/a")
		e.fails(third(w.Get("/a")), zk.ErrNoAuth)
	}},
}
