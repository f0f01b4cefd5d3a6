package fs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// counter counts what the mount is asked by the kernel and asks the servers, by operation.
type counter struct {
	w      *world
	spy    *spy
	kernel map[string]Operation // before
}

// count begins to count.
func (w *world) count() *counter {
	c := &counter{w: w, spy: w.spyOn()}
	c.reset()
	return c
}

func (c *counter) reset() {
	c.spy.take(false)
	c.kernel = c.w.fs.Stats().Operations
}

// asked returns how often the servers were asked for each operation since the last reset.
func (c *counter) asked() map[string]int {
	c.spy.mu.Lock()
	defer c.spy.mu.Unlock()
	counts := map[string]int{}
	for _, request := range c.spy.seen {
		op, _, _ := strings.Cut(request, " ")
		counts[op]++
	}
	return counts
}

// servers returns the same as text, such as "getChildren2 1, multiRead 2".
func (c *counter) servers() string { return tally(c.asked()) }

// mount returns what the kernel asked since the last reset.
func (c *counter) mount() string {
	asked := map[string]int{}
	for name, o := range c.w.fs.Stats().Operations {
		if n := o.Count - c.kernel[name].Count; n > 0 {
			asked[name] = int(n)
		}
	}
	return tally(asked)
}

func tally(counts map[string]int) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprintf("%s %d", name, counts[name]))
	}
	return strings.Join(words, ", ")
}

// want fails the test unless exactly that was asked since the last reset, and resets.
func (c *counter) want(doing, servers, mount string) {
	c.w.t.Helper()
	if got := c.servers(); got != servers {
		c.w.t.Errorf("%s asks the servers for %q, want %q", doing, got, servers)
	}
	if got := c.mount(); got != mount {
		c.w.t.Errorf("%s asks the mount for %q, want %q", doing, got, mount)
	}
	c.reset()
}

// fill makes a directory with n files of so many bytes.
func (w *world) fill(dir string, n, size int) {
	w.t.Helper()
	ops := []any{&zk.CreateRequest{Path: dir, Acl: zk.WorldACL(zk.PermAll)}}
	for i := range n {
		ops = append(ops, &zk.CreateRequest{Path: fmt.Sprintf("%s/f%04d", dir, i), Data: make([]byte, size), Acl: zk.WorldACL(zk.PermAll)})
	}
	for _, r := range w.other.Pipeline(ops...) {
		if r.Err != nil {
			w.t.Fatal(r.Err)
		}
	}
	w.quiet()
}

