package ensemble

import (
	"context"
	"slices"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// The reply to a change says what became of the znode, and of the list of children
// that it is in. It is kept if nothing else happened meanwhile: the recursive watch has brought the
// events of this change, which come before the reply, and no other. The data is not kept: whether
// this session may read what it has written only reading it tells.

const (
	// listTrust is how long a list of children is trusted that follows from changes by the caller,
	// and an ACL that things are created by. No child watch stands for such a list, so the child of
	// another client that this session may not read is not noticed; and none tells of a setACL.
	listTrust = time.Second
	// listMost is how many children such a list has at most, because it is asked for anew when its
	// time is over.
	listMost = 10_000
)

// lesson is what a change that is under way may teach.
type lesson struct {
	path         string
	znode        ticket
	parent       ticket // only of a creation
	creation     bool
	readable     bool
	events       uint32 // of the change itself, about the znode
	parentListed bool
}

// lesson begins one. It must be handed to learn. The ACL is that of what is created.
func (c *cache) lesson(path string, acl []zk.ACL, kinds []watchKind) lesson {
	l := lesson{path: path, znode: c.begin(path), events: uint32(len(kinds))}
	l.creation = slices.Contains(kinds, creationEvent) && path != "/"
	if l.creation {
		dir, _ := Split(path)
		l.parent = c.begin(dir)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.creation {
		l.readable = readable(acl)
		l.parentListed = c.freshLocked(l.parent.e) && c.snapshot(l.parent.e).Children != nil
	} else {
		l.readable = l.znode.e.known && l.znode.e.stat != nil
	}
	return l
}

// readable reports whether an ACL certainly lets this session, which gives it to a new znode, read
// that.
func readable(acl []zk.ACL) bool {
	return slices.ContainsFunc(acl, func(a zk.ACL) bool {
		return a.Perms&zk.PermRead != 0 && (a.Scheme == "world" || a.Scheme == "auth")
	})
}

// learn keeps what the znode is after the change. With st nil the change failed. It returns whether
// it was kept.
func (c *cache) learn(l lesson, st *zk.Stat) bool {
	c.mu.Lock()
	kept := c.keepLesson(l, st)
	dropped := c.shrink()
	c.mu.Unlock()
	if len(dropped) > 0 {
		c.drop(dropped)
	}
	return kept
}

func (c *cache) keepLesson(l lesson, st *zk.Stat) bool {
	if l.creation {
		defer c.unpin(l.parent.e)
	}
	e := l.znode.e
	defer c.unpin(e)
	if st == nil || !l.readable || !c.guarded || !c.alone(l.znode, l.events) {
		return false
	}
	e.known, e.fresh, e.epoch, e.until = true, true, c.epoch, c.age()+c.maxAge
	e.stat = st
	if l.creation && st.Version == 0 && st.DataLength <= 0 { // a new directory
		e.names = newChildren(nil, st)
		e.until = c.age() + c.listTrust
	}
	c.weigh(e)
	if l.creation && l.parentListed && c.alone(l.parent, 1) {
		_, name := Split(l.path)
		c.adopt(l.parent.e, name, st)
	}
	return true
}

// trust returns the epoch, and how long what no watch stands for is trusted.
func (c *cache) trust() (epoch uint32, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.epoch, min(c.listTrust, c.maxAge)
}

// alone reports whether exactly so many events came about the znode since t was taken, all of them
// this mount's own.
func (c *cache) alone(t ticket, events uint32) bool {
	return c.epoch == t.epoch && uint32(t.e.gen-t.gen) == events && t.e.own-t.own == events
}

// adopt adds a new child to what is known about its parent.
func (c *cache) adopt(e *entry, name string, child *zk.Stat) {
	if e.stat == nil || e.names == nil || e.names.Len() >= listMost || e.names.Has(name) {
		return
	}
	st := *e.stat
	st.Pzxid = child.Czxid
	st.Cversion++
	st.NumChildren++
	e.stat = &st
	e.names = e.names.with(name, e.stat)
	e.fresh, e.until = true, min(e.until, c.age()+c.listTrust)
	c.weigh(e)
}

// Glimpse learns which children the znode at path has, if that is not known, for as long as a list
// is trusted that no child watch stands for: the next creation would fire one. A caller that needs
// the answer asks the servers if there is none.
func (e *Ensemble) Glimpse(ctx context.Context, path string) {
	s, ok := e.cache.look(path)
	if !ok || s.Children != nil || s.Stat == nil || s.Stat.NumChildren >= listMost ||
		e.watch.current() != WatchTree {
		return
	}
	t := e.cache.begin(path)
	list, st, err := e.conn.WithContext(ctx).Children(path)
	if err != nil {
		e.cache.cancel(t)
		return
	}
	slices.Sort(list)
	e.cache.fillBriefly(t, Snapshot{Stat: st, Children: newChildren(list, st)})
}

// fillBriefly is fill for a list of children that no child watch stands for.
func (c *cache) fillBriefly(t ticket, got Snapshot) {
	c.mu.Lock()
	if c.keep(t, got).Guarded {
		t.e.until = min(t.e.until, c.age()+c.listTrust)
	}
	dropped := c.shrink()
	c.mu.Unlock()
	if len(dropped) > 0 {
		c.drop(dropped)
	}
}

// changedHere is changed for an event of a change by the caller.
func (c *cache) changedHere(path string) bool {
	c.mu.Lock()
	if e := c.entries[path]; e != nil {
		e.own++
	}
	c.mu.Unlock()
	return c.changed(path)
}

// learning is changing for a change whose reply has the Stat, which may make several events about
// the znode. done must be called when the reply is there, with a Stat of nil if there is none.
func (e *Ensemble) learning(
	path string, acl []zk.ACL, kinds ...watchKind,
) (done func(st *zk.Stat)) {
	l := e.cache.lesson(path, acl, kinds)
	expected := make([]func(), len(kinds))
	for i, kind := range kinds {
		expected[i] = e.watch.expect(path, kind)
	}
	return func(st *zk.Stat) {
		for _, done := range expected {
			done()
		}
		if e.watch.current() != WatchTree {
			st = nil
		}
		if e.cache.learn(l, st) {
			return
		}
		e.AskAnew(path)
		if l.creation {
			dir, _ := Split(path)
			e.AskAnew(dir)
		}
	}
}
