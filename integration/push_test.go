package integration

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/zkfs/zkfs/internal/checkout"
	"github.com/zkfs/zkfs/internal/cut"
	"github.com/zkfs/zkfs/internal/history"
	"github.com/zkfs/zkfs/zk"
)

var pushCommits = flag.Int("push.commits", 40, "how many commits TestPushesAreWhole makes")

const (
	pushHosts = 4
	pushFiles = 5
)

// A pusher is one of the hosts that push five files to one tree, each from a directory of its own.
type pusher struct {
	name string
	c    *zk.Conn
	root *os.Root
}

// Four hosts push five files to one tree, each commit based on the one that the host has pulled. By
// the server's own log each commit is one transaction of all five, and none is based on another
// than the one before it.
func TestPushesAreWhole(t *testing.T) {
	t.Parallel()
	server, root := addr(shared.Servers[0]), newRoot(t)
	first := connect(t, []string{server}, zk.WithChroot(root))
	for i := range pushFiles {
		create(t, first, fmt.Sprintf("/f%d", i), "", zk.FlagPersistent)
	}
	var begun, refused atomic.Int64
	var hosts sync.WaitGroup
	for i := range pushHosts {
		dir, err := os.OpenRoot(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer dir.Close()
		h := &pusher{fmt.Sprintf("host%d", i), connect(t, []string{server}, zk.WithChroot(root)), dir}
		hosts.Go(func() { // ends with the last commit, or the first error
			if err := h.commit(t, &begun, &refused); err != nil {
				t.Error(err)
			}
		})
	}
	hosts.Wait()
	judgeCommits(t, root, int(refused.Load()))
}

// commit makes commits until all hosts together have made enough.
func (h *pusher) commit(t *testing.T, begun, refused *atomic.Int64) error {
	for n := begun.Add(1); n <= int64(*pushCommits); n = begun.Add(1) {
		for {
			if err := h.pull(t); err != nil {
				return err
			}
			base, err := h.root.ReadFile("f0")
			if err != nil {
				base = nil // an untouched znode without data is a directory
			}
			after, _, _ := strings.Cut(string(base), " after ")
			text := fmt.Sprintf("%s-%d after %s", h.name, n, after)
			for i := range pushFiles {
				name := fmt.Sprintf("f%d", i)
				if err := errors.Join(h.root.RemoveAll(name), h.root.WriteFile(name, []byte(text), 0o644)); err != nil {
					return err
				}
			}
			push := &checkout.Push{Dir: h.root, Conn: h.c, Root: "/", Delete: true, Limit: 1 << 20}
			_, err = push.Run(t.Context())
			var conflict *checkout.ConflictError
			if errors.As(err, &conflict) {
				refused.Add(1)
				for i := range pushFiles {
					if err := h.root.Remove(fmt.Sprintf("f%d", i)); err != nil {
						return err
					}
				}
				continue
			}
			if err != nil {
				return err
			}
			break
		}
	}
	return nil
}

func (h *pusher) pull(t *testing.T) error {
	state, err := cut.Take(t.Context(), h.c, "/", cut.Options{})
	if err != nil {
		return err
	}
	defer state.Close()
	return (&checkout.Pull{Root: h.root, Source: h.name, Cut: state}).Run(t.Context())
}

// judgeCommits reads the commits from the log of the server.
func judgeCommits(t *testing.T, root string, refused int) {
	t.Helper()
	changes, err := history.ReadLogs(shared.Servers[0].Path)
	if err != nil {
		t.Fatal(err)
	}
	files := map[int64][]string{} // which a transaction sets
	texts := map[int64]string{}
	var order []int64
	for _, c := range changes {
		if c.Kind != history.Set || !cut.Below(root, c.Path) {
			continue
		}
		if len(files[c.Zxid]) == 0 {
			order = append(order, c.Zxid)
			texts[c.Zxid] = string(c.Data)
		}
		files[c.Zxid] = append(files[c.Zxid], strings.TrimPrefix(c.Path, root+"/"))
		if string(c.Data) != texts[c.Zxid] {
			t.Errorf("zxid %#x sets %q and %q", c.Zxid, texts[c.Zxid], c.Data)
		}
	}
	last := ""
	for _, zxid := range order {
		slices.Sort(files[zxid])
		if got := strings.Join(files[zxid], " "); got != "f0 f1 f2 f3 f4" {
			t.Errorf("zxid %#x sets %q", zxid, got)
		}
		name, after, _ := strings.Cut(texts[zxid], " after ")
		if after != last {
			t.Errorf("zxid %#x: %s is based on %q, and comes behind %q", zxid, name, after, last)
		}
		last = name
	}
	if len(order) != *pushCommits {
		t.Errorf("%d commits in the log, %d were made", len(order), *pushCommits)
	}
	t.Logf("%d commits, and %d were refused for the commit of another host", len(order), refused)
	if refused == 0 {
		t.Error("no commit was refused: the hosts have not met")
	}
}
