package zk_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

func TestChrootPaths(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connectTo(t, server.Dialer(), zk.WithChroot("/app"))
		for path, ok := range map[string]bool{
			"/": true, "/a": true, "/a/b": true, "": false, "a": false, "/a/": false,
		} {
			if _, err := c.Chroot(path); errors.Is(err, zk.ErrInvalidPath) == ok {
				t.Errorf("%q: %v, want ok %v", path, err, ok)
			}
		}
	})
}

// heard gathers the events of an observer as "TYPE PATH".
type heard struct {
	mu     sync.Mutex
	events []string
}

func (h *heard) on(e zk.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e.Type != zk.EventSession {
		h.events = append(h.events, e.Type.String()+" "+e.Path)
	}
}

func (h *heard) take() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := h.events
	h.events = nil
	return list
}

// Views of one session hear of the same change, each with the path that it knows, and of none
// outside. So it is with what a reconnect may have lost.
func TestChrootEvents(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		for _, path := range []string{"/a", "/a/b", "/a/b/c", "/ab"} {
			if _, err := c.Create(path, nil, 0, zk.WorldACL(zk.PermAll)); err != nil {
				t.Fatal(err)
			}
		}
		a := chrootOf(t, c, "/a")
		var views []*sight
		for _, v := range []*sight{
			{view: c, own: "/a/b/c"},
			{view: a, own: "/b/c"},
			{view: chrootOf(t, a, "/b"), own: "/c"},
			{view: chrootOf(t, c, "/a/b/c"), own: "/"},
		} {
			v.look(t)
			views = append(views, v)
		}
		var outside heard
		chrootOf(t, c, "/ab").OnEvent(outside.on)

		if _, err := c.Set("/a/b/c", []byte("new"), -1); err != nil {
			t.Fatal(err)
		}
		for _, v := range views {
			for _, events := range []<-chan zk.Event{v.once, v.lasting.Events(), v.below.Events()} {
				v.next(t, events, zk.EventNodeDataChanged, v.own)
			}
		}
		server.Disconnect()
		for _, v := range views {
			v.next(t, v.lasting.Events(), zk.EventLost, v.own)
			v.next(t, v.below.Events(), zk.EventLost, "/")
		}
		if err := c.Delete("/a/b/c", -1); err != nil {
			t.Fatal(err)
		}
		for _, v := range views {
			v.next(t, v.lasting.Events(), zk.EventNodeDeleted, v.own)
			v.next(t, v.below.Events(), zk.EventNodeDeleted, v.own)
			want := []string{"EventNodeDataChanged " + v.own, "EventNodeDeleted " + v.own}
			if got := v.heard.take(); !slices.Equal(got, want) {
				t.Errorf("%s heard of %q, want %q", v.own, got, want)
			}
		}
		if got := outside.take(); got != nil {
			t.Errorf("another view heard of %q", got)
		}
	})
}

// sight is how a view sees a znode: by its path, its watches and its observer.
type sight struct {
	view           *zk.Conn
	own            string
	once           <-chan zk.Event
	lasting, below *zk.Watcher
	heard          heard
}

func (s *sight) look(t *testing.T) {
	t.Helper()
	var errs [3]error
	_, _, s.once, errs[0] = s.view.GetW(s.own)
	s.lasting, errs[1] = s.view.AddWatch(s.own, zk.AddWatchPersistent)
	s.below, errs[2] = s.view.AddWatch("/", zk.AddWatchPersistentRecursive)
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	s.view.OnEvent(s.heard.on)
}

func (s *sight) next(t *testing.T, events <-chan zk.Event, typ zk.EventType, path string) {
	t.Helper()
	if e := <-events; e.Type != typ || e.Path != path {
		t.Errorf("the view that knows %s got %v of %s, want %v of %s", s.own, e.Type, e.Path, typ, path)
	}
}

func chrootOf(t *testing.T, c *zk.Conn, path string) *zk.Conn {
	t.Helper()
	view, err := c.Chroot(path)
	if err != nil {
		t.Fatal(err)
	}
	return view
}
