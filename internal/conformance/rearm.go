package conformance

import "github.com/zkfs/zkfs/zk"

// away cuts a link, does what happens meanwhile, and waits until the client is back.
func (e *env) away(link *link, states *states, meanwhile func()) {
	e.Helper()
	link.cut()
	states.await(zk.StateDisconnected)
	meanwhile()
	link.mend()
	states.await(zk.StateHasSession)
}

// rearmCases are about one-shot watches that outlive their connection.
var rearmCases = []Case{
	{"a watch on what did not change lives on after a reconnect", func(e *env) {
		w, link, states := e.remote(long)
		e.create("/a", "")
		data, exist, children := e.getW(w, "/a"), e.existsW(w, "/no"), e.childrenW(w, "/a")
		e.away(link, states, func() {})
		e.silent(w, data)
		e.silent(w, exist)
		e.silent(w, children)
		e.set("/a", "x")
		e.receives(data, zk.EventNodeDataChanged, "/a")
		e.create("/no", "")
		e.receives(exist, zk.EventNodeCreated, "/no")
		e.create("/a/b", "")
		e.receives(children, zk.EventNodeChildrenChanged, "/a")
	}},
	{"after a reconnect a data watch tells of what was set or deleted meanwhile", func(e *env) {
		w, link, states := e.remote(long)
		e.create("/set", "")
		e.create("/deleted", "")
		set, deleted := e.getW(w, "/set"), e.getW(w, "/deleted")
		e.away(link, states, func() {
			e.set("/set", "x")
			e.delete("/deleted")
		})
		e.receives(set, zk.EventNodeDataChanged, "/set")
		e.receives(deleted, zk.EventNodeDeleted, "/deleted")
	}},
	{"after a reconnect an exist watch tells of what was created meanwhile", func(e *env) {
		w, link, states := e.remote(long)
		created := e.existsW(w, "/created")
		e.away(link, states, func() { e.create("/created", "") })
		e.receives(created, zk.EventNodeCreated, "/created")
	}},
	{"after a reconnect a child watch tells of children that came, of one that went, and of the end", func(e *env) {
		w, link, states := e.remote(long)
		for _, path := range []string{"/came", "/went", "/went/a", "/deleted"} {
			e.create(path, "")
		}
		came, went, deleted := e.childrenW(w, "/came"), e.childrenW(w, "/went"), e.childrenW(w, "/deleted")
		e.away(link, states, func() {
			e.create("/came/a", "")
			e.delete("/went/a")
			e.delete("/deleted")
		})
		e.receives(came, zk.EventNodeChildrenChanged, "/came")
		e.receives(went, zk.EventNodeChildrenChanged, "/went")
		e.receives(deleted, zk.EventNodeDeleted, "/deleted")
	}},
	{"a watch that fired before the connection was lost is not set again", func(e *env) {
		w, link, states := e.remote(long)
		e.create("/a", "")
		events := e.getW(w, "/a")
		e.set("/a", "x")
		e.receives(events, zk.EventNodeDataChanged, "/a")
		e.away(link, states, func() { e.set("/a", "y") })
		e.closed(events)
	}},
	{"watches are set again after the credentials that they need", func(e *env) {
		w, link, states := e.remote(long)
		e.must(w.AddAuth("digest", []byte("u:p")))
		e.createAs("/a", "", 0, zk.DigestACL(zk.PermAll, "u", "p"))
		user := e.user("u:p")
		data, children, later := e.getW(w, "/a"), e.childrenW(w, "/a"), e.existsW(w, "/a/later")
		e.away(link, states, func() {
			e.must(second(user.Set("/a", nil, -1)))
			e.must(second(user.Create("/a/b", nil, 0, zk.AuthACL(zk.PermAll))))
		})
		e.receives(data, zk.EventNodeDataChanged, "/a")
		e.receives(children, zk.EventNodeChildrenChanged, "/a")
		e.must(second(user.Create("/a/later", nil, 0, zk.AuthACL(zk.PermAll))))
		e.receives(later, zk.EventNodeCreated, "/a/later")
	}},
	{"thousands of watches are set again", func(e *env) {
		w, link, states := e.remote(long)
		const n = 3000
		all := make([]<-chan zk.Event, n)
		for i := range all {
			all[i] = e.existsW(w, "/a-rather-long-name-so-that-it-takes-more-than-one-request-"+digits(i))
		}
		e.away(link, states, func() {})
		e.must(second(w.Sync("/")))
		for _, i := range []int{0, n / 2, n - 1} {
			path := e.create("/a-rather-long-name-so-that-it-takes-more-than-one-request-"+digits(i), "")
			e.receives(all[i], zk.EventNodeCreated, path)
		}
	}},
}
