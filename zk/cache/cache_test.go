package cache_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/internal/bubble"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/cache"
	"github.com/zkfs/zkfs/zk/zktest"
	"github.com/zkfs/zkfs/zk/znode"
)

// servers are those with and without the recursive watch.
var servers = []string{"3.4.14", "3.8.0", "3.9.3"}

// line shows a znode. The Stat's fields about children are left out.
func line(path string, data []byte, stat *zk.Stat) string {
	return fmt.Sprintf("%s %.9q %d czxid=%d mzxid=%d version=%d",
		path, data, len(data), stat.Czxid, stat.Mzxid, stat.Version)
}

// tree returns the znodes at path and below as the server has them.
func tree(w *bubble.World, c *zk.Conn, path string) []string {
	w.Helper()
	var lines []string
	data, stat, err := c.Get(path)
	if errors.Is(err, zk.ErrNoNode) {
		return nil
	}
	w.OK(err)
	lines = append(lines, line(path, data, stat))
	names, _, err := c.Children(path)
	w.OK(err)
	slices.Sort(names)
	for _, name := range names {
		lines = append(lines, tree(w, c, znode.Join(path, name))...)
	}
	return lines
}

// held returns what the cache shows.
func held(t *cache.Cache, path string) []string {
	var lines []string
	for e := range t.Walk(path) {
		lines = append(lines, line(e.Path, e.Data, e.Stat))
	}
	return lines
}

// difference shows what is in one list alone.
func difference(got, want []string) string {
	text := ""
	for _, l := range got {
		if !slices.Contains(want, l) {
			text += "\n" + l
		}
	}
	text += "\nand not"
	for _, l := range want {
		if !slices.Contains(got, l) {
			text += "\n" + l
		}
	}
	return text
}

// equal fails the test if the cache does not show what the server has, after a Sync.
func equal(w *bubble.World, t *cache.Cache, c *zk.Conn, path string) {
	w.Helper()
	w.OK(t.Sync(w.Context()))
	got, want := held(t, path), tree(w, c, path)
	if !slices.Equal(got, want) {
		w.Fatalf("the cache shows %s", difference(got, want))
	}
}

// each runs f with each kind of server.
func each(t *testing.T, f func(w *bubble.World)) {
	for _, version := range servers {
		t.Run(version, func(t *testing.T) { bubble.Run(t, f, zktest.WithVersion(version)) })
	}
}

// change does a random change at or below /a, some of which fail.
func change(r *rand.Rand, c *zk.Conn) {
	path := "/a"
	for r.IntN(3) > 0 && len(path) < 10 {
		path += fmt.Sprintf("/%d", r.IntN(4))
	}
	switch r.IntN(4) {
	case 0:
		c.Delete(path, -1)
	case 1:
		c.Set(path, bytes.Repeat([]byte{'x'}, r.IntN(2)*1000+r.IntN(9)), -1)
	default:
		c.Create(path, []byte{byte(r.IntN(9))}, zk.FlagPersistent, bubble.ACL)
	}
}

// mirror follows Changes, and fails the test where a znode goes back.
type mirror struct {
	lines  map[string]string
	loaded int
}

func follow(w *bubble.World, t *cache.Cache, pause time.Duration) *mirror {
	m := &mirror{lines: map[string]string{}}
	last := map[string]int64{}
	go func() { // ends with the cache
		for ch := range t.Changes(w.Context()) {
			switch ch.Kind {
			case cache.Loaded:
				m.loaded++
				continue
			case cache.Deleted:
				if m.lines[ch.Path] == "" {
					w.Errorf("%s is deleted, and never was there", ch.Path)
				}
				delete(m.lines, ch.Path)
				continue
			case cache.Created:
				if m.lines[ch.Path] != "" {
					w.Errorf("%s is created twice", ch.Path)
				}
			case cache.Changed:
				if m.lines[ch.Path] == "" {
					w.Errorf("%s is changed before it is created", ch.Path)
				}
			}
			if ch.Stat.Mzxid <= last[ch.Path] {
				w.Errorf("%s goes from mzxid %d to %d", ch.Path, last[ch.Path], ch.Stat.Mzxid)
			}
			last[ch.Path] = ch.Stat.Mzxid
			m.lines[ch.Path] = line(ch.Path, ch.Data, ch.Stat)
			time.Sleep(pause) // of the bubble
		}
	}()
	return m
}