// quiet waits until the kernel has been told of every change so far, and knows the root as it is.
func (w *world) quiet() {
	w.t.Helper()
	if _, err := w.fs.ensemble.ACL(w.t.Context(), "/"); err != nil {
		w.t.Fatal(err)
	}
	if err := w.fs.notify.settle(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.do("ls", ".")
	w.do("stat", ".")
}

// What the kernel holds costs no request, and what the mount holds none to the servers.
func TestRequestsForReading(t *testing.T) {
	w := newWorld(t, Options{})
	w.fill("/d", 10, 100)
	c := w.count()
	w.do("ls", "d")
	c.want("the first listing", "getChildren2 1, multiRead 1", "OPENDIR 1, READDIRPLUS 2")
	for i := range 10 {
		w.do("cat", fmt.Sprintf("d/f%04d", i))
	}
	c.want("reading each file", "", "OPEN 10")
	for i := range 10 {
		w.do("cat", fmt.Sprintf("d/f%04d", i))
		w.do("stat", fmt.Sprintf("d/f%04d", i))
	}
	c.want("reading them again", "", "OPEN 10")
	w.want("ENOENT", "stat", "d/nosuch")
	c.want("a name that is missing", "", "LOOKUP 1")
	w.want("ENOENT", "stat", "d/nosuch")
	c.want("missing again", "", "")
}

// A request brings many znodes: a directory costs one for its names and one for each 128 of its
// entries, but for the first ones, which find out how large they are. None is for a file.
func TestRequestsForLargeDirectory(t *testing.T) {
	w := newWorld(t, Options{})
	w.fill("/d", 3000, 10)
	c := w.count()
	w.do("ls", "d")
	if got, want := c.servers(), "getChildren2 1, multiRead 25"; got != want { // 32, 23 times 128, the rest
		t.Errorf("3000 entries: %s, want %s", got, want)
	}
}

// Batches shrink where znodes are large.
func TestRequestsForLargeZnodes(t *testing.T) {
	w := newWorld(t, Options{write: maxWrite})
	w.fill("/d", 100, 200<<10)
	c := w.count()
	w.do("ls", "d")
	if got, want := c.servers(), "getChildren2 1, multiRead 15"; got != want { // 32, then five at a time
		t.Errorf("100 entries of 200 KiB: %s, want %s", got, want)
	}
}

// Who walks finds the next directories fetched, whatever the order; who lists a single one has only that one read.
func TestReadingAhead(t *testing.T) {
	w := newWorld(t, Options{})
	const dirs = 40
	w.create("/t", "")
	for i := range dirs {
		w.fill(fmt.Sprintf("/t/d%02d", i), 5, 10)
	}
	w.do("ls", "t")
	c := w.count()
	w.do("ls", "t/d20")
	w.do("ls", "t/d20")
	c.want("a lone ls", "getChildren2 1, multiRead 1", "OPENDIR 2, READDIRPLUS 2")
	for i := range dirs {
		w.want("ok f0000 f0001 f0002 f0003 f0004", "ls", fmt.Sprintf("t/d%02d", i*7%dirs))
	}
	if asked := c.asked(); asked["getChildren2"] != dirs-1 || asked["multiRead"] > dirs/2 {
		t.Errorf("a walk through %d directories asks %v, want each listed once and many read at a time", dirs-1, asked)
	}
}

// A write costs one request that checks whether it may be done, unless something was just created in the same directory, and
// those that do it. What they did is known from their replies.
func TestRequestsForWriting(t *testing.T) {
	w := newWorld(t, trusting)
	w.want("ok", "mkdir", "d")
	w.want("ok", "put", "first", "1") // it looks whether there are quotas
	w.quiet()
	c := w.count()
	for _, step := range []struct {
		doing, servers string
		calls          [][]string
	}{
		{"a new file", "create2 1, getACL 1", [][]string{{"put", "d/a", "1"}}},
		{"another one", "create2 1", [][]string{{"put", "d/b", "1"}}},
		{"overwriting it", "getACL 1, setData 1", [][]string{{"put", "d/a", "22"}}},
		{"appending", "getACL 1, getData 1, setData 1", [][]string{{"append", "d/a", "333"}}},
		{"a new file of O_EXCL", "multi 1, setData 1", [][]string{{"open", "1", "d/c", "w+creat+excl"}, {"write", "1", "c"}, {"close", "1"}}},
		{"a new directory", "create2 1", [][]string{{"mkdir", "d/sub"}}},
		{"a new file in it", "create2 1, getACL 1", [][]string{{"put", "d/sub/f", "1"}}},
		{"seeing all that", "", [][]string{{"stat", "d/a"}, {"stat", "d/b"}, {"stat", "d/c"}, {"stat", "d/sub/f"}, {"stat", "d/sub"}}},
		{"reading it", "getData 2", [][]string{{"cat", "d/a"}, {"cat", "d/c"}}},
		{"looking for more", "", [][]string{{"stat", "d/sub/none"}}},
	} {
		for _, call := range step.calls {
			w.do(call...)
		}
		if got := c.servers(); got != step.servers {
			t.Errorf("%s asks the servers for %q, want %q", step.doing, got, step.servers)
		}
		c.reset()
	}
	w.want(`ok "22333"`, "cat", "d/a")
	w.want("ok a b c sub", "ls", "d")
}

// A server that has lists with Stats is asked for all entries of a directory at once.
func TestRequestsForLargeDirectoryOfKeeper(t *testing.T) {
	w := newWorld(t, Options{}, zktest.WithServer("clickhouse-latest"))
	w.fill("/d", 300, 10)
	w.create("/d/f0007/child", "")
	w.do("ls", ".") // the first listing lets the server be asked what it has
	w.until(func() (int, int) {
		return int(w.fs.ensemble.Features()[zk.FeatureChildStats]), int(zk.Supported)
	}, "lists with Stats")
	w.do("stat", "d") // the kernel's lookup sets the watches of the directory
	c := w.count()
	if got := len(strings.Fields(w.do("ls", "d"))); got != 1+300 {
		t.Errorf("%d names", got)
	}
	if got := c.servers(); got != "filteredListWithData 1" {
		t.Errorf("300 entries: %s", got)
	}
	w.want("ok dir 0755 size=1 nlink=1", "stat", "d/f0007")
	w.closed("/d/s", "x", zk.DigestACL(zk.PermAll, "ann", "secret"))
	w.eventually("ok file 0644 size=1 nlink=1", "stat", "d/s")
	c.reset()
	if got := len(strings.Fields(w.do("ls", "d"))); got != 1+301 {
		t.Errorf("%d names with one that may not be read", got)
	}
	if asked := c.asked(); asked["filteredListWithData"] != 1 || asked["multiRead"] < 4 {
		t.Errorf("with a child that may not be read: %v", asked)
	}
}
