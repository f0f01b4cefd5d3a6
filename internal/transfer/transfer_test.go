package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/internal/bubble"
	"github.com/zkfs/zkfs/internal/cut"
	"github.com/zkfs/zkfs/internal/transfer"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// reading is a world:anyone ACL that lets no client create children.
var reading = zk.WorldACL(zk.PermRead | zk.PermAdmin)

// plant makes a tree with counters, versions and ACLs.
func plant(w *bubble.World, c *zk.Conn) {
	w.Helper()
	w.Create(c, "/a", "/a/dir", "/a/dir/x", "/a/dir/y", "/a/queue", "/a/file")
	for range 5 {
		path, err := c.Create("/a/queue/item-", nil, zk.FlagSequence, bubble.ACL)
		w.OK(err)
		if !strings.HasSuffix(path, "4") {
			w.OK(c.Delete(path, -1))
		}
	}
	for range 3 {
		_, err := c.Set("/a/file", []byte("new"), -1)
		w.OK(err)
	}
	_, err := c.Create("/a/mortal", []byte("x"), zk.FlagEphemeral, bubble.ACL)
	w.OK(err)
	_, err = c.SetACL("/a/dir", reading, -1)
	w.OK(err)
}

// census shows a tree, with what a transfer must make equal.
func census(w *bubble.World, c *zk.Conn, root string) []string {
	w.Helper()
	tree, err := cut.Take(w.Context(), c, root, cut.Options{})
	w.OK(err)
	defer tree.Close()
	var lines []string
	for r, err := range tree.Records() {
		w.OK(err)
		lines = append(lines, fmt.Sprintf("%s %q %v next=%d version=%d",
			r.Path, r.Data, r.ACL, r.Sequence, r.Stat.Version))
	}
	return lines
}

// lasting is census without the ephemeral of plant.
func lasting(w *bubble.World, c *zk.Conn) []string {
	return slices.DeleteFunc(census(w, c, "/a"), func(l string) bool { return strings.HasPrefix(l, "/mortal") })
}

// source takes what plant has made, for a transfer.
func source(w *bubble.World, c *zk.Conn) func() (transfer.Stream, error) {
	w.Helper()
	tree, err := cut.Take(w.Context(), c, "/a", cut.Options{})
	w.OK(err)
	w.Cleanup(func() { tree.Close() })
	return func() (transfer.Stream, error) { return tree.Records(), nil }
}

const root = "/b"

func transferTo(w *bubble.World, c *zk.Conn, from func() (transfer.Stream, error)) *transfer.Transfer {
	return &transfer.Transfer{Conn: c, Root: root, Source: from, Versions: true, Grant: bubble.ACL}
}

