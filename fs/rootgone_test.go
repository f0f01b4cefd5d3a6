package fs

import (
	"log/slog"
	"testing"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/zk"
)

// News about the root do no harm after the kernel has forgotten it: the mount has ended.
func TestNewsWithoutARoot(t *testing.T) {
	n := newNotifier(func(string) audience { return nil }, nil, nil)
	for _, what := range []ensemble.News{
		ensemble.Created, ensemble.Deleted, ensemble.DataChanged, ensemble.ChildrenChanged,
	} {
		n.apply("/", notice{what: what})
	}
}

// A mount shows that its root znode has gone, and follows the one that takes its place.
func TestRootIsMadeAnew(t *testing.T) {
	modes(t, func(t *testing.T, w *world) {
		w.create("/r", "")
		w.create("/r/a", "1")
		conn, events, err := zk.Connect([]string{w.server.Addr()}, sessionTimeout,
			zk.WithChroot("/r"), zk.WithSlog(slog.New(slog.DiscardHandler)))
		if err != nil {
			t.Fatal(err)
		}
		go func() { // ends with Close
			for range events {
			}
		}()
		t.Cleanup(conn.Close)
		dir := t.TempDir()
		f, err := Mount(conn, dir, Options{Watch: w.fs.o.Watch})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := f.Unmount(); err != nil {
				t.Error(err)
			}
		})
		a := &world{t: t, agent: newAgent(t, dir)}
		a.want("ok a", "ls", ".")
		for _, name := range []string{"b", "c"} {
			w.remove("/r/a")
			w.remove("/r")
			a.eventually("ENOENT", "ls", ".")
			w.create("/r", "")
			w.create("/r/a", "2")
			a.eventually("ok a", "ls", ".")
			w.create("/r/"+name, "3")
			a.eventually("ok a "+name, "ls", ".")
			w.remove("/r/" + name)
			a.eventually("ok a", "ls", ".")
		}
	})
}
