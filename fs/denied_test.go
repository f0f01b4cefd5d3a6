package fs

import (
	"testing"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// A znode that may not be read stands in the listing all the same. Servers from 3.9 on do not even tell its Stat.
func TestUnreadableZnodeIsListed(t *testing.T) {
	for version, stat := range map[string]string{
		"3.8.0": "ok file 0644 size=6 nlink=1",
		"3.9.3": "EACCES",
	} {
		t.Run(version, func(t *testing.T) {
			w := newWorld(t, Options{}, zktest.WithVersion(version))
			w.create("/d", "")
			w.create("/d/a", "open")
			w.must(func() error {
				_, err := w.other.Create("/d/b", []byte("secret"), 0, zk.DigestACL(zk.PermAll, "bob", "pw"))
				return err
			})
			w.create("/d/c", "open")
			for range 2 {
				w.want("ok a b c", "ls", "d")
				w.want(stat, "stat", "d/b")
				w.want("EACCES", "cat", "d/b")
				w.want(`ok "open"`, "cat", "d/c")
			}
		})
	}
}
