package ensemble

import (
	"testing"

	"github.com/zkfs/zkfs/zk"
)

// What the session may do belongs to one ACL of one znode.
func TestCacheKeepsPermsOfAnACL(t *testing.T) {
	c, _ := testCache(1 << 20)
	put(c, "/a", Snapshot{Stat: &zk.Stat{Czxid: 3}, Perms: zk.PermRead, HasPerms: true})
	for _, test := range []struct {
		st   zk.Stat
		want bool
	}{
		{zk.Stat{Czxid: 3, Mzxid: 4}, true},
		{zk.Stat{Czxid: 3, Aversion: 1}, false},
		{zk.Stat{Czxid: 5}, false},
		{zk.Stat{Czxid: 3}, true},
	} {
		put(c, "/a", Snapshot{Stat: &test.st, Data: []byte("x"), HasData: true})
		if s, ok := c.look("/a"); !ok || s.HasPerms != test.want || s.HasPerms && s.Perms != zk.PermRead {
			t.Errorf("%+v: %+v, %v", test.st, s, ok)
		}
	}
	put(c, "/a", Snapshot{})
	put(c, "/a", Snapshot{Stat: &zk.Stat{Czxid: 3}})
	if s, _ := c.look("/a"); s.HasPerms {
		t.Error("known of a znode that was missing meanwhile")
	}
}
