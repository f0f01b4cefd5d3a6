package ensemble

import (
	"slices"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// What a change taught is kept only if its own events came, and no other.
func TestLearn(t *testing.T) {
	for _, test := range []struct {
		name   string
		events func(c *cache)
		kept   bool
	}{
		{"its own event", func(c *cache) { c.changedHere("/d/new"); c.changedHere("/d") }, true},
		{"no event", func(c *cache) {}, false},
		{"another's event too", func(c *cache) { c.changedHere("/d/new"); c.changedHere("/d"); c.changed("/d/new") }, false},
		{"another's event instead", func(c *cache) { c.changed("/d/new"); c.changed("/d") }, false},
		{"two of its own", func(c *cache) { c.changedHere("/d/new"); c.changedHere("/d/new") }, false},
		{"a lost connection", func(c *cache) { c.changedHere("/d/new"); c.changedHere("/d"); c.guard(false); c.guard(true) }, false},
	} {
		c := newCache(time.Hour, 1<<20)
		c.guard(true)
		parent := &zk.Stat{Pzxid: 5, Cversion: 1, NumChildren: 1}
		c.fill(c.begin("/d"), Snapshot{Stat: parent, Children: newChildren([]string{"old"}, parent)})
		l := c.lesson("/d/new", zk.WorldACL(zk.PermAll), []watchKind{creationEvent})
		test.events(c)
		if got := c.learn(l, &zk.Stat{Czxid: 9, Mzxid: 9, Pzxid: 9}); got != test.kept {
			t.Errorf("%s: kept %v", test.name, got)
		}
		s, ok := c.look("/d/new")
		if ok != test.kept || ok && s.Stat.Czxid != 9 {
			t.Errorf("%s: the znode is known as %+v, %v", test.name, s, ok)
		}
		s, ok = c.look("/d")
		if known := ok && s.Children != nil && slices.Equal(s.Children.All(), []string{"new", "old"}) && s.Stat.NumChildren == 2 && s.Stat.Pzxid == 9; known != test.kept {
			t.Errorf("%s: the parent is known as %+v, %v", test.name, s, ok)
		}
	}
}

// A list that follows from what this mount did is not trusted for long, however often it does more.
func TestLearnedListAges(t *testing.T) {
	c := newCache(time.Hour, 1<<20)
	now := time.Now()
	c.now = func() time.Time { return now }
	c.guard(true)
	l := c.lesson("/d", zk.WorldACL(zk.PermAll), []watchKind{creationEvent})
	c.changedHere("/d")
	c.learn(l, &zk.Stat{Czxid: 9, Pzxid: 9})
	if s, ok := c.look("/d"); !ok || s.Children == nil {
		t.Fatalf("a new directory is known as %+v, %v", s, ok)
	}
	now = now.Add(listTrust / 2)
	l = c.lesson("/d/f", zk.WorldACL(zk.PermAll), []watchKind{creationEvent})
	c.changedHere("/d/f")
	c.changedHere("/d")
	c.learn(l, &zk.Stat{Czxid: 10, Pzxid: 10})
	if s, ok := c.look("/d"); !ok || s.Children.Len() != 1 {
		t.Fatalf("with a child it is known as %+v, %v", s, ok)
	}
	now = now.Add(listTrust / 2)
	if s, ok := c.look("/d"); ok {
		t.Errorf("after its time it is known as %+v", s)
	}
}

// Nothing is learned about what may be written but not read.
func TestLearnNothingUnreadable(t *testing.T) {
	c := newCache(time.Hour, 1<<20)
	c.guard(true)
	l := c.lesson("/f", zk.WorldACL(zk.PermWrite), []watchKind{creationEvent})
	c.changedHere("/f")
	if c.learn(l, &zk.Stat{Czxid: 9}) {
		t.Error("a znode that was created unreadable is known")
	}
	l = c.lesson("/f", nil, []watchKind{dataWatch})
	c.changedHere("/f")
	if c.learn(l, &zk.Stat{Czxid: 9}) {
		t.Error("a znode that was written and never read is known")
	}
}
