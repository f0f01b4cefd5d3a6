package fs

import (
	"strings"
	"testing"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/zk"
)

// An ACL that another client has changed raises IN_ATTRIB when the mount learns of it, once; one that
// was changed through the mount does not, beside what the kernel tells.
func TestChangesOfACLsAreTold(t *testing.T) {
	w := newWorld(t, Options{Inotify: InotifyOn, Poker: startPoker})
	w.want("ok", "watch", ".")
	w.create("/d", "")
	w.create("/d/x", "")
	w.create("/f", "x")
	w.do("events", ".:CLOSE_WRITE f")
	w.want("ok x", "ls", "d")
	for _, name := range []string{"f", "d"} {
		w.do("stat", name)
		w.want("ok", "watch", name)
		w.must(func() error {
			_, err := w.other.SetACL("/"+name, zk.WorldACL(zk.PermAll), -1)
			return err
		})
		w.want("ok world:anyone:cdrwa", "getxattr", name, "user.zk.acl") // which asks the servers
		w.do("events", name+":ATTRIB"+map[string]string{"d": "+ISDIR"}[name])
		w.want("ok", "setxattr", name, "user.zk.acl", "world:anyone:cdrwa")
		w.want("ok world:anyone:cdrwa", "getxattr", name, "user.zk.acl")
		w.do("stat", name)
		w.create("/"+name+"-later", "x")
		got := w.do("events", ".:CLOSE_WRITE "+name+"-later")
		if n := strings.Count(got, " "+name+":ATTRIB"); n != 1 {
			t.Errorf("a change through the mount raised %s", got)
		}
		q := w.fs.pokes.queue
		q.mu.Lock()
		if due := q.pending["/"+name]; due.has(ensemble.AttrChanged) {
			t.Error("a poke about it is due")
		}
		q.mu.Unlock()
	}
	if acl, _, err := w.other.GetACL("/f"); err != nil || len(acl) != 1 {
		t.Errorf("%v, %v", acl, err)
	}
}
