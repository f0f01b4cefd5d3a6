package conformance

import (
	"fmt"
	"slices"

	"github.com/zkfs/zkfs/zk"
)

func digits(n int) string { return fmt.Sprintf("%010d", n) }

// readCases are about everything that changes nothing.
var readCases = []Case{
	{"exists of what is missing is no error, and the Stat is zero", func(e *env) {
		ok, stat, err := e.conn.Exists("/no")
		e.must(err)
		equal(e, "found", ok, false)
		equal(e, "stat", *stat, zk.Stat{})
	}},
	{"get, children and getACL of what is missing are NoNode", func(e *env) {
		e.fails(third(e.conn.Get("/no")), zk.ErrNoNode)
		e.fails(third(e.conn.Children("/no")), zk.ErrNoNode)
		e.fails(third(e.conn.GetACL("/no")), zk.ErrNoNode)
	}},
	{"children are the names below a znode and not below those", func(e *env) {
		e.create("/d", "")
		e.create("/d/b", "")
		e.create("/d/a", "")
		e.create("/d/a/c", "")
		names, stat, err := e.conn.Children("/d")
		e.must(err)
		slices.Sort(names)
		equal(e, "names", fmt.Sprint(names), "[a b]")
		equal(e, "stat", *stat, *e.stat("/d"))
	}},
	{"the children of a leaf are an empty slice, not nil", func(e *env) {
		e.create("/d", "")
		names, _, err := e.conn.Children("/d")
		e.must(err)
		equal(e, "Children", fmt.Sprintf("%#v", names), "[]string{}")
		names, _, _, err = e.conn.ChildrenW("/d")
		e.must(err)
		equal(e, "ChildrenW", fmt.Sprintf("%#v", names), "[]string{}")
		for _, result := range e.conn.Pipeline(&zk.GetChildrenRequest{Path: "/d"}) {
			e.must(result.Err)
			equal(e, "Pipeline", fmt.Sprintf("%#v", result.Children), "[]string{}")
		}
	}},
	{"the zxid of what is read never goes back", func(e *env) {
		e.create("/a", "")
		stat := e.set("/a", "x")
		other := e.connect()
		e.must(second(other.Sync("/a")))
		e.must(third(other.Get("/a")))
		equal(e, "last zxid is that of the change or later", other.LastZxid() >= stat.Mzxid, true)
	}},
	{"sync returns its path, whether there is such a znode or not", func(e *env) {
		for _, path := range []string{"/", "/no"} {
			got, err := e.conn.Sync(path)
			e.must(err)
			equal(e, "path", got, path)
		}
	}},
	{"after a sync a client sees what others have done", func(e *env) {
		e.create("/a", "1")
		other := e.connect()
		e.must(third(other.Get("/a")))
		e.set("/a", "2")
		e.must(second(other.Sync("/a")))
		data, _, err := other.Get("/a")
		e.must(err)
		equal(e, "data", string(data), "2")
	}},
	{"the number of all children counts those of children too", func(e *env) {
		for _, path := range []string{"/d", "/d/a", "/d/a/b", "/d/c", "/dd"} {
			e.create(path, "")
		}
		for path, want := range map[string]int{"/d": 3, "/d/a": 1, "/d/c": 0, "/": 5} {
			n, err := e.conn.AllChildrenNumber(path)
			e.must(err)
			equal(e, "descendants of "+path, n, want)
		}
		e.createAs("/locked", "", 0, others)
		e.fails(second(e.conn.AllChildrenNumber("/no")), zk.ErrNoNode)
		e.fails(second(e.conn.AllChildrenNumber("/locked")), zk.ErrNoAuth)
	}},
	{"ephemerals lists those of the session below a prefix", func(e *env) {
		e.create("/d", "")
		e.createAs("/d/a", "", zk.FlagEphemeral, open)
		e.createAs("/d/b", "", zk.FlagEphemeral, open)
		e.createAs("/e", "", zk.FlagEphemeral, open)
		e.must(second(e.connect().Create("/d/other", nil, zk.FlagEphemeral, open)))
		for prefix, want := range map[string]string{"/": "[/d/a /d/b /e]", "/d": "[/d/a /d/b]", "/x": "[]"} {
			list, err := e.conn.Ephemerals(prefix)
			e.must(err)
			slices.Sort(list)
			equal(e, "ephemerals below "+prefix, fmt.Sprint(list), want)
		}
		for _, path := range []string{"/d/a", "/d/b", "/e"} {
			e.delete(path)
		}
		list, err := e.conn.Ephemerals("/")
		e.must(err)
		equal(e, "ephemerals", len(list), 0)
	}},
	{"multiRead has a result for each operation, and an error spoils no other", func(e *env) {
		e.create("/a", "data")
		e.create("/a/b", "")
		e.createAs("/secret", "", 0, others)
		results, err := e.conn.MultiRead(
			&zk.GetDataRequest{Path: "/a"}, &zk.GetDataRequest{Path: "/no"}, &zk.GetChildrenRequest{Path: "/a"},
			&zk.GetDataRequest{Path: "/secret"}, &zk.GetChildrenRequest{Path: "/no"}, &zk.GetChildrenRequest{Path: "/a/b"})
		e.must(err)
		equal(e, "results", len(results), 6)
		for i, want := range []error{nil, zk.ErrNoNode, nil, zk.ErrNoAuth, zk.ErrNoNode, nil} {
			e.fails(results[i].Err, want)
		}
		equal(e, "data", string(results[0].Data), "data")
		equal(e, "stat", *results[0].Stat, *e.stat("/a"))
		equal(e, "children", fmt.Sprint(results[2].Children), "[b]")
		equal(e, "children of a leaf", fmt.Sprintf("%#v", results[5].Children), "[]string{}")
	}},
	{"a multiRead tells the last transaction of the state that it has read", func(e *env) {
		e.create("/a", "")
		stat := e.set("/a", "x")
		results, err := e.conn.MultiRead(&zk.GetDataRequest{Path: "/a"}, &zk.GetDataRequest{Path: "/no"})
		e.must(err)
		together := e.conn.Features()[zk.FeatureMultiRead] == zk.Supported
		equal(e, "zxid is that of the change or later", results[0].Zxid >= stat.Mzxid, together)
		equal(e, "one zxid", results[1].Zxid, results[0].Zxid)
	}},
	{"a multiRead of nothing is nothing", func(e *env) {
		results, err := e.conn.MultiRead()
		e.must(err)
		equal(e, "results", len(results), 0)
	}},
	{"a chroot is where the paths of a client begin", func(e *env) {
		e.create("/app", "")
		e.create("/apple", "outside")
		app, _ := e.dialAt(e.root+"/app", e.target.Dialer, long)
		path, err := app.Create("/a", []byte("inside"), 0, open)
		e.must(err)
		equal(e, "path of a create", path, "/a")
		e.holds("/app/a", "inside")
		e.fails(third(app.Get("/apple")), zk.ErrNoNode)
		path, err = app.Create("/s-", nil, zk.FlagSequence, open)
		e.must(err)
		equal(e, "path of a sequential create", path, "/s-0000000001")
		names, _, err := app.Children("/")
		e.must(err)
		equal(e, "children of the root", len(names), 2)
		responses, err := app.Multi(&zk.CreateRequest{Path: "/m", Acl: open})
		e.must(err)
		equal(e, "path in a multi", responses[0].String, "/m")
		_, _, events, err := app.GetW("/a")
		e.must(err)
		e.set("/app/a", "x")
		e.receives(events, zk.EventNodeDataChanged, "/a")
		_, _, events, err = app.ChildrenW("/")
		e.must(err)
		e.create("/app/b", "")
		e.receives(events, zk.EventNodeChildrenChanged, "/")
	}},
	{"the server's own znodes are where they always are", func(e *env) {
		names, _, err := e.plain.Children("/zookeeper")
		e.must(err)
		equal(e, "config and quota", slices.Contains(names, "config") && slices.Contains(names, "quota"), true)
		acl, _, err := e.plain.GetACL("/zookeeper/config")
		e.must(err)
		equal(e, "ACL", fmt.Sprint(acl), "[{1 world anyone}]")
	}},
}
