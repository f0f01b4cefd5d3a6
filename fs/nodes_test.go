package fs

import (
	"fmt"
	"math"
	"strings"
	"testing"

	fusefs "github.com/hanwen/go-fuse/v2/fs"

	"github.com/zkfs/zkfs/internal/ensemble"
)

// numbers replaces the hash from which inode numbers are made.
func (w *world) numbers(number func(id string) uint64) {
	w.fs.nodes.mu.Lock()
	defer w.fs.nodes.mu.Unlock()
	w.fs.nodes.number = number
}

// forget makes the kernel forget everything that is not in use.
func (w *world) forget() {
	w.t.Helper()
	w.quiet()
	w.fs.nodes.mu.Lock()
	var paths []string
	for _, z := range w.fs.nodes.at {
		paths = append(paths, z.base().path)
	}
	w.fs.nodes.mu.Unlock()
	for _, path := range paths {
		w.fs.ensemble.AskAnew(path)
		w.fs.notify.tell(path, ensemble.Dropped)
	}
	w.quiet()
}

// agrees fails the test unless the table has exactly the nodes that go-fuse has for the kernel,
// each with a number of its own.
func (w *world) agrees() {
	w.t.Helper()
	w.quiet()
	numbers := map[uint64]string{}
	known := 0
	var walk func(inode *fusefs.Inode)
	walk = func(inode *fusefs.Inode) {
		if z, ok := inode.Operations().(znode); ok && !z.base().isGone() {
			n := z.base()
			known++
			if w.fs.nodes.find(idOf(n.where(), n.role)) != z {
				w.t.Errorf("%s: the table has another node", n.where())
			}
			if other, ok := numbers[n.StableAttr().Ino]; ok {
				w.t.Errorf("%s and %s are both number %d", n.where(), other, n.StableAttr().Ino)
			}
			numbers[n.StableAttr().Ino] = n.where()
		}
		if inode.IsDir() {
			for _, child := range inode.Children() {
				walk(child)
			}
		}
	}
	walk(&w.fs.root.Inode)
	w.fs.nodes.mu.Lock()
	defer w.fs.nodes.mu.Unlock()
	if len(w.fs.nodes.at) != known || len(w.fs.nodes.flying) != 0 {
		w.t.Errorf("the table has %d nodes, %d of them in flight, go-fuse %d", len(w.fs.nodes.at), len(w.fs.nodes.flying), known)
	}
}

// Two paths of one FNV-1a are two files, two directories and two names in a listing.
func TestPathsOfOneHash(t *testing.T) {
	const one, two = "6=Au@2wh.Lt4KgSAGM", "2UGpLKQ4-E1u2oWBN@"
	for _, mode := range []WatchMode{WatchTree, WatchNode, WatchOff} {
		t.Run(mode.String(), func(t *testing.T) {
			w := newWorld(t, Options{Watch: mode})
			w.create("/ino", "")
			w.create("/ino/"+one, "one")
			w.create("/ino/"+two, "two")
			w.want(`ok "one"`, "cat", "ino/"+one)
			w.want(`ok "two"`, "cat", "ino/"+two)
			w.want("ok "+two+" "+one, "ls", "ino")
			w.want("ok", "put", "ino/"+two, "2")
			w.holds("/ino/"+one, "one", 0)
			w.holds("/ino/"+two, "2", 1)
		})
	}
}

// Whatever the numbers are, each operation sees its own znode and no other.
func TestNodesOfOneNumber(t *testing.T) {
	t.Parallel()
	hashes := map[string]func(string) uint64{
		"one for all":     func(string) uint64 { return 4711 },
		"0":               func(string) uint64 { return 0 },
		"that of root":    func(string) uint64 { return rootNumber },
		"the highest":     func(string) uint64 { return math.MaxUint64 },
		"0 at the second": func(string) uint64 { var step uint64 = numberStep; return -step },
		"of the length":   func(id string) uint64 { return uint64(len(id)) },
	}
	for name, hash := range hashes {
		for _, mode := range []WatchMode{WatchTree, WatchNode, WatchOff} {
			t.Run(name+" "+mode.String(), func(t *testing.T) {
				w := newWorld(t, Options{Watch: mode})
				w.numbers(hash)
				w.tour()
				w.agrees()
			})
		}
	}
}

