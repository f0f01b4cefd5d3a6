package conformance

import (
	"strings"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// znodeCases are about creating and deleting.
var znodeCases = []Case{
	{"a created znode has its data, version 0, and the czxid of its creation", func(e *env) {
		before := time.Now().Add(-time.Minute).UnixMilli()
		path, stat, err := e.conn.CreateStat("/a", []byte("data"), 0, open)
		e.must(err)
		equal(e, "path", path, "/a")
		e.holds("/a", "data")
		if e.has(MuteLength) {
			stat.DataLength = 4
		}
		equal(e, "stat", *e.stat("/a"), *stat)
		equal(e, "version, cversion, aversion", [3]int32{stat.Version, stat.Cversion, stat.Aversion}, [3]int32{})
		equal(e, "length", stat.DataLength, 4)
		equal(e, "mzxid", stat.Mzxid, stat.Czxid)
		equal(e, "pzxid", stat.Pzxid, stat.Czxid)
		equal(e, "mtime", stat.Mtime, stat.Ctime)
		equal(e, "a time of now", stat.Ctime > before, true)
		equal(e, "owner", stat.EphemeralOwner, 0)
	}},
	{"null and empty data are kept apart", func(e *env) {
		e.must(second(e.conn.Create("/null", nil, 0, open)))
		e.must(second(e.conn.Create("/empty", []byte{}, 0, open)))
		for path, null := range map[string]bool{"/null": true, "/empty": false} {
			data, stat, err := e.conn.Get(path)
			e.must(err)
			equal(e, path+" is null", data == nil, null)
			equal(e, "length", stat.DataLength, 0)
		}
		e.must(second(e.conn.Set("/empty", nil, -1)))
		data, _, err := e.conn.Get("/empty")
		e.must(err)
		equal(e, "set to null", data == nil, true)
	}},
	{"creating what is there is NodeExists", func(e *env) {
		e.create("/a", "old")
		e.fails(second(e.conn.Create("/a", nil, 0, open)), zk.ErrNodeExists)
		e.fails(second(e.conn.Create("/a", nil, zk.FlagEphemeral, open)), zk.ErrNodeExists)
		e.holds("/a", "old")
		e.fails(second(e.plain.Create("/", nil, 0, open)), zk.ErrNodeExists)
	}},
	{"creating below what is missing is NoNode", func(e *env) {
		e.fails(second(e.conn.Create("/no/a", nil, 0, open)), zk.ErrNoNode)
	}},
	{"an ephemeral can have no children", func(e *env) {
		e.createAs("/e", "", zk.FlagEphemeral, open)
		e.fails(second(e.conn.Create("/e/a", nil, 0, open)), zk.ErrNoChildrenForEphemerals)
		equal(e, "cversion", e.stat("/e").Cversion, 0)
	}},
	{"sequence numbers count every create of the parent and no delete", func(e *env) {
		e.create("/d", "")
		equal(e, "first", e.createAs("/d/s-", "", zk.FlagSequence, open), "/d/s-0000000000")
		e.create("/d/plain", "")
		equal(e, "after another create", e.createAs("/d/t-", "", zk.FlagSequence, open), "/d/t-0000000002")
		e.delete("/d/plain")
		e.delete("/d/s-0000000000")
		equal(e, "after deletes", e.createAs("/d/s-", "", zk.FlagSequence|zk.FlagEphemeral, open), "/d/s-0000000003")
	}},
	{"a create that fails counts for no sequence number", func(e *env) {
		e.create("/d", "")
		e.create("/d/a", "")
		e.fails(second(e.conn.Create("/d/a", nil, 0, open)), zk.ErrNodeExists)
		equal(e, "number", e.createAs("/d/s-", "", zk.FlagSequence, open), "/d/s-0000000001")
	}},
	{"a sequential znode needs no name of its own", func(e *env) {
		e.create("/d", "")
		equal(e, "path", e.createAs("/d/", "", zk.FlagSequence, open), "/d/0000000000")
	}},
	{"cversion counts the creates and deletes of children, and pzxid is the zxid of the last one", func(e *env) {
		e.create("/d", "")
		e.create("/d/a", "")
		e.create("/d/b", "")
		b := e.stat("/d/b")
		d := e.stat("/d")
		equal(e, "cversion", d.Cversion, 2)
		equal(e, "children", d.NumChildren, 2)
		equal(e, "pzxid", d.Pzxid, b.Czxid)
		e.delete("/d/a")
		d = e.stat("/d")
		equal(e, "cversion", d.Cversion, 3)
		equal(e, "children", d.NumChildren, 1)
		equal(e, "pzxid grew", d.Pzxid > b.Czxid, true)
		set := e.set("/d/b", "x")
		d = e.stat("/d")
		equal(e, "cversion after a set", d.Cversion, 3)
		equal(e, "pzxid is below that of a set", d.Pzxid < set.Mzxid, true)
		equal(e, "version and mzxid are of its own data", [2]int64{int64(d.Version), d.Mzxid}, [2]int64{0, d.Czxid})
	}},
	{"delete wants the version, an empty znode, and one that is there", func(e *env) {
		e.create("/d", "")
		e.create("/d/a", "")
		e.fails(e.conn.Delete("/d", -1), zk.ErrNotEmpty)
		e.fails(e.conn.Delete("/d", 7), zk.ErrBadVersion)
		e.fails(e.conn.Delete("/no", -1), zk.ErrNoNode)
		e.set("/d/a", "x")
		e.fails(e.conn.Delete("/d/a", 0), zk.ErrBadVersion)
		e.must(e.conn.Delete("/d/a", 1))
		e.must(e.conn.Delete("/d", 0))
		e.missing("/d")
		e.fails(e.conn.Delete("/d", -1), zk.ErrNoNode)
	}},
	{"a znode that is created again starts anew", func(e *env) {
		e.create("/a", "1")
		e.set("/a", "2")
		old := e.stat("/a")
		e.delete("/a")
		e.create("/a", "3")
		equal(e, "version", e.stat("/a").Version, 0)
		equal(e, "czxid grew", e.stat("/a").Czxid > old.Mzxid, true)
	}},
	{"the root and the server's own znodes cannot be deleted", func(e *env) {
		for _, path := range []string{"/", "/zookeeper", "/zookeeper/config", "/zookeeper/quota"} {
			e.fails(e.plain.Delete(path, -1), zk.ErrBadArguments)
		}
	}},
	{"names may hold every character that ZooKeeper allows", func(e *env) {
		for _, name := range []string{" ", ".a", "a.", "...", "ä", "\u00a0", "\ud7ff", "\uf900", "\uffef", "%2E", "a\\b", "*"} {
			e.create("/"+name, name)
			e.holds("/"+name, name)
		}
		names, _, err := e.conn.Children("/")
		e.must(err)
		equal(e, "names", len(names), 12)
	}},
	{"what no server accepts as a path is refused", func(e *env) {
		for _, path := range []string{"", "a", "/a/", "//a", "/a//b", "/.", "/..", "/a/./b", "/a/../b", "/\x00", "/\x1f", "/\x7f",
			"/\u009f", "/\ue000", "/\uf8ff", "/\ufff0", "/\uffff", "/\U0001f600", "/\xff"} {
			e.fails(second(e.conn.Create(path, nil, 0, open)), zk.ErrInvalidPath)
			e.fails(third(e.conn.Get(path)), zk.ErrInvalidPath)
		}
	}},
	{"a request may fill the packet limit and not exceed it", func(e *env) {
		const frame = 0xfffff
		path := e.root + "/a"
		e.create("/a", "")
		most := frame - 8 - (4 + len(path)) - 4 - 4 // of the header, the path, the length and the version
		e.must(second(e.conn.Set("/a", []byte(strings.Repeat("x", most)), -1)))
		equal(e, "length", e.stat("/a").DataLength, int32(most))
		e.fails(second(e.conn.Set("/a", make([]byte, most+1), -1)), zk.ErrTooLarge)
		data, _, err := e.conn.Get("/a")
		e.must(err)
		equal(e, "bytes read", len(data), most)
	}},
	{"a flag that does not exist is refused", func(e *env) {
		e.fails(second(e.conn.Create("/a", nil, 7, open)), zk.ErrInvalidFlags)
		e.fails(second(e.conn.Create("/a", nil, -1, open)), zk.ErrInvalidFlags)
	}},
}
