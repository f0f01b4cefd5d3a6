package cut_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/zkfs/zkfs/internal/bubble"
	"github.com/zkfs/zkfs/internal/cut"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// lines shows what a cut holds.
func lines(w *bubble.World, c *cut.Cut) []string {
	w.Helper()
	var lines []string
	for r, err := range c.Records() {
		w.OK(err)
		lines = append(lines, fmt.Sprintf("%s %q v%d %v", r.Path, r.Data, r.Stat.Version, r.ACL))
	}
	return lines
}

const open = "[{31 world anyone}]"

func TestTake(t *testing.T) {
	bubble.EachFault(t, func(w *bubble.World, arm func()) {
		c := w.Connect()
		w.Create(c, "/a", "/a/b", "/a/b/x", "/a/b-c", "/a/b/y", "/a/.data", "/outside", "/a/sys", "/a/sys/x")
		_, err := c.Set("/a/b", nil, -1)
		w.OK(err)
		arm()
		got, err := cut.Take(w.Context(), c, "/a", cut.Options{Exclude: []string{"/a/sys"}})
		w.OK(err)
		defer got.Close()
		want := []string{
			`/ "data" v0 ` + open,
			`/.data "data" v0 ` + open,
			`/b "" v1 ` + open,
			`/b/x "data" v0 ` + open,
			`/b/y "data" v0 ` + open,
			`/b-c "data" v0 ` + open,
		}
		if lines := lines(w, got); !slices.Equal(lines, want) {
			w.Errorf("got %q", lines)
		}
		if last := c.LastZxid(); got.Zxid == 0 || got.Zxid > last {
			w.Errorf("the cut is of %#x, the client has seen %#x", got.Zxid, last)
		}
	})
}

// A writer changes several znodes at once, and moves one from queue to queue: each cut has all of a
// transaction or nothing, and Next leads from one to the next.
func TestTakeBesideAWriter(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		writer, c := w.Connect(), w.Connect()
		w.Create(writer, "/t", "/t/a", "/t/b", "/t/q", "/t/q/0")
		for i := range 50 {
			w.Create(writer, fmt.Sprintf("/t/a/%d", i))
		}
		stop := make(chan struct{})
		var all sync.WaitGroup
		defer all.Wait()
		defer close(stop)
		all.Go(func() { // ends with stop
			for n := 1; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				text := []byte(fmt.Sprint(n))
				_, err := writer.Multi(
					&zk.SetDataRequest{Path: "/t/a", Data: text, Version: -1},
					&zk.SetDataRequest{Path: fmt.Sprintf("/t/a/%d", n%50), Data: text, Version: -1},
					&zk.SetDataRequest{Path: "/t/b", Data: text, Version: -1},
					&zk.DeleteRequest{Path: fmt.Sprintf("/t/q/%d", n-1), Version: -1},
					&zk.CreateRequest{Path: fmt.Sprintf("/t/q/%d", n), Data: text, Acl: bubble.ACL},
				)
				if err != nil {
					w.Error(err)
					return
				}
			}
		})
		for range 20 {
			got, err := cut.Take(w.Context(), c, "/t", cut.Options{})
			w.OK(err)
			tree := map[string]string{}
			for r, err := range got.Records() {
				w.OK(err)
				tree[r.Path] = string(r.Data)
			}
			whole(w, tree)
			for range 3 {
				ch, err := got.Next(w.Context())
				w.OK(err)
				for _, path := range ch.Gone {
					delete(tree, path)
				}
				for _, r := range ch.Records {
					tree[r.Path] = string(r.Data)
				}
				whole(w, tree)
			}
			got.Close()
		}
	})
}

// whole fails the test unless tree has one transaction of the writer, and all of it.
func whole(w *bubble.World, tree map[string]string) {
	w.Helper()
	n := tree["/a"]
	var queue []string
	latest := false
	for path, data := range tree {
		if name, ok := strings.CutPrefix(path, "/q/"); ok {
			queue = append(queue, name)
		}
		latest = latest || strings.HasPrefix(path, "/a/") && data == n
	}
	if n == "data" { // before the first
		return
	}
	if tree["/b"] != n || !latest || !slices.Equal(queue, []string{n}) {
		w.Fatalf("a is %s, b is %s, its part below a is there: %v, queue %q", n, tree["/b"], latest, queue)
	}
}

