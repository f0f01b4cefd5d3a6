package conformance

import "github.com/zkfs/zkfs/zk"

// writeCases are about the data.
var writeCases = []Case{
	{"set replaces the data and counts the version", func(e *env) {
		e.create("/a", "1")
		before := e.stat("/a")
		stat := e.set("/a", "22")
		e.holds("/a", "22")
		equal(e, "the Stat that set returns", *stat, *e.stat("/a"))
		equal(e, "version", stat.Version, 1)
		equal(e, "length", stat.DataLength, 2)
		equal(e, "mzxid grew", stat.Mzxid > before.Mzxid, true)
		equal(e, "czxid", stat.Czxid, before.Czxid)
		equal(e, "pzxid", stat.Pzxid, before.Pzxid)
		equal(e, "ctime", stat.Ctime, before.Ctime)
		equal(e, "cversion and aversion", [2]int32{stat.Cversion, stat.Aversion}, [2]int32{})
	}},
	{"set to the same data is a change", func(e *env) {
		e.create("/a", "same")
		equal(e, "version", e.set("/a", "same").Version, 1)
	}},
	{"set with another version is BadVersion and changes nothing", func(e *env) {
		e.create("/a", "old")
		e.fails(second(e.conn.Set("/a", []byte("new"), 1)), zk.ErrBadVersion)
		e.fails(second(e.conn.Set("/a", []byte("new"), -2)), zk.ErrBadVersion)
		e.holds("/a", "old")
		equal(e, "version", e.stat("/a").Version, 0)
		stat, err := e.conn.Set("/a", []byte("new"), 0)
		e.must(err)
		equal(e, "version", stat.Version, 1)
	}},
	{"set of what is missing is NoNode", func(e *env) {
		e.fails(second(e.conn.Set("/no", nil, -1)), zk.ErrNoNode)
	}},
	{"a pipeline does its operations in order, each with a result of its own", func(e *env) {
		results := e.conn.Pipeline(
			&zk.CreateRequest{Path: "/a", Data: []byte("1"), Acl: open},
			&zk.GetDataRequest{Path: "/a"},
			&zk.GetDataRequest{Path: "/no"},
			&zk.SetDataRequest{Path: "/a", Data: []byte("2"), Version: 0},
			&zk.SetDataRequest{Path: "/a", Data: []byte("3"), Version: 0},
			&zk.GetDataRequest{Path: "/a"},
			&zk.CreateRequest{Path: "/a/s", Acl: open, Flags: zk.FlagSequence},
			&zk.GetChildrenRequest{Path: "/a"},
			&zk.ExistsRequest{Path: "/no"},
			&zk.GetACLRequest{Path: "/a"},
			&zk.DeleteRequest{Path: "/a/s0000000000", Version: -1},
			&zk.SyncRequest{Path: "/a"},
		)
		for i, want := range []error{nil, nil, zk.ErrNoNode, nil, zk.ErrBadVersion, nil, nil, nil, zk.ErrNoNode, nil, nil, nil} {
			e.fails(results[i].Err, want)
		}
		equal(e, "data", string(results[1].Data)+string(results[5].Data), "12")
		equal(e, "path", results[6].Path, "/a/s0000000000")
		equal(e, "children", len(results[7].Children), 1)
		if !e.has(LooseACL) {
			equal(e, "ACL", len(results[9].ACL), 1)
		}
	}},
	{"thousands of requests may be on their way at once", func(e *env) {
		const n = 5000
		ops := make([]any, n)
		for i := range ops {
			ops[i] = &zk.CreateRequest{Path: "/s-", Acl: open, Flags: zk.FlagSequence}
		}
		last := ""
		for _, r := range e.conn.Pipeline(ops...) {
			e.must(r.Err)
			if r.Path <= last {
				e.Fatalf("%s after %s", r.Path, last)
			}
			last = r.Path
		}
		for i := range ops {
			ops[i] = &zk.DeleteRequest{Path: last[:len("/s-")] + digits(i), Version: 0}
		}
		for _, r := range e.conn.Pipeline(ops...) {
			e.must(r.Err)
		}
		equal(e, "children", e.stat("/").NumChildren, 0)
	}},
}
