package fs

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk/zktest"
)

// A commit whose time is over is made once, whether the servers take it later or not, however often
// it is asked for again.
func TestCommitWhoseTimeIsOverIsMadeOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flags   string
		more    bool     // something is written in between
		holds   []string // by whether it was taken late
		answers []string
	}{
		"overwrite":          {"w+trunc", false, []string{"new", "new"}, []string{"ok"}},
		"modify":             {"rw", false, []string{"new", "new"}, []string{"ok"}},
		"append":             {"w+append", false, []string{"oldnew", "oldnew"}, []string{"ok", "EIO"}},
		"overwrite and more": {"w+trunc", true, []string{"newmore", "newmore"}, []string{"ok"}},
		"modify and more":    {"rw", true, []string{"newmore", "newmore"}, []string{"ok"}},
		"new file":           {"w+creat", false, []string{"new", "new"}, []string{"ok"}},
		"new file and more":  {"rw+creat", true, []string{"newmore", "newmore"}, []string{"ok"}},
	} {
		for i, late := range []bool{true, false} {
			t.Run(name+map[bool]string{true: ", taken late", false: ", not taken"}[late], func(t *testing.T) {
				t.Parallel() // most of it waits
				w := newWorld(t, Options{})
				path := "/f"
				if c.flags == "w+creat" || c.flags == "rw+creat" {
					path = "/new"
				} else {
					w.create("/f", "old")
				}
				f, a := w.session(40*time.Second, Options{Timeout: 2 * time.Second})
				a.want("ok", "open", "1", path[1:], c.flags)
				a.want("ok", "write", "1", "new")
				release, held := make(chan struct{}), atomic.Bool{}
				w.server.OnRequest(func(r zktest.Request) zktest.Fault {
					if r.SessionID != f.ensemble.SessionID() || !slices.Contains(changing, r.Op) || held.Swap(true) {
						return zktest.Fault{}
					}
					<-release
					return zktest.Fault{Close: !late}
				})
				a.want("ETIMEDOUT", "fsync", "1")
				close(release)
				if c.more {
					a.want("ok", "write", "1", "more")
				}
				got := a.do("fsync", "1")
				for got == "ETIMEDOUT" {
					got = a.do("fsync", "1")
				}
				w.server.OnRequest(nil)
				if !slices.Contains(c.answers, got) {
					t.Errorf("fsync: %s", got)
				}
				a.do("close", "1")
				data, st, err := w.other.Get(path)
				if err != nil || string(data) != c.holds[i] || !c.more && path == "/f" && st.Version != 1 {
					t.Errorf("it is %q, %+v, %v", data, st, err)
				}
			})
		}
	}
}
