package ensemble

import (
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// testCache returns a guarded cache whose clock is *now.
func testCache(limit int) (c *cache, now *time.Time) {
	now = new(time.Time)
	*now = time.Unix(1000, 0)
	c = newCache(time.Minute, limit)
	c.now = func() time.Time { return *now }
	c.guard(true)
	return c, now
}

func put(c *cache, path string, s Snapshot) { c.fill(c.begin(path), s) }

func file1(mzxid int64, data string) Snapshot {
	return Snapshot{Stat: &zk.Stat{Mzxid: mzxid, DataLength: int32(len(data))}, Data: []byte(data), HasData: true}
}

func TestCacheKeepsWhatItWasTold(t *testing.T) {
	c, now := testCache(1 << 20)
	if _, ok := c.look("/a"); ok {
		t.Fatal("known before anything was asked")
	}
	put(c, "/a", file1(1, "x"))
	put(c, "/", Snapshot{Stat: &zk.Stat{}, Children: newChildren(nil, &zk.Stat{})})
	learned := *now
	*now = now.Add(40 * time.Second)
	s, ok := c.look("/a")
	if !ok || string(s.Data) != "x" || !s.Guarded {
		t.Fatalf("%+v, %v", s, ok)
	}
	// Who asks late may not keep it longer.
	if !s.Until.Equal(learned.Add(time.Minute)) {
		t.Errorf("trusted until %v, learned at %v", s.Until, learned)
	}
	if missing, until := c.absent("/", "b"); !missing || !until.Equal(learned.Add(time.Minute)) {
		t.Errorf("missing: %v, until %v", missing, until)
	}
	*now = now.Add(20 * time.Second)
	if _, ok := c.look("/a"); ok {
		t.Error("still trusted after the maximal age")
	}
}

func TestCacheKnowsMissing(t *testing.T) {
	c, _ := testCache(1 << 20)
	put(c, "/a", Snapshot{})
	if s, ok := c.look("/a"); !ok || s.Stat != nil {
		t.Errorf("%+v, %v", s, ok)
	}
	put(c, "/", Snapshot{Stat: &zk.Stat{Pzxid: 5}, Children: newChildren([]string{"a", "c"}, &zk.Stat{Pzxid: 5})})
	for name, want := range map[string]bool{"a": false, "b": true, "c": false} {
		if missing, _ := c.absent("/", name); missing != want {
			t.Errorf("absent(%s) = %v", name, missing)
		}
	}
	c.changed("/")
	if missing, _ := c.absent("/", "b"); missing {
		t.Error("a stale list says that b is missing")
	}
}

// A reply that an event overtook must not be kept, and one that was asked for after the event must.
func TestCacheRefusesAnswersOlderThanAnEvent(t *testing.T) {
	c, _ := testCache(1 << 20)
	old := c.begin("/a")
	c.changed("/a")
	later := c.begin("/a")
	if s := c.fill(old, file1(1, "old")); s.Guarded {
		t.Error("the outdated answer counts as guarded")
	}
	if _, ok := c.look("/a"); ok {
		t.Fatal("the outdated answer was kept")
	}
	c.fill(later, file1(2, "new"))
	if s, ok := c.look("/a"); !ok || string(s.Data) != "new" {
		t.Errorf("%q, %v", s.Data, ok)
	}
}

func TestCacheRefusesAnswersFromBeforeALostConnection(t *testing.T) {
	c, _ := testCache(1 << 20)
	before := c.begin("/a")
	c.guard(false)
	during := c.begin("/b")
	c.guard(true)
	c.fill(before, file1(1, "x"))
	c.fill(during, file1(1, "x"))
	for _, path := range []string{"/a", "/b"} {
		if _, ok := c.look(path); ok {
			t.Errorf("%s was kept", path)
		}
	}
}

func TestCacheKeepsNothingUnguarded(t *testing.T) {
	c, _ := testCache(1 << 20)
	c.guard(false)
	put(c, "/a", file1(1, "x"))
	if _, ok := c.look("/a"); ok {
		t.Error("kept although nothing watches")
	}
	if n, _ := c.counts(); n != 0 {
		t.Errorf("%d entries are left", n)
	}
}

// After one Exists that shows the same mzxid and pzxid, data and names count again.
func TestCacheRevalidates(t *testing.T) {
	c, _ := testCache(1 << 20)
	st := zk.Stat{Mzxid: 4, Pzxid: 5}
	put(c, "/a", Snapshot{Stat: &st, Data: []byte("x"), HasData: true})
	put(c, "/a", Snapshot{Stat: &st, Children: newChildren([]string{"c"}, &st)})
	c.guard(false)
	c.guard(true)
	if _, ok := c.look("/a"); ok {
		t.Fatal("used without being verified")
	}
	put(c, "/a", Snapshot{Stat: &st})
	if s, ok := c.look("/a"); !ok || !s.HasData || s.Children == nil {
		t.Errorf("%+v, %v", s, ok)
	}
	put(c, "/a", Snapshot{Stat: &zk.Stat{Mzxid: 6, Pzxid: 5}})
	if s, _ := c.look("/a"); s.HasData || s.Children == nil {
		t.Errorf("after a change of the data: %+v", s)
	}
	put(c, "/a", Snapshot{Stat: &zk.Stat{Mzxid: 6, Pzxid: 7}})
	if s, _ := c.look("/a"); s.HasData || s.Children != nil {
		t.Errorf("after a change of the children: %+v", s)
	}
}

// A ClickHouse Keeper leaves pzxid alone when a child is deleted, and raises cversion.
func TestCacheRevalidatesChildrenByCversion(t *testing.T) {
	c, _ := testCache(1 << 20)
	before := &zk.Stat{Pzxid: 5, Cversion: 2, NumChildren: 2}
	put(c, "/a", Snapshot{Stat: before, Children: newChildren([]string{"b", "c"}, before)})
	put(c, "/a", Snapshot{Stat: &zk.Stat{Pzxid: 5, Cversion: 3, NumChildren: 1}})
	if s, _ := c.look("/a"); s.Children != nil {
		t.Errorf("after a delete: %q", s.Children.All())
	}
}

func TestCacheDropsWhatWasNotUsed(t *testing.T) {
	c, _ := testCache(4*(entryBytes+2+1000) - 1) // holds three
	big := make([]byte, 1000)
	for _, path := range []string{"/a", "/b", "/c"} {
		put(c, path, Snapshot{Stat: &zk.Stat{}, Data: big, HasData: true})
	}
	c.look("/a")
	held := c.begin("/b")
	put(c, "/d", Snapshot{Stat: &zk.Stat{}, Data: big, HasData: true})
	if _, ok := c.look("/c"); ok {
		t.Error("/c, used least recently, is there")
	}
	for _, path := range []string{"/a", "/b", "/d"} {
		if _, ok := c.look(path); !ok {
			t.Errorf("%s, in use, is gone", path)
		}
	}
	c.cancel(held)
	if n, size := c.counts(); n != 3 || size > c.limit {
		t.Errorf("%d entries, %d bytes", n, size)
	}
}

func TestCacheReset(t *testing.T) {
	c, _ := testCache(1 << 20)
	put(c, "/a", file1(1, "x"))
	under := c.begin("/b")
	c.reset()
	if n, _ := c.counts(); n != 1 {
		t.Errorf("%d entries, want the one that is asked for", n)
	}
	c.fill(under, file1(1, "x"))
	if _, ok := c.look("/b"); ok {
		t.Error("an answer of the session that is over was kept")
	}
	if n, size := c.counts(); n != 0 || size != 0 {
		t.Errorf("%d entries, %d bytes are left", n, size)
	}
}