// tour runs every operation beside files that it must not touch.
func (w *world) tour() {
	w.t.Helper()
	for _, path := range []string{"/a", "/b", "/d/a", "/d/b", "/d/sub/a"} {
		dir, _ := ensemble.Split(path)
		if ok, _, _ := w.other.Exists(dir); !ok {
			w.create(dir, "")
		}
		w.create(path, path)
	}
	w.quiet()
	rest := func() { // what no step touches
		w.t.Helper()
		for _, path := range []string{"/a", "/b", "/d/a", "/d/b", "/d/sub/a"} {
			w.want(fmt.Sprintf("ok %q", path), "cat", path[1:])
			w.want(fmt.Sprintf("ok file 0644 size=%d nlink=1", len(path)), "stat", path[1:])
		}
		w.want("ok dir 0755 size=3 nlink=1", "stat", "d")
		w.want("ok a b sub", "ls", "d")
	}
	rest()
	for line := range strings.Lines(tourSteps) {
		call, answer, found := strings.Cut(strings.TrimSpace(line), " -> ")
		if !found {
			answer = "ok"
		}
		if call == "" {
			continue
		}
		w.want(answer, strings.Fields(call)...)
	}
	rest()
	w.forget()
	rest()

	// Others delete, create again and change the type, with the old files open.
	w.want("ok", "open", "1", "a", "r")
	w.want("ok", "open", "2", "b", "rw")
	w.remove("/a")
	w.create("/a", "new")
	w.remove("/b")
	w.create("/b", "")
	w.create("/b/c", "c")
	w.fs.ensemble.ForgetAll() // as after --max-age, with --watch=off
	w.eventually(`ok "new"`, "cat", "a")
	w.eventually(`ok "c"`, "cat", "b/c")
	w.want(`ok "/a"`, "read", "1")
	w.want(`ok "/b"`, "read", "2")
	w.want("ok", "close", "1")
	w.want("ok", "close", "2")
	w.want(`ok "/d/a"`, "cat", "d/a")
	w.want("ok", "unlink", "a")
	w.want("ok", "unlink", "b/c")
	w.want("ok", "rmdir", "b")
	w.want(`ok "/d/b"`, "cat", "d/b")
}

const tourSteps = `
	put f f
	open 1 f rw
	write 1 F
	stat f -> ok file 0644 size=1 nlink=1
	cat f -> ok "F"
	close 1
	create g g
	open 1 g r
	flock 1 ex
	flock 1 un
	setlk 1 r 0 0
	close 1
	getxattr g user.zk.path -> ok /g
	setxattr g user.zk.acl world:anyone:cdrwa
	getxattr f user.zk.path -> ok /f
	rename f h
	stat f -> ENOENT
	cat h -> ok "F"
	put f new
	cat f -> ok "new"
	cat h -> ok "F"
	rename h f
	cat f -> ok "F"
	rename2 f g exchange
	cat f -> ok "g"
	cat g -> ok "F"
	append f more
	cat f -> ok "gmore"
	truncate f 2
	touch g
	mkdir e
	put e/x x
	put e/.data own
	cat e/.data -> ok "own"
	stat e/.lock -> ok file 1644 size=0 nlink=1
	ls e -> ok .data x
	getxattr e user.zk.path -> ok /e
	rename e k
	ls k -> ok .data x
	cat k/.data -> ok "own"
	cat k/x -> ok "x"
	mkdir e
	ls e -> ok
	put e/x other
	cat k/x -> ok "x"
	cat e/x -> ok "other"
	rename k/x e/x
	cat e/x -> ok "x"
	unlink k/.data
	rmdir k
	put x~ scratch
	cat x~ -> ok "scratch"
	rename x~ g
	cat g -> ok "scratch"
	open 1 w.lock r+creat
	flock 1 ex+nb
	close 1
	open 1 new w+creat
	stat new -> ok file 0644 size=0 nlink=1
	write 1 pending
	cat new -> ok "pending"
	unlink new
	close 1
	mknod n
	setxattr n user.zk.type directory
	ls n -> ok
	rmdir n
	unlink e/x
	rmdir e
	unlink f
	unlink g
`

