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
)

var (
	modelSeed = flag.Uint64("model.seed", 1, "seed of TestModel")
	modelOps  = flag.Int("model.ops", 300, "operations of TestModel")
)

// model is what the tree should be, by path. The root is not in it.
type model map[string]modelNode

type modelNode struct {
	dir    bool
	parent bool // had a child once: it stays a directory
	data   string
}

func (m model) children(path string) []string {
	var names []string
	for p := range m {
		if dir, name := split(p); dir == path {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// into returns why nothing can be made at path, for its parent's sake.
func (m model) into(path string) string {
	dir, _ := split(path)
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
	if dir, _ := split(path); dir != "/" {
		if n, ok := m[dir]; !ok {
			return m.walk(dir)
		} else if !n.dir {
			return "ENOTDIR"
		}
	}
	return "ENOENT"
}

func (m model) born(path string) {
	if dir, _ := split(path); dir != "/" {
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
	m[path] = modelNode{data: data}
	m.born(path)
	return "ok"
}

func (m model) mkdir(path string) string {
	if _, ok := m[path]; ok {
		return "EEXIST"
	}
	if why := m.into(path); why != "ok" {
		return why
	}
	m[path] = modelNode{dir: true}
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

func (m model) rename(from, to string) string {
	src, ok := m[from]
	if dir, _ := split(from); !ok && dir != "/" && m.into(from) != "ok" {
		return m.into(from)
	}
	if why := m.into(to); why != "ok" {
		return why
	}
	dst, there := m[to]
	switch {
	case !ok:
		return "ENOENT"
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
func TestModel(t *testing.T) { modes(t, testModel) }

func testModel(t *testing.T, w *world) {
	r := &modelRun{
		world: w, model: model{"/barrier": {data: "x"}},
		rand:   rand.New(rand.NewPCG(*modelSeed, 0)),
		agents: []*agent{w.agent, w.second()},
	}
	w.create("/barrier", "x")
	for i := range *modelOps {
		what := r.step()
		r.barrier()
		if i%10 == 9 || t.Failed() {
			r.check()
		}
		if t.Failed() {
			t.Fatalf("seed %d, operation %d: %s", *modelSeed, i, what)
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
	switch r.rand.IntN(10) {
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
		words, want = []string{"rename", path[1:], to[1:]}, r.model.rename(path, to)
	case 9:
		return r.client(path, data)
	}
	call := fmt.Sprint("mount ", n, ": ", strings.Join(words, " "))
	a.want(want, words...)
	return call + ": " + want
}

// client makes a change by the plain client, if there is one to make at path.
func (r *modelRun) client(path, data string) string {
	n, ok := r.model[path]
	dir, _ := split(path)
	_, parent := r.model[dir]
	switch {
	case !ok && (dir == "/" || parent):
		r.create(path, data)
		r.model[path] = modelNode{data: data}
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

// barrier returns when both mounts have told the kernel what happened before.
func (r *modelRun) barrier() {
	r.rounds++
	r.model["/barrier"] = modelNode{data: strings.Repeat("x", 1+r.rounds%50)}
	r.set("/barrier", r.model["/barrier"].data)
	want := fmt.Sprintf("ok file 0644 size=%d nlink=1", 1+r.rounds%50)
	for _, a := range r.agents {
		a.eventually(r.world, want, "stat", "barrier")
	}
}

// check compares the whole tree as both mounts show it.
func (r *modelRun) check() {
	for _, a := range r.agents {
		for path, n := range r.model {
			if !n.dir {
				a.want(fmt.Sprintf("ok %q", n.data), "cat", path[1:])
				continue
			}
			names := r.children(path)
			if n.data != "" {
				names = append(names, nameData)
				sort.Strings(names)
				a.want(fmt.Sprintf("ok %q", n.data), "cat", path[1:]+"/.data")
			}
			a.want(strings.TrimSpace("ok "+strings.Join(names, " ")), "ls", path[1:])
		}
	}
}
