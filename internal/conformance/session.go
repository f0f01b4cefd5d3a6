package conformance

import (
	"time"

	"github.com/zkfs/zkfs/zk"
)

// sessionCases are about sessions and what belongs to them.
var sessionCases = []Case{
	{"an ephemeral has its session as owner, and goes when that is closed", func(e *env) {
		c := e.connect()
		e.must(second(c.Create("/e", nil, zk.FlagEphemeral, open)))
		equal(e, "owner", e.stat("/e").EphemeralOwner, c.SessionID())
		events := e.existsW(e.conn, "/e")
		children := e.childrenW(e.conn, "/")
		c.Close()
		e.receives(events, zk.EventNodeDeleted, "/e")
		e.receives(children, zk.EventNodeChildrenChanged, "/")
		e.missing("/e")
	}},
	{"anybody may delete an ephemeral", func(e *env) {
		c := e.connect()
		e.must(second(c.Create("/e", nil, zk.FlagEphemeral, open)))
		e.delete("/e")
	}},
	{"opening and closing a session are transactions", func(e *env) {
		e.create("/a", "")
		before := e.stat("/a").Czxid
		c := e.connect()
		e.must(third(c.Exists("/")))
		c.Close()
		e.create("/b", "")
		spent := int64(2)
		if e.has(FreeSessions) {
			spent = 1
		}
		equal(e, "zxids were spent", e.stat("/b").Czxid > before+spent, true)
	}},
	{"the server bounds the session timeout", func(e *env) {
		c, _, _ := e.remote(time.Hour)
		equal(e, "less than an hour", c.SessionTimeout() < time.Hour, true)
		equal(e, "more than nothing", c.SessionTimeout() > 0, true)
	}},
	{"a session and its ephemerals outlive a lost connection", func(e *env) {
		c, link, states := e.remote(long)
		e.must(second(c.Create("/e", nil, zk.FlagEphemeral, open)))
		id := c.SessionID()
		e.away(link, states, func() { e.stat("/e") })
		equal(e, "session", c.SessionID(), id)
		e.stat("/e")
	}},
	{"a session ends when its client is silent for the timeout, and its ephemerals with it", func(e *env) {
		c, link, states := e.remote(brief)
		e.must(second(c.Create("/e", nil, zk.FlagEphemeral, open)))
		id := c.SessionID()
		data := e.getW(c, "/")
		lasting := func() {}
		if !e.has(NoAddWatch) {
			w := e.addWatch(c, "/x", zk.AddWatchPersistent)
			lasting = func() { e.ends(w) }
		}
		events := e.existsW(e.conn, "/e")
		link.cut()
		e.receives(events, zk.EventNodeDeleted, "/e")
		link.mend()
		states.await(zk.StateExpired)
		ev := e.receives(data, zk.EventNotWatching, "/")
		e.fails(ev.Err, zk.ErrSessionExpired)
		lasting()
		states.await(zk.StateHasSession)
		equal(e, "another session", c.SessionID() != id, true)
		e.must(second(c.Create("/e", nil, zk.FlagEphemeral, open)))
		equal(e, "owner", e.stat("/e").EphemeralOwner, c.SessionID())
	}},
	{"pings keep a session", func(e *env) {
		const timeout = 2 * brief // a busy machine pings late
		c, _, _ := e.remote(timeout)
		e.must(second(c.Create("/e", nil, zk.FlagEphemeral, open)))
		id := c.SessionID()
		<-time.After(timeout + brief)
		e.must(third(c.Exists("/")))
		equal(e, "session", c.SessionID(), id)
		e.stat("/e")
	}},
	{"a session can be gone on with by another client", func(e *env) {
		first, link, states := e.remote(long)
		e.must(second(first.Create("/e", nil, zk.FlagEphemeral, open)))
		id, password := first.SessionID(), first.SessionPassword()
		link.cut()
		states.await(zk.StateDisconnected)
		other := e.connect(zk.WithSession(id, password))
		e.must(third(other.Exists("/e")))
		equal(e, "session", other.SessionID(), id)
		equal(e, "owner", e.stat("/e").EphemeralOwner, id)
	}},
	{"a session is not given to a client without its password", func(e *env) {
		c := e.connect()
		e.must(second(c.Create("/e", nil, zk.FlagEphemeral, open)))
		thief, _, _ := e.remote(long, zk.WithSession(c.SessionID(), make([]byte, 16)))
		e.must(second(thief.Create("/t", nil, zk.FlagEphemeral, open)))
		equal(e, "another session", thief.SessionID() != c.SessionID(), true)
	}},
	{"a session that never was is expired", func(e *env) {
		c, _, _ := e.remote(long, zk.WithSession(0x1234567, make([]byte, 16)))
		equal(e, "another session", c.SessionID() != 0x1234567, true)
	}},
}

// ends checks that a persistent watch ends with the session, whatever it says before.
func (e *env) ends(w *zk.Watcher) {
	e.Helper()
	timeout := time.After(patience)
	for {
		select {
		case ev, ok := <-w.Events():
			if !ok {
				e.Fatal("the watch was closed without a word")
			}
			if ev.Type == zk.EventNotWatching {
				e.closed(w.Events())
				return
			}
		case <-timeout:
			e.Fatal("the watch does not end")
		}
	}
}
