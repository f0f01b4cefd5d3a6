package fs

import (
	"strings"
	"testing"

	"github.com/zkfs/zkfs/zk"
)

// A lock that could not be taken or not be given back is refused before a contender is there,
// whatever the file that is locked.
func TestLockNeedsItsACL(t *testing.T) {
	perms := map[rune]int32{'r': zk.PermRead, 'w': zk.PermWrite, 'c': zk.PermCreate, 'd': zk.PermDelete, 'a': zk.PermAdmin}
	for _, test := range []struct{ acl, want string }{
		{"rcd", "ok"}, {"cdrwa", "ok"},
		{"rcwa", "EACCES"}, {"rdwa", "EACCES"}, {"cdwa", "EACCES"}, {"wa", "EACCES"},
	} {
		t.Run(test.acl, func(t *testing.T) {
			var bits int32
			for _, c := range test.acl {
				bits |= perms[c]
			}
			acl := []zk.ACL{{Perms: bits, Scheme: "world", ID: "anyone"}}
			w := newWorld(t, Options{ACL: ACLList, ACLs: acl})
			w.create("/x.lock", "data")
			w.create("/f", "data")
			w.create("/f.lock", "data")
			w.create("/d", "")
			w.create("/g", "data")
			for _, path := range []string{"/x.lock", "/f.lock", "/d"} {
				if _, err := w.other.SetACL(path, acl, -1); err != nil {
					t.Fatal(err)
				}
			}
			for path, znode := range map[string]string{"f": "/f.lock", "d/.lock": "/d", "g": "/g.lock", "x.lock": "/x.lock"} {
				for _, call := range []string{"flock 1 ex+nb", "setlk 1 r 0 0"} {
					if got := w.do("open", "1", path, "r"); got == "EACCES" && bits&zk.PermRead == 0 {
						continue
					}
					if got := w.do(strings.Fields(call)...); got != test.want {
						t.Errorf("%s of %s: %s", call, path, got)
					}
					w.want("ok", "close", "1")
				}
				found, st, err := w.other.Exists(znode)
				if err != nil || test.want != "ok" && found && st.Cversion != 0 {
					t.Errorf("%s had a contender: %v, %v", znode, st, err)
				}
				if path == "g" && found && test.want != "ok" {
					t.Errorf("%s was created", znode)
				}
			}
		})
	}
}
