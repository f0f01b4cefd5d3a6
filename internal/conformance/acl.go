package conformance

import (
	"fmt"
	"slices"

	"github.com/zkfs/zkfs/zk"
)

// user returns a connection that has authenticated as user:password.
func (e *env) user(userPassword string) *zk.Conn {
	e.Helper()
	c := e.connect()
	e.must(c.AddAuth("digest", []byte(userPassword)))
	return c
}

// aclCases are about permissions and identities.
var aclCases = []Case{
	{"each operation needs its permission, on the znode or on the parent", func(e *env) {
		user := e.user("u:p")
		for perm, needs := range map[int32]func(path string) error{
			zk.PermRead:   func(path string) error { return third(user.Get(path)) },
			zk.PermWrite:  func(path string) error { return second(user.Set(path, nil, -1)) },
			zk.PermCreate: func(path string) error { return second(user.Create(path+"/new", nil, 0, open)) },
			zk.PermDelete: func(path string) error { return user.Delete(path+"/child", -1) },
			zk.PermAdmin:  func(path string) error { return second(user.SetACL(path, open, -1)) },
		} {
			for _, granted := range []bool{false, true} {
				path := fmt.Sprintf("/p%d-%v", perm, granted)
				e.create(path, "")
				e.createAs(path+"/child", "", 0, others) // its own ACL does not matter
				acl, want := zk.DigestACL(zk.PermAll&^perm, "u", "p"), zk.ErrNoAuth
				if granted {
					acl, want = zk.DigestACL(perm, "u", "p"), nil
				}
				e.must(second(e.conn.SetACL(path, acl, -1)))
				e.fails(needs(path), want)
			}
		}
	}},
	{"the rights of world are those of every session", func(e *env) {
		e.createAs("/a", "data", 0, zk.WorldACL(zk.PermRead))
		e.holds("/a", "data")
		e.fails(second(e.conn.Set("/a", nil, -1)), zk.ErrNoAuth)
	}},
	{"children need READ, and exists too from 3.9.3 on", func(e *env) {
		e.createAs("/a", "data", 0, others)
		e.fails(third(e.conn.Children("/a")), zk.ErrNoAuth)
		ok, stat, err := e.conn.Exists("/a")
		if err == nil {
			equal(e, "found and length", ok && stat.DataLength == 4, true)
		} else {
			e.fails(err, zk.ErrNoAuth)
		}
	}},
	{"getACL needs READ or ADMIN", func(e *env) {
		user := e.user("u:p")
		for perm, want := range map[int32]error{zk.PermRead: nil, zk.PermAdmin: nil, zk.PermAll &^ (zk.PermRead | zk.PermAdmin): zk.ErrNoAuth} {
			path := e.createAs(fmt.Sprintf("/p%d", perm), "", 0, zk.DigestACL(perm, "u", "p"))
			e.fails(third(user.GetACL(path)), want)
		}
	}},
	{"an ACL does not hold for children", func(e *env) {
		user := e.user("u:p")
		e.createAs("/a", "", 0, zk.DigestACL(zk.PermCreate, "u", "p"))
		e.must(second(user.Create("/a/b", []byte("data"), 0, open)))
		e.holds("/a/b", "data")
	}},
	{"setACL counts aversion alone, and wants it", func(e *env) {
		e.create("/a", "")
		before := e.stat("/a")
		e.fails(second(e.conn.SetACL("/a", open, 1)), zk.ErrBadVersion)
		set := zk.DigestACL(zk.PermRead|zk.PermAdmin, "u", "p")
		stat, err := e.conn.SetACL("/a", set, 0)
		e.must(err)
		want := *before
		want.Aversion = 1
		equal(e, "stat", *stat, want)
		acl, stat, err := e.user("u:p").GetACL("/a")
		e.must(err)
		equal(e, "ACL", fmt.Sprint(acl), fmt.Sprint(set))
		equal(e, "stat", *stat, want)
		e.fails(second(e.conn.SetACL("/no", open, -1)), zk.ErrNoNode)
	}},
	{"setACL fires no watch", func(e *env) {
		e.create("/a", "")
		_, _, events, err := e.conn.GetW("/a")
		e.must(err)
		e.must(second(e.conn.SetACL("/a", open, -1)))
		e.silent(e.conn, events)
	}},
	{"an ACL that is empty, or of a scheme or id that no server knows, is InvalidACL", func(e *env) {
		e.create("/a", "")
		for _, acl := range [][]zk.ACL{
			nil,
			{},
			{{Perms: zk.PermAll, Scheme: "nonsense", ID: "x"}},
			{{Perms: zk.PermAll, Scheme: "world", ID: "somebody"}},
			{{Perms: zk.PermAll, Scheme: "digest", ID: "nocolon"}},
			{{Perms: zk.PermAll, Scheme: "ip", ID: "300.1.1.1"}},
			{{Perms: zk.PermAll, Scheme: "ip", ID: "127.0.0.1/33"}},
			{{Perms: zk.PermRead, Scheme: "world", ID: "anyone"}, {Perms: zk.PermAll, Scheme: "nonsense", ID: "x"}},
		} {
			e.fails(second(e.conn.Create("/b", nil, 0, acl)), zk.ErrInvalidACL)
			e.fails(second(e.conn.SetACL("/a", acl, -1)), zk.ErrInvalidACL)
		}
	}},
	{"an entry that is repeated is kept once", func(e *env) {
		e.createAs("/a", "", 0, append(zk.WorldACL(zk.PermAll), zk.WorldACL(zk.PermAll)...))
		acl, _, err := e.conn.GetACL("/a")
		e.must(err)
		equal(e, "entries", len(acl), 1)
	}},
	{"scheme auth stands for the identities of the creator, who must have one", func(e *env) {
		e.fails(second(e.conn.Create("/a", nil, 0, zk.AuthACL(zk.PermAll))), zk.ErrInvalidACL)
		user := e.user("u:p")
		e.must(second(user.Create("/a", nil, 0, zk.AuthACL(zk.PermAll))))
		acl, _, err := user.GetACL("/a")
		e.must(err)
		equal(e, "ACL", fmt.Sprint(acl), fmt.Sprint(zk.DigestACL(zk.PermAll, "u", "p")))
		e.fails(third(e.conn.Get("/a")), zk.ErrNoAuth)
		e.must(third(e.user("u:p").Get("/a")))
		e.fails(third(e.user("u:q").Get("/a")), zk.ErrNoAuth)
	}},
	{"a session has every identity that it has added", func(e *env) {
		user := e.user("u:p")
		e.must(user.AddAuth("digest", []byte("v:q")))
		e.createAs("/u", "", 0, zk.DigestACL(zk.PermRead, "u", "p"))
		e.createAs("/v", "", 0, zk.DigestACL(zk.PermRead, "v", "q"))
		e.must(third(user.Get("/u")))
		e.must(third(user.Get("/v")))
	}},
	{"digests are shown only to sessions that may change the ACL", func(e *env) {
		acl := append(zk.DigestACL(zk.PermAdmin, "u", "p"), zk.WorldACL(zk.PermRead)...)
		e.createAs("/a", "", 0, acl)
		got, _, err := e.conn.GetACL("/a")
		e.must(err)
		equal(e, "masked", fmt.Sprint(got), "[{16 digest u:x} {1 world anyone}]")
		got, _, err = e.user("u:p").GetACL("/a")
		e.must(err)
		equal(e, "in full", fmt.Sprint(got), fmt.Sprint(acl))
	}},
	{"scheme ip is the client's address", func(e *env) {
		for id, want := range map[string]error{"127.0.0.1": nil, "127.0.0.0/8": nil, "127.0.0.2": zk.ErrNoAuth, "10.0.0.0/8": zk.ErrNoAuth} {
			e.createAs("/a", "", 0, []zk.ACL{{Perms: zk.PermRead, Scheme: "ip", ID: id}})
			e.fails(third(e.conn.Get("/a")), want)
			e.delete("/a")
		}
	}},
	{"whoAmI tells the identities without their secrets", func(e *env) {
		ids, err := e.user("u:p").WhoAmI()
		e.must(err)
		got := []string{}
		for _, id := range ids {
			got = append(got, id.Scheme+":"+id.User)
		}
		slices.Sort(got)
		equal(e, "identities", fmt.Sprint(got), "[digest:u ip:127.0.0.1]")
	}},
	{"no ACL applies to the superuser", func(e *env) {
		e.createAs("/a", "data", 0, others)
		super := e.user(e.target.Super)
		data, _, err := super.Get("/a")
		e.must(err)
		equal(e, "data", string(data), "data")
		e.must(second(super.SetACL("/a", open, -1)))
	}},
	{"credentials of a scheme that the server does not have are AuthFailed", func(e *env) {
		c := e.connect()
		e.must(third(c.Exists("/")))
		e.fails(c.AddAuth("nonsense", []byte("x")), zk.ErrAuthFailed)
	}},
	{"credentials are shown again after a reconnect", func(e *env) {
		c, link, states := e.remote(long)
		e.must(c.AddAuth("digest", []byte("u:p")))
		e.createAs("/a", "data", 0, zk.DigestACL(zk.PermAll, "u", "p"))
		e.must(third(c.Get("/a")))
		link.cut()
		states.await(zk.StateDisconnected)
		link.mend()
		states.await(zk.StateHasSession)
		e.must(third(c.Get("/a")))
	}},
	{"no event tells of a znode that the watcher may not read", func(e *env) {
		user := e.user("u:p")
		w := e.connect()
		hidden, seen := e.existsW(w, "/a"), e.existsW(user, "/a")
		lasting := e.addWatch(w, "/a", zk.AddWatchPersistent)
		e.must(second(user.Create("/a", nil, 0, zk.DigestACL(zk.PermAll, "u", "p"))))
		e.receives(seen, zk.EventNodeCreated, "/a")
		e.must(second(user.Set("/a", []byte("x"), -1)))
		e.must(second(user.Create("/a/b", nil, 0, open)))
		e.silent(w, hidden)
		e.silent(w, lasting.Events())
	}},
	{"the list of children tells of a child that the watcher may not read", func(e *env) {
		w := e.connect()
		children := e.childrenW(w, "/")
		e.createAs("/a", "", 0, others)
		e.receives(children, zk.EventNodeChildrenChanged, "/")
	}},
}
