package conformance

import (
	"errors"

	"github.com/zkfs/zkfs/zk"
)

// multiCases are about transactions.
var multiCases = []Case{
	{"a multi does all of its operations under one zxid", func(e *env) {
		e.create("/a", "old")
		responses, err := e.conn.Multi(
			&zk.CreateRequest{Path: "/b", Data: []byte("new"), Acl: open},
			&zk.SetDataRequest{Path: "/a", Data: []byte("new"), Version: 0},
			&zk.CreateRequest{Path: "/s-", Acl: open, Flags: zk.FlagSequence},
			&zk.CreateRequest{Path: "/e", Acl: open, Flags: zk.FlagEphemeral},
			&zk.CheckVersionRequest{Path: "/a", Version: 1},
			&zk.DeleteRequest{Path: "/e", Version: 0},
		)
		e.must(err)
		equal(e, "results", len(responses), 6)
		for _, r := range responses {
			e.must(r.Error)
		}
		equal(e, "path", responses[0].String, "/b")
		equal(e, "path", responses[2].String, "/s-0000000002")
		equal(e, "version in the Stat", responses[1].Stat.Version, 1)
		e.holds("/a", "new")
		e.holds("/b", "new")
		e.missing("/e")
		equal(e, "zxid", e.stat("/a").Mzxid, e.stat("/b").Czxid)
		equal(e, "zxid", e.stat("/").Pzxid, e.stat("/b").Czxid)
	}},
	{"a multi that fails changes nothing, and says which operation was at fault", func(e *env) {
		e.create("/a", "old")
		before, root := e.stat("/a"), e.stat("/")
		responses, err := e.conn.Multi(
			&zk.CreateRequest{Path: "/b", Acl: open},
			&zk.SetDataRequest{Path: "/a", Data: []byte("new"), Version: -1},
			&zk.DeleteRequest{Path: "/no", Version: -1},
			&zk.CreateRequest{Path: "/c", Acl: open},
		)
		e.fails(err, zk.ErrNoNode)
		for i, want := range []error{nil, nil, zk.ErrNoNode, zk.ErrRolledBack} {
			e.fails(responses[i].Error, want)
		}
		e.missing("/b")
		e.missing("/c")
		e.holds("/a", "old")
		equal(e, "stat", *e.stat("/a"), *before)
		equal(e, "stat of the parent", *e.stat("/"), *root)
	}},
	{"operations of a multi see those before them", func(e *env) {
		e.must(second(e.conn.Multi(
			&zk.CreateRequest{Path: "/d", Acl: open},
			&zk.CreateRequest{Path: "/d/x", Acl: open},
			&zk.SetDataRequest{Path: "/d/x", Data: []byte("1"), Version: 0},
			&zk.SetDataRequest{Path: "/d/x", Data: []byte("2"), Version: 1},
			&zk.DeleteRequest{Path: "/d/x", Version: 2},
			&zk.CreateRequest{Path: "/d/s-", Acl: open, Flags: zk.FlagSequence},
		)))
		names, stat, err := e.conn.Children("/d")
		e.must(err)
		equal(e, "children", len(names), 1)
		equal(e, "name", names[0], "s-0000000001")
		if !e.has(ChildSets) {
			equal(e, "cversion", stat.Cversion, 3)
		}
	}},
	{"creating and setting in one multi leaves version 1", func(e *env) {
		e.must(second(e.conn.Multi(
			&zk.CreateRequest{Path: "/f", Data: []byte{}, Acl: open}, &zk.SetDataRequest{Path: "/f", Data: []byte{}, Version: 0})))
		equal(e, "version", e.stat("/f").Version, 1)
	}},
	{"creating and deleting a child in one multi leaves cversion 2", func(e *env) {
		e.create("/d", "")
		e.must(second(e.conn.Multi(
			&zk.CreateRequest{Path: "/d/x", Acl: open}, &zk.DeleteRequest{Path: "/d/x", Version: -1},
			&zk.SetDataRequest{Path: "/d", Data: []byte("data"), Version: 0})))
		stat := e.stat("/d")
		equal(e, "cversion", stat.Cversion, 2)
		equal(e, "version", stat.Version, 1)
		equal(e, "children", stat.NumChildren, 0)
	}},
	{"the errors in a multi are those of the operations alone", func(e *env) {
		e.create("/a", "")
		e.create("/a/b", "")
		e.createAs("/e", "", zk.FlagEphemeral, open)
		e.createAs("/locked", "", 0, others)
		for _, c := range []struct {
			op   any
			want error
		}{
			{&zk.CreateRequest{Path: "/a", Acl: open}, zk.ErrNodeExists},
			{&zk.CreateRequest{Path: "/no/a", Acl: open}, zk.ErrNoNode},
			{&zk.CreateRequest{Path: "/e/a", Acl: open}, zk.ErrNoChildrenForEphemerals},
			{&zk.CreateRequest{Path: "/x", Acl: []zk.ACL{{Scheme: "nonsense", ID: "x"}}}, zk.ErrInvalidACL},
			{&zk.CreateRequest{Path: "/locked/a", Acl: open}, zk.ErrNoAuth},
			{&zk.DeleteRequest{Path: "/a", Version: -1}, zk.ErrNotEmpty},
			{&zk.DeleteRequest{Path: "/a/b", Version: 3}, zk.ErrBadVersion},
			{&zk.SetDataRequest{Path: "/a", Version: 3}, zk.ErrBadVersion},
			{&zk.SetDataRequest{Path: "/locked", Version: -1}, zk.ErrNoAuth},
			{&zk.CheckVersionRequest{Path: "/a", Version: 3}, zk.ErrBadVersion},
			{&zk.CheckVersionRequest{Path: "/no", Version: -1}, zk.ErrNoNode},
			{&zk.CheckVersionRequest{Path: "/locked", Version: -1}, zk.ErrNoAuth},
		} {
			_, err := e.conn.Multi(c.op)
			if !errors.Is(err, c.want) {
				e.Errorf("%T %+v: error %v, want %v", c.op, c.op, err, c.want)
			}
		}
	}},
	{"a check changes nothing", func(e *env) {
		e.create("/a", "")
		before := *e.stat("/a")
		e.must(second(e.conn.Multi(&zk.CheckVersionRequest{Path: "/a", Version: 0}, &zk.CheckVersionRequest{Path: "/a", Version: -1})))
		equal(e, "stat", *e.stat("/a"), before)
	}},
	{"a multi of nothing succeeds", func(e *env) {
		responses, err := e.conn.Multi()
		e.must(err)
		equal(e, "results", len(responses), 0)
	}},
	{"containers and TTL nodes can be created in a multi", func(e *env) {
		responses, err := e.conn.Multi(
			&zk.CreateContainerRequest{Path: "/c", Acl: open},
			&zk.CreateTTLRequest{Path: "/t-", Acl: open, Flags: zk.FlagPersistentSequentialWithTTL, Ttl: 3_600_000})
		e.must(err)
		equal(e, "path", responses[0].String, "/c")
		equal(e, "path", responses[1].String, "/t-0000000001")
		equal(e, "owner of a container", e.stat("/c").EphemeralOwner, 0)
		equal(e, "owner of a TTL node", e.stat("/t-0000000001").EphemeralOwner, 0)
	}},
	{"the watches of a multi fire in its order, and none of one that fails", func(e *env) {
		w := e.connect()
		watch, err := w.AddWatch("/", zk.AddWatchPersistentRecursive)
		e.must(err)
		e.create("/a", "")
		e.receives(watch.Events(), zk.EventNodeCreated, "/a")
		e.fails(second(e.conn.Multi(
			&zk.SetDataRequest{Path: "/a", Version: -1}, &zk.DeleteRequest{Path: "/no", Version: -1})), zk.ErrNoNode)
		e.silent(w, watch.Events())
		e.must(second(e.conn.Multi(
			&zk.CreateRequest{Path: "/b", Acl: open}, &zk.SetDataRequest{Path: "/a", Version: -1}, &zk.DeleteRequest{Path: "/b", Version: -1})))
		e.receives(watch.Events(), zk.EventNodeCreated, "/b")
		e.receives(watch.Events(), zk.EventNodeDataChanged, "/a")
		e.receives(watch.Events(), zk.EventNodeDeleted, "/b")
	}},
}