// A node that the kernel forgets and looks up at the same time is not lost, and one that it has
// forgotten is.
func TestForgetDuringALookup(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f", "x")
	_, st, err := w.other.Get("/f")
	if err != nil {
		t.Fatal(err)
	}
	w.want("ok file 0644 size=1 nlink=1", "stat", "f")
	z := w.fs.root.nodeAt(t.Context(), "/f", roleLeaf, st) // in flight
	w.forget()
	w.until(func() (int, int) { return inodes(&w.fs.root.Inode), 1 + 1 }, "inodes") // the root and zookeeper
	if w.fs.nodes.find("/f") != z {
		t.Error("a node in flight is not in the table")
	}
	w.want("ok file 0644 size=1 nlink=1", "stat", "f")
	if w.fs.nodes.find("/f") != z {
		t.Error("there are two nodes of one znode")
	}
	w.fs.nodes.land(z.base().StableAttr().Gen)
	w.agrees()
	w.forget()
	w.until(func() (int, int) {
		w.fs.nodes.mu.Lock()
		defer w.fs.nodes.mu.Unlock()
		return len(w.fs.nodes.at) + len(w.fs.nodes.numbers), 2 + 2 + 3 // with /zookeeper, /.status, and three that are reserved
	}, "nodes and numbers")
}

// While processes look names up the kernel forgets them, and others delete and create them again.
func TestForgetAndLookupsAtOnce(t *testing.T) {
	w := newWorld(t, Options{})
	var agents []*agent
	for i := range 4 {
		w.create(fmt.Sprint("/f", i), "x")
		agents = append(agents, newAgent(t, w.dir))
	}
	for round := range 300 {
		for i, a := range agents {
			a.start("stat", fmt.Sprint("f", (i+round)%3))
			a.start("ls", ".")
			a.start("cat", "f3")
		}
		for i := range 4 {
			path := fmt.Sprint("/f", i)
			w.fs.ensemble.AskAnew(path)
			w.fs.notify.tell(path, ensemble.Dropped)
		}
		if round%3 == 0 {
			w.remove("/f0")
			w.create("/f0", "x")
		}
		for _, a := range agents {
			if got := a.answer(); got != "ENOENT" && !strings.HasPrefix(got, "ok file 0644 size=1 nlink=") {
				t.Errorf("stat: %s", got)
			}
			a.answer()
			if got := a.answer(); got != `ok "x"` {
				t.Errorf("cat: %s", got)
			}
		}
	}
	w.agrees()
}

// The number of a path is that of its hash, at every mount, unless another file that is still known
// here has it.
func TestNumberOf(t *testing.T) {
	w := newWorld(t, Options{})
	w.want("ok", "put", "t", "x")
	w.want(fmt.Sprint("ok ", inodeNumber("/t")), "ino", "t")
	w.want("ok", "rename", "t", "f")
	w.want(fmt.Sprint("ok ", inodeNumber("/t")), "ino", "f")
	w.want("ok", "put", "t", "another")
	var step uint64 = numberStep
	w.want(fmt.Sprint("ok ", inodeNumber("/t")+step), "ino", "t")
	dir := t.TempDir()
	w.mount(dir, Options{})
	a := newAgent(t, dir)
	a.want(fmt.Sprint("ok ", inodeNumber("/f")), "ino", "f")
	a.want(fmt.Sprint("ok ", inodeNumber("/t")), "ino", "t")
}

func BenchmarkInodeNumber(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		inodeNumber("/app/config/database-url")
	}
}