func TestTakeRefuses(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		_, err := cut.Take(w.Context(), w.Connect(), "/", cut.Options{})
		if !errors.Is(err, cut.ErrUnsupported) {
			w.Errorf("an old server: %v", err)
		}
	}, zktest.WithVersion("3.5.9"))
	bubble.Run(t, func(w *bubble.World) {
		c := w.Connect()
		_, err := cut.Take(w.Context(), c, "/none", cut.Options{})
		if !errors.Is(err, zk.ErrNoNode) {
			w.Errorf("a missing root: %v", err)
		}
		_, err = c.Create("/secret", nil, 0, zk.DigestACL(zk.PermAll, "ann", "secret"))
		w.OK(err)
		_, err = cut.Take(w.Context(), c, "/secret", cut.Options{})
		if !errors.Is(err, zk.ErrNoAuth) {
			w.Errorf("a secret root: %v", err)
		}
		got, err := cut.Take(w.Context(), c, "/", cut.Options{Exclude: cut.System})
		w.OK(err)
		defer got.Close()
		if denied := got.Denied(); !slices.Equal(denied, []string{"/secret"}) {
			w.Errorf("denied are %q", denied)
		}
	})
}

func TestSequence(t *testing.T) {
	for _, tt := range []struct {
		cversion, children, want int32
	}{{0, 0, 0}, {3, 3, 3}, {5, 1, 3}, {-1, 1, 0}, {-2, 0, cut.Unknown}, {3, 0, cut.Unknown}} {
		n := cut.Sequence(&zk.Stat{Cversion: tt.cversion, NumChildren: tt.children})
		if n != tt.want {
			t.Errorf("cversion %d, %d children: %d", tt.cversion, tt.children, n)
		}
	}
}

// Whatever the server is, the cut beside a writer is right, or refused.
func TestServers(t *testing.T) {
	for server, supported := range map[string]bool{
		"3.4": false, "3.5": false, "3.6": true, "3.9": true, "clickhouse-25.8": false, "clickhouse-26.1": false,
		"clickhouse-26.3":   false,
		"clickhouse-latest": false, "raftkeeper-latest": false,
	} {
		t.Run(server, func(t *testing.T) {
			bubble.Run(t, func(w *bubble.World) {
				writer, c := w.Connect(), w.Connect()
				w.Create(writer, "/t", "/t/a", "/t/b", "/t/c")
				asked := false
				w.Server.OnRequest(func(r zktest.Request) zktest.Fault {
					if r.Op == "multiRead" && !asked { // between the first reading and the next
						asked = true
						go func() { // ends with the reply
							_, err := writer.Multi(&zk.SetDataRequest{Path: "/t/a", Data: []byte("new"), Version: -1},
								&zk.SetDataRequest{Path: "/t/c", Data: []byte("new"), Version: -1})
							if err != nil {
								w.Error(err)
							}
						}()
					}
					return zktest.Fault{}
				})
				got, err := cut.Take(w.Context(), c, "/t", cut.Options{})
				if loose, err := cut.Take(w.Context(), c, "/t", cut.Options{Loose: true}); err != nil {
					w.Errorf("without a promise: %v", err)
				} else {
					if lines := lines(w, loose); len(lines) != 4 {
						w.Errorf("without a promise: %q", lines)
					}
					loose.Close()
				}
				if !supported {
					if !errors.Is(err, cut.ErrUnsupported) {
						w.Errorf("want a refusal, got %v", err)
					}
					return
				}
				w.OK(err)
				defer got.Close()
				tree := map[string]string{}
				for r, err := range got.Records() {
					w.OK(err)
					tree[r.Path] = string(r.Data)
					if known := r.Sequence != cut.Unknown; known != strings.HasPrefix(server, "3.") {
						w.Errorf("the number of the next child of %s is %d", r.Path, r.Sequence)
					}
				}
				if tree["/a"] != tree["/c"] || len(tree) != 4 {
					w.Errorf("%q", tree)
				}
			}, zktest.WithServer(server))
		})
	}
}
