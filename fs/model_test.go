package fs

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/names"
)

var (
	modelSeed = flag.Uint64("model.seed", 1, "seed of TestModel")
	modelOps  = flag.Int("model.ops", 500, "operations of TestModel, with each --watch")
)

// model is what the tree should be, by path. The root is not in it.
type model map[string]modelNode

type modelNode struct {
	dir    bool
	parent bool // had a child once: it stays a directory
	data   string
	acl    string // as user.zk.acl shows it
}

// modelACL is the ACL of the root and of what the plain client makes.
const modelACL = "world:anyone:cdrwa"

func (m model) children(path string) []string {
	var names []string
	for p := range m {
		if dir, name := ensemble.Split(p); dir == path {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// into returns why nothing can be made at path, for its parent's sake.
func (m model) into(path string) string {
	dir, _ := ensemble.Split(path)
	n, ok := m[dir]
	switch {
	case dir == "/" || ok && n.dir:
		return "ok"
	case ok:
		return "ENOTDIR"
	default:
		return m.walk(dir)
	}
}

// walk returns the error for a path that does not exist.
func (m model) walk(path string) string {
	if dir, _ := ensemble.Split(path); dir != "/" {
		if n, ok := m[dir]; !ok {
			return m.walk(dir)
		} else if !n.dir {
			return "ENOTDIR"
		}
	}
	return "ENOENT"
}

func (m model) born(path string) {
	if dir, _ := ensemble.Split(path); dir != "/" {
		n := m[dir]
		n.dir, n.parent = true, true
		m[dir] = n
	}
}

func (m model) put(path, data string, more bool) string {
	n, ok := m[path]
	if why := m.into(path); !ok && why != "ok" {
		return why
	}
	if n.dir {
		return "EISDIR"
	}
	if more {
		data = n.data + data
	}
	if !ok {
		n.acl = m.inherited(path)
	}
	m[path] = modelNode{data: data, acl: n.acl}
	m.born(path)
	return "ok"
}

// inherited returns the ACL of what is made at path.
func (m model) inherited(path string) string {
	dir, _ := ensemble.Split(path)
	if n, ok := m[dir]; ok {
		return n.acl
	}
	return modelACL
}

func (m model) excl(path, data string) string {
	if _, ok := m[path]; ok {
		return "EEXIST"
	}
	return m.put(path, data, false)
}

// own sets the data of a directory, or with none removes it.
func (m model) own(path, data string) string {
	n, ok := m[path]
	switch {
	case !ok && m.walk(path) == "ENOTDIR":
		return "ENOTDIR"
	case !ok:
		return "ENOENT"
	case !n.dir:
		return "ENOTDIR"
	case data == "" && n.data == "":
		return "ENOENT"
	}
	n.data, n.parent = data, true
	m[path] = n
	return "ok"
}

// attribute sets the ACL.
func (m model) attribute(path, acl string) string {
	n, ok := m[path]
	if !ok {
		return m.walk(path)
	}
	n.acl = acl
	m[path] = n
	return "ok"
}

func (m model) touch(path string) string {
	if _, ok := m[path]; !ok {
		return m.walk(path)
	}
	return "ok"
}

func (m model) mkdir(path string) string {
	if _, ok := m[path]; ok {
		return "EEXIST"
	}
	if why := m.into(path); why != "ok" {
		return why
	}
	m[path] = modelNode{dir: true, acl: m.inherited(path)}
	m.born(path)
	return "ok"
}

func (m model) rmdir(path string) string {
	n, ok := m[path]
	switch {
	case !ok:
		return m.walk(path)
	case !n.dir:
		return "ENOTDIR"
	case len(m.children(path)) > 0 || n.data != "":
		return "ENOTEMPTY"
	}
	delete(m, path)
	return "ok"
}

func (m model) unlink(path string) string {
	n, ok := m[path]
	switch {
	case !ok:
		return m.walk(path)
	case n.dir:
		return "EISDIR"
	}
	delete(m, path)
	return "ok"
}

func (m model) truncate(path string, size int) string {
	n, ok := m[path]
	switch {
	case !ok:
		return m.walk(path)
	case n.dir:
		return "EISDIR"
	}
	n.data = (n.data + strings.Repeat("\x00", size))[:size]
	m[path] = n
	return "ok"
}

func (m model) rename(from, to, how string) string {
	src, ok := m[from]
	if dir, _ := ensemble.Split(from); !ok && dir != "/" && m.into(from) != "ok" {
		return m.into(from)
	}
	if why := m.into(to); why != "ok" {
		return why
	}
	dst, there := m[to]
	switch {
	case !ok:
		return "ENOENT"
	case there && how == "noreplace":
		return "EEXIST"
	case how == "exchange":
		return m.exchange(from, to)
	case strings.HasPrefix(to, from+"/"):
		return "EINVAL"
	case strings.HasPrefix(from, to+"/"):
		return "ENOTEMPTY"
	case from == to:
		return "ok"
	case there && src.dir && !dst.dir:
		return "ENOTDIR"
	case there && !src.dir && dst.dir:
		return "EISDIR"
	case there && dst.dir && (len(m.children(to)) > 0 || dst.data != ""):
		return "ENOTEMPTY"
	}
	if there && !dst.dir { // it keeps its ACL
		src.acl = dst.acl
		m[from] = src
	}
	for _, p := range slices.Collect(maps.Keys(m)) {
		if p == from || strings.HasPrefix(p, from+"/") {
			n := m[p]
			delete(m, p)
			n.parent = n.dir && n.data != "" // it is made anew, and marked if it has data
			m[to+p[len(from):]] = n
		}
	}
	for p, n := range m {
		if n.dir && len(m.children(p)) > 0 {
			n.parent = true
			m[p] = n
		}
	}
	m.born(to)
	return "ok"
}

// exchange swaps the data of two files. The ACLs stay where they are.
func (m model) exchange(from, to string) string {
	a, b := m[from], m[to]
	_, there := m[to]
	switch {
	case !there:
		return "ENOENT"
	case strings.HasPrefix(to, from+"/"), strings.HasPrefix(from, to+"/"):
		return "EINVAL"
	case from == to:
		return "ok"
	case a.dir || b.dir:
		return "EXDEV"
	}
	a.data, b.data = b.data, a.data
	m[from], m[to] = a, b
	return "ok"
}

// modelRun is a model and what must agree with it.
type modelRun struct {
	*world
	model
	rand   *rand.Rand
	agents []*agent
	rounds int
}

// Random operations on two mounts and by a plain client do what a model does, and all see the same tree. After each the other
// mount is given the time to hear of it: what is seen before that is not promised.
func TestModel(t *testing.T) {
	t.Parallel()
	modes(t, testModel)
}

func testModel(t *testing.T, w *world) {
	r := &modelRun{
		world: w, model: model{"/barrier": {data: "x", acl: modelACL}},
		rand:   rand.New(rand.NewPCG(*modelSeed, 0)),
		agents: []*agent{w.agent, w.second()},
	}
	w.create("/barrier", "x")
	var done []string
	for i := range *modelOps {
		what := r.step()
		done = append(done, what)
		r.barrier()
		if i%10 == 9 || t.Failed() {
			r.check()
		}
		if t.Failed() {
			t.Fatalf("seed %d, operation %d: %s\nThe last ones:\n%s", *modelSeed, i, what, strings.Join(done[max(0, len(done)-30):], "\n"))
		}
	}
}

// path returns a random path of up to three names.
func (r *modelRun) path() string {
	var b strings.Builder
	for range 1 + r.rand.IntN(3) {
		b.WriteByte('/')
		b.WriteByte("abcd"[r.rand.IntN(4)])
	}
	return b.String()
}

// step makes one operation and compares what it answers.
func (r *modelRun) step() string {
	n := r.rand.IntN(2)
	a := r.agents[n]
	path, to := r.path(), r.path()
	data := strings.Repeat(string(rune('a'+r.rand.IntN(26))), 1+r.rand.IntN(5))
	var words []string
	var want string
	switch r.rand.IntN(17) {
	case 0, 1:
		words, want = []string{"put", path[1:], data}, r.put(path, data, false)
	case 2:
		words, want = []string{"append", path[1:], data}, r.put(path, data, true)
	case 3, 4:
		words, want = []string{"mkdir", path[1:]}, r.model.mkdir(path)
	case 5:
		words, want = []string{"rmdir", path[1:]}, r.model.rmdir(path)
	case 6:
		words, want = []string{"unlink", path[1:]}, r.model.unlink(path)
	case 7:
		n := r.rand.IntN(8)
		words, want = []string{"truncate", path[1:], fmt.Sprint(n)}, r.model.truncate(path, n)
	case 8:
		words, want = []string{"rename", path[1:], to[1:]}, r.model.rename(path, to, "")
	case 9, 10:
		return r.client(path, data)
	case 11:
		words, want = []string{"create", path[1:], data}, r.excl(path, data)
	case 12:
		words, want = []string{"put", path[1:] + "/.data", data}, r.own(path, data)
	case 13:
		words, want = []string{"unlink", path[1:] + "/.data"}, r.own(path, "")
	case 14:
		acl := []string{modelACL, fmt.Sprintf("%s,ip:10.0.0.%d:r", modelACL, 1+r.rand.IntN(9))}[r.rand.IntN(2)]
		words, want = []string{"setxattr", path[1:], "user.zk.acl", acl}, r.attribute(path, acl)
	case 15:
		how := []string{"noreplace", "exchange"}[r.rand.IntN(2)]
		words, want = []string{"rename2", path[1:], to[1:], how}, r.model.rename(path, to, how)
	case 16:
		if r.model[path].data != "" && !r.model[path].dir {
			return r.race(path, data)
		}
		words, want = []string{"touch", path[1:]}, r.touch(path)
	}
	call := fmt.Sprint("mount ", n, ": ", strings.Join(words, " "))
	a.want(want, words...)
	return call + ": " + want
}

// race lets both mounts write a file at the same time: one overwrites it, the other appends, and each in turn closes it last.
func (r *modelRun) race(path, data string) string {
	over, more := r.agents[0], r.agents[1]
	if r.rand.IntN(2) == 0 {
		over, more = more, over
	}
	over.want("ok", "open", "race", path[1:], "w+trunc")
	more.want("ok", "open", "race", path[1:], "w+append")
	over.want("ok", "write", "race", data)
	more.want("ok", "write", "race", "+"+data)
	n := r.model[path]
	n.data = data
	if r.rand.IntN(2) == 0 {
		over.want("ok", "close", "race")
		more.want("ok", "close", "race")
		n.data += "+" + data
	} else {
		more.want("ok", "close", "race")
		over.want("ok", "close", "race")
	}
	r.model[path] = n
	return "both write " + path
}

// client makes a change by the plain client, if there is one to make at path.
func (r *modelRun) client(path, data string) string {
	n, ok := r.model[path]
	dir, _ := ensemble.Split(path)
	_, parent := r.model[dir]
	switch {
	case !ok && (dir == "/" || parent):
		r.create(path, data)
		r.model[path] = modelNode{data: data, acl: modelACL}
		r.born(path)
		return "client creates " + path
	case ok && !n.dir:
		r.remove(path)
		delete(r.model, path)
		return "client deletes " + path
	case ok:
		r.set(path, data)
		n.data = data
		n.dir = n.parent
		r.model[path] = n
		return "client sets " + path
	}
	return "nothing"
}

// barrier returns when both mounts have told the kernel what happened before, and trust no ACL from before.
func (r *modelRun) barrier() {
	r.later()
	r.rounds++
	r.model["/barrier"] = modelNode{data: strings.Repeat("x", 1+r.rounds%50), acl: modelACL}
	r.set("/barrier", r.model["/barrier"].data)
	want := fmt.Sprintf("ok file 0644 size=%d nlink=1", 1+r.rounds%50)
	for _, a := range r.agents {
		a.eventually(r.world, want, "stat", "barrier")
	}
}

// check compares the whole tree as both mounts show it and as it is on the server.
func (r *modelRun) check() {
	for i, a := range r.agents {
		if r.t.Failed() {
			r.t.Fatalf("mount %d shows another tree", i-1)
		}
		for path, n := range r.model {
			a.want("ok "+n.acl, "getxattr", path[1:], "user.zk.acl")
			if !n.dir {
				a.want(fmt.Sprintf("ok file 0644 size=%d nlink=1", len(n.data)), "stat", path[1:])
				a.want(fmt.Sprintf("ok %q", n.data), "cat", path[1:])
				continue
			}
			a.want(fmt.Sprintf("ok dir 0755 size=%d nlink=1", len(r.children(path))), "stat", path[1:])
			entries := r.children(path)
			if n.data != "" {
				entries = append(entries, names.Data)
				sort.Strings(entries)
				a.want(fmt.Sprintf("ok %q", n.data), "cat", path[1:]+"/.data")
			}
			a.want(strings.TrimSpace("ok "+strings.Join(entries, " ")), "ls", path[1:])
		}
	}
	onServer := 0
	r.walkServer("/", func(path, data string) {
		onServer++
		if n, ok := r.model[path]; !ok || n.data != data {
			r.t.Errorf("the server has %q at %s, want %q, %v", data, path, n.data, ok)
		}
	})
	if onServer != len(r.model) {
		r.t.Errorf("the server has %d znodes, want %d", onServer, len(r.model))
	}
}

// walkServer calls f for each znode below path, but those of ZooKeeper itself.
func (r *modelRun) walkServer(path string, f func(path, data string)) {
	names, _, err := r.other.Children(path)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, name := range names {
		child := ensemble.Join(path, name)
		if child == "/zookeeper" {
			continue
		}
		data, _, err := r.other.Get(child)
		if err != nil {
			r.t.Fatal(err)
		}
		f(child, string(data))
		r.walkServer(child, f)
	}
}