// want fails the test if the mirror is not what the server has, once it had the time to hear of it.
func (m *mirror) want(w *bubble.World, c *zk.Conn) {
	w.Helper()
	time.Sleep(time.Minute)
	synctest.Wait()
	var lines []string
	for _, l := range m.lines {
		lines = append(lines, l)
	}
	slices.Sort(lines)
	want := tree(w, c, "/a")
	slices.Sort(want)
	if !slices.Equal(lines, want) {
		w.Fatalf("the changes tell %s", difference(lines, want))
	}
	if m.loaded != 1 {
		w.Fatalf("loaded %d times", m.loaded)
	}
}

// The cache and the changes that it tells are the tree of the server, whatever changes and breaks.
func TestCacheEqualsTheTree(t *testing.T) {
	for seed := range 10 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			each(t, func(w *bubble.World) {
				r := rand.New(rand.NewPCG(uint64(seed), 0))
				c, other := w.Connect(), w.Connect()
				if seed%2 == 0 {
					w.Create(other, "/a", "/a/0", "/a/0/1", "/a/2")
				}
				tr := cache.OfTree(w.Context(), c, "/a")
				defer tr.Close()
				eager := follow(w, tr, 0)
				slow := follow(w, tr, 100*time.Millisecond)
				for range 20 {
					for range r.IntN(20) {
						change(r, other)
					}
					switch r.IntN(5) {
					case 0:
						w.Server.Disconnect()
					case 1:
						w.Server.ExpireSession(c.SessionID())
					case 2:
						w.Server.Refuse(true)
						w.Server.Disconnect()
						time.Sleep(time.Duration(r.IntN(20)) * time.Second)
						w.Server.Refuse(false)
						_, _, err := other.Exists("/a")
						for err != nil {
							_, _, err = other.Exists("/a")
						}
					}
					for range r.IntN(20) {
						change(r, other)
					}
					if r.IntN(2) == 0 {
						equal(w, tr, other, "/a")
					}
				}
				equal(w, tr, other, "/a")
				eager.want(w, other)
				slow.want(w, other)
			})
		})
	}
}

// A request that fails loses nothing, at whatever moment and in whatever way.
func TestCacheAtEachFault(t *testing.T) {
	for _, version := range servers {
		t.Run(version, func(t *testing.T) {
			bubble.EachFault(t, func(w *bubble.World, arm func()) {
				c, other := w.Connect(), w.Connect()
				w.Create(other, "/a", "/a/b", "/a/b/c", "/a/d")
				large := make([]byte, 2000)
				_, err := other.Set("/a/d", large, -1)
				w.OK(err)
				arm()
				tr := cache.OfTree(w.Context(), c, "/a")
				defer tr.Close()
				m := follow(w, tr, 0)
				w.OK(tr.Wait(w.Context()))
				ctx := w.Context()
				w.OK(znode.Create(ctx, other, "/a/b/e", nil, zk.FlagPersistent, bubble.ACL))
				_, err = znode.Set(ctx, other, "/a/b/c", []byte("x"), -1)
				w.OK(err)
				_, err = znode.Set(ctx, other, "/a/d", large[:1000], -1)
				w.OK(err)
				w.OK(znode.DeleteAll(ctx, other, "/a/b"))
				w.OK(tr.Sync(ctx))
				w.Server.OnRequest(nil)
				equal(w, tr, other, "/a")
				m.want(w, other)
			}, zktest.WithVersion(version))
		})
	}
}