// Whatever request fails, the tree is the same at the end.
func TestRun(t *testing.T) {
	bubble.EachFault(t, func(w *bubble.World, arm func()) {
		c, other := w.Connect(), w.Connect()
		plant(w, c)
		want, from := lasting(w, c), source(w, c)
		arm()
		result, err := transferTo(w, other, from).Run(w.Context())
		w.OK(err)
		if got := census(w, other, "/b"); !slices.Equal(got, want) {
			w.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if result.Znodes != len(want)+1 || result.Zxid == 0 {
			w.Errorf("%+v", result)
		}
	})
}

// A transfer that is broken off at any step is gone on with by another, which does the rest.
func TestBrokenOff(t *testing.T) {
	for at := range 12 {
		bubble.Run(t, func(w *bubble.World) {
			c, other := w.Connect(), w.Connect()
			plant(w, c)
			want, from := lasting(w, c), source(w, c)
			ctx, cancel := context.WithCancel(w.Context())
			first := transferTo(w, other, from)
			steps := 0
			first.Step = func(*transfer.Step) {
				if steps++; steps == at {
					cancel()
				}
			}
			first.Run(ctx)
			cancel()
			_, err := transferTo(w, other, from).Run(w.Context())
			w.OK(err)
			if got := census(w, other, "/b"); !slices.Equal(got, want) {
				w.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			again, err := transferTo(w, other, from).Run(w.Context())
			w.OK(err)
			if sum := total(again); sum != 0 {
				w.Errorf("a third one did %d steps", sum)
			}
		})
	}
}

func total(r *transfer.Result) (sum int) {
	for _, n := range r.Steps {
		sum += n
	}
	return sum
}

func TestModes(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		c, other := w.Connect(), w.Connect()
		plant(w, c)
		want, from := lasting(w, c), source(w, c)
		w.Create(c, "/b", "/b/file", "/b/more", "/b/more/below")
		before := census(w, c, "/b")

		run := transferTo(w, other, from)
		_, err := run.Run(w.Context())
		if conflicts, ok := errors.AsType[*transfer.ConflictError](err); !ok || conflicts.Count != 3 {
			w.Errorf("onto another tree: %v", err)
		}
		run.Mode, run.DryRun = transfer.Replace, true
		result, err := run.Run(w.Context())
		w.OK(err)
		if result.Steps[transfer.Delete] != 2 {
			w.Errorf("steps: %v", result.Steps)
		}
		if after := census(w, c, "/b"); !slices.Equal(after, before) {
			w.Errorf("a conflict or a dry run has changed the tree: %q", after)
		}

		run.Mode, run.DryRun = transfer.Merge, false
		_, err = run.Run(w.Context())
		w.OK(err)
		if found, _, _ := c.Exists("/b/more/below"); !found {
			w.Error("a merge has deleted")
		}
		run.Mode = transfer.Replace
		_, err = run.Run(w.Context())
		w.OK(err)
		got := census(w, c, "/b")
		got[0], want[0] = "", "" // it has had more children
		if !slices.Equal(got, want) {
			w.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// A hash that the server has hidden is named before anything is written.
func TestMasked(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		c := w.Connect()
		w.Create(c, "/a", "/a/b")
		_, err := c.SetACL("/a/b", append(zk.WorldACL(zk.PermRead), zk.DigestACL(zk.PermAll, "ann", "secret")...), -1)
		w.OK(err)
		_, err = transferTo(w, c, source(w, c)).Run(w.Context())
		if masked, ok := errors.AsType[*transfer.MaskedError](err); !ok || masked.Count != 1 {
			w.Errorf("a masked ACL: %v", err)
		}
		if found, _, _ := c.Exists("/b"); found {
			w.Error("something was written")
		}

		// A session that may see it can copy it, and one that may not can write the copy.
		ann := w.Connect()
		w.OK(ann.AddAuth("digest", []byte("ann:secret")))
		_, err = transferTo(w, c, source(w, ann)).Run(w.Context())
		w.OK(err)
		want, _, err := ann.GetACL("/a/b")
		w.OK(err)
		if got, _, err := ann.GetACL("/b/b"); err != nil || !slices.Equal(got, want) {
			w.Errorf("the copy has the ACL %v, %v", got, err)
		}
	})
}

// The target may be any server.
func TestServers(t *testing.T) {
	for _, server := range []string{"3.4", "3.6", "clickhouse-25.8", "clickhouse-latest", "raftkeeper-latest"} {
		t.Run(server, func(t *testing.T) {
			bubble.Run(t, func(w *bubble.World) {
				there := zktest.NewServer()
				defer there.Close()
				c, _, err := zk.Connect([]string{"zk"}, bubble.SessionTimeout, zk.WithDialer(there.Dialer()),
					zk.WithLogInfo(false))
				w.OK(err)
				w.Cleanup(c.Close)
				plant(w, c)
				other := w.Connect()
				_, err = transferTo(w, other, source(w, c)).Run(w.Context())
				different, ok := errors.AsType[*transfer.DifferentError](err)
				if drops := server == "clickhouse-25.8"; drops {
					// It opens to all what is granted to the world, and that is told.
					if !ok || !slices.Equal(different.Named, []string{"/dir"}) {
						w.Errorf("a server that drops ACLs: %v", err)
					}
				} else {
					w.OK(err)
				}
				path, err := other.Create("/b/queue/item-", nil, zk.FlagSequence, bubble.ACL)
				if err != nil || path != "/b/queue/item-0000000005" {
					w.Errorf("the next sequential child is %s, %v", path, err)
				}
			}, zktest.WithServer(server))
		})
	}
}
