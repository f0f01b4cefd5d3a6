package fs

import (
	"testing"

	"github.com/zkfs/zkfs/zk"
)

// What the session may do belongs to one ACL of one znode.
func TestCacheKeepsPermsOfAnACL(t *testing.T) {
	c, _ := testCache(1 << 20)
	put(c, "/a", snapshot{stat: &zk.Stat{Czxid: 3}, perms: zk.PermRead, hasPerms: true})
	for _, test := range []struct {
		st   zk.Stat
		want bool
	}{
		{zk.Stat{Czxid: 3, Mzxid: 4}, true},
		{zk.Stat{Czxid: 3, Aversion: 1}, false},
		{zk.Stat{Czxid: 5}, false},
		{zk.Stat{Czxid: 3}, true},
	} {
		put(c, "/a", snapshot{stat: &test.st, data: []byte("x"), hasData: true})
		if s, ok := c.look("/a"); !ok || s.hasPerms != test.want || s.hasPerms && s.perms != zk.PermRead {
			t.Errorf("%+v: %+v, %v", test.st, s, ok)
		}
	}
	put(c, "/a", snapshot{})
	put(c, "/a", snapshot{stat: &zk.Stat{Czxid: 3}})
	if s, _ := c.look("/a"); s.hasPerms {
		t.Error("known of a znode that was missing meanwhile")
	}
}