// count counts the requests of a session by their operation, from now on.
func count(w *bubble.World, c *zk.Conn) map[string]int {
	n := map[string]int{}
	id := c.SessionID()
	w.Server.OnRequest(func(r zktest.Request) zktest.Fault {
		if r.SessionID == id && r.Op != "ping" {
			n[r.Op]++
		}
		return zktest.Fault{}
	})
	return n
}

// After a reconnect, data and children that have not changed are not asked for, and no change is
// told but those that were missed.
func TestRevalidationByDifference(t *testing.T) {
	each(t, func(w *bubble.World) {
		c, other := w.Connect(), w.Connect()
		w.Create(other, "/a")
		const dirs, files = 10, 50
		large := make([]byte, 4000)
		for i := range dirs {
			dir := fmt.Sprintf("/a/%d", i)
			w.Create(other, dir)
			for j := range files {
				_, err := other.Create(fmt.Sprintf("%s/%d", dir, j), large, 0, bubble.ACL)
				w.OK(err)
			}
		}
		tr := cache.OfTree(w.Context(), c, "/a")
		defer tr.Close()
		w.OK(tr.Wait(w.Context()))
		var told []string
		go func() { // ends with the cache
			for ch := range tr.Changes(w.Context()) {
				if ch.Kind == cache.Loaded {
					told = nil
					continue
				}
				told = append(told, fmt.Sprint(ch.Kind, " ", ch.Path))
			}
		}()
		synctest.Wait()
		w.Server.Refuse(true)
		w.Server.Disconnect()
		// A server that can be reached by another client alone.
		w.Server.OnRequest(func(r zktest.Request) zktest.Fault {
			return zktest.Fault{Close: r.SessionID == c.SessionID() && r.Op != "ping"}
		})
		w.Server.Refuse(false)
		_, err := znode.Set(w.Context(), other, "/a/3/7", large[1:], -1)
		w.OK(err)
		w.OK(znode.Delete(w.Context(), other, "/a/4/4", -1))
		w.OK(znode.Create(w.Context(), other, "/a/5/new", nil, zk.FlagPersistent, bubble.ACL))
		if tr.Current() {
			w.Error("the cache takes itself for current without a connection")
		}
		n := count(w, c)
		equal(w, tr, other, "/a")
		synctest.Wait()
		slices.Sort(told)
		want := []string{"changed /a/3/7", "created /a/5/new", "deleted /a/4/4"}
		if !slices.Equal(told, want) {
			w.Errorf("told %q, want %q", told, want)
		}
		reads := n["getData"] + n["getChildren"] + n["getChildren2"] + n["multiRead"]
		if reads > 20 || n["multiRead"] > 0 && n["exists"] < dirs*files {
			w.Errorf("asked %v", n)
		}
	})
}

// Reading costs no request, and one watch covers a tree where the server has that.
func TestRequests(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		c, other := w.Connect(), w.Connect()
		w.Create(other, "/a")
		for i := range 1000 {
			w.Create(other, fmt.Sprintf("/a/%d", i))
		}
		_, _, err := c.Exists("/a")
		w.OK(err)
		n := count(w, c)
		tr := cache.OfTree(w.Context(), c, "/a")
		defer tr.Close()
		w.OK(tr.Wait(w.Context()))
		single := n["getData"] + n["getChildren2"] + n["exists"]
		if n["addWatch"] != 1 || n["multiRead"] > 20 || single > 0 {
			w.Errorf("loaded by %v", n)
		}
		clear(n)
		for i := range 1000 {
			if _, _, err := tr.Get(fmt.Sprintf("/a/%d", i)); err != nil {
				w.Fatal(err)
			}
		}
		if _, err := tr.Children("/a"); err != nil || len(n) > 0 {
			w.Errorf("asked %v, error %v", n, err)
		}
		if !tr.Current() {
			w.Error("not current")
		}
	})
}
