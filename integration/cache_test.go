package integration

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/zkfs/zkfs/internal/proxy"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/cache"
	"github.com/zkfs/zkfs/zk/discovery"
	nodes "github.com/zkfs/zkfs/zk/znode"
)

var openACL = zk.WorldACL(zk.PermAll)

// stats returns the czxids and mzxids of a tree as the server has it.
func stats(t *testing.T, c *zk.Conn, root string) map[string][2]int64 {
	t.Helper()
	tree := map[string][2]int64{}
	for n, err := range nodes.Walk(t.Context(), c, root) {
		if err != nil {
			t.Fatal(err)
		}
		tree[n.Path] = [2]int64{n.Stat.Czxid, n.Stat.Mzxid}
	}
	return tree
}

// A cache of a real server's tree is that tree, and what Changes tells is it too, while the way to
// the server breaks and the session ends.
func TestCacheOfARealServer(t *testing.T) {
	t.Parallel()
	server := addr(shared.Servers[0])
	way, err := proxy.New(server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(way.Close)
	root := newRoot(t)
	c, other := connect(t, []string{way.Addr()}), connect(t, []string{server})
	tr := cache.OfTree(t.Context(), c, root)
	t.Cleanup(tr.Close)
	told := map[string][2]int64{}
	told2 := make(chan struct{})
	go func() { // ends with the cache
		defer close(told2)
		for ch := range tr.Changes(t.Context()) {
			switch ch.Kind {
			case cache.Loaded:
			case cache.Deleted:
				delete(told, ch.Path)
			default:
				told[ch.Path] = [2]int64{ch.Stat.Czxid, ch.Stat.Mzxid}
			}
		}
	}()
	r := rand.New(rand.NewPCG(1, 1))
	for round := range 9 {
		for range 50 {
			path := fmt.Sprintf("%s/%d", root, r.IntN(20))
			if r.IntN(2) == 0 {
				path += fmt.Sprintf("/%d", r.IntN(5))
			}
			switch r.IntN(4) {
			case 0:
				other.Delete(path, -1)
			case 1:
				other.Set(path, make([]byte, r.IntN(2000)), -1)
			default:
				other.Create(path, []byte("x"), 0, openACL)
			}
		}
		switch round % 3 {
		case 0:
			way.Cut()
		case 1:
			killSession(t, c, server)
		}
		if err := tr.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		held := map[string][2]int64{}
		for e := range tr.Walk(root) {
			held[e.Path] = [2]int64{e.Stat.Czxid, e.Stat.Mzxid}
		}
		if want := stats(t, other, root); !maps.Equal(held, want) {
			t.Fatalf("round %d: the cache shows %v, want %v", round, held, want)
		}
	}
	err = fs.WalkDir(tr.FS(), ".", func(_ string, _ fs.DirEntry, err error) error { return err })
	if err != nil {
		t.Error(err)
	}
	want := stats(t, other, root)
	tr.Close()
	<-told2 // all that was left has been told
	if !maps.Equal(told, want) {
		t.Errorf("the changes tell %v, want %v", told, want)
	}
}

// killSession ends the session of c, as another client that closes it does.
func killSession(t *testing.T, c *zk.Conn, server string) {
	t.Helper()
	session := zk.WithSession(c.SessionID(), c.SessionPassword())
	id := c.SessionID()
	eventually(t, func() error {
		twin := connect(t, []string{server}, session)
		twin.Exists("/") // fails if c takes its session back before
		twin.Close()
		if c.SessionID() == id {
			return errors.New("the session has not ended, or its client does not know yet")
		}
		return nil
	})
}

// An instance that dies is not listed any more, and one whose session ends comes back.
func TestDiscoveryOnARealServer(t *testing.T) {
	t.Parallel()
	server := addr(shared.Servers[0])
	path := newRoot(t) + "/web"
	a, b := connect(t, []string{server}), connect(t, []string{server})
	web := discovery.Watch(t.Context(), a, path, discovery.Curator)
	t.Cleanup(web.Close)
	for i, c := range []*zk.Conn{a, b} {
		instance := discovery.Instance{ID: fmt.Sprint(i)}
		instance.Port = 80 + i
		r, err := discovery.Register(t.Context(), c, path, discovery.Curator, instance, openACL)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ports := func(want ...int) {
		t.Helper()
		eventually(t, func() error {
			var got []int
			for _, i := range web.Instances() {
				got = append(got, i.Port)
			}
			if !slices.Equal(got, want) {
				return fmt.Errorf("ports %d, want %d", got, want)
			}
			return nil
		})
	}
	ports(80, 81)
	killSession(t, a, server)
	ports(80, 81)
	b.Close()
	ports(80)
}
