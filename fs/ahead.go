package fs

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// Who lists the second directory of several that lie side by side is probably on a walk of the tree. The next ones are then fetched before they
// are asked for, some more with each that is, whatever the order: programs that sort by inode number walk in none.
//
// What is fetched is bounded by what was used: as long as the directories fetched ahead are not listed, no others are. A
// single ls fetches nothing but its own directory.
const (
	aheadDirs   = 16      // directories of one parent that nobody has listed yet
	aheadZnodes = 4096    // that one errand fetches
	aheadBytes  = 4 << 20 // after which an errand ends
)

// ahead fetches what is going to be asked for soon.
type ahead struct {
	fs     *FS
	ctx    context.Context // ends with the mount
	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine has ended
	jobs   chan *errand

	under atomic.Int32 // errands under way, so that who has none to wait for need not lock

	mu       sync.Mutex         // guards the following
	underway map[string]*errand // by the path of the directory, or of the first entry
}

// errand is one thing to fetch: directories whole, or some entries of one.
type errand struct {
	dirs    []string
	entries []string
	batch   int // of entries
	done    chan struct{}
}

func newAhead(f *FS) *ahead {
	a := &ahead{fs: f, done: make(chan struct{}), jobs: make(chan *errand, 1), underway: map[string]*errand{}}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	return a
}

// run does errands until close is called.
func (a *ahead) run() {
	defer close(a.done)
	for {
		select {
		case e := <-a.jobs:
			a.do(e)
		case <-a.ctx.Done():
			return
		}
	}
}

func (a *ahead) close() {
	a.cancel()
	<-a.done
}

// send hands over an errand, unless there is one to do already or what it brings could not be kept. It never blocks.
func (a *ahead) send(e *errand) bool {
	if !a.fs.watch.covers() {
		return false
	}
	e.done = make(chan struct{})
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case a.jobs <- e:
	default:
		return false
	}
	a.under.Add(1)
	for _, key := range e.keys() {
		a.underway[key] = e
	}
	return true
}

func (e *errand) keys() []string {
	if len(e.entries) > 0 {
		return e.entries[:1]
	}
	return e.dirs
}

// await waits until what is under way about key is there, so that it is not asked for twice.
func (a *ahead) await(ctx context.Context, key string) {
	if a.under.Load() == 0 {
		return
	}
	a.mu.Lock()
	e := a.underway[key]
	a.mu.Unlock()
	if e == nil {
		return
	}
	select {
	case <-e.done:
	case <-ctx.Done():
	case <-a.ctx.Done():
	}
}

// do runs one errand. Its errors are nobody's: who needs what it did not bring asks for it.
func (a *ahead) do(e *errand) {
	ctx, cancel := a.fs.bound(a.ctx)
	defer cancel()
	defer func() {
		a.mu.Lock()
		for _, key := range e.keys() {
			delete(a.underway, key)
		}
		a.mu.Unlock()
		a.under.Add(-1)
		close(e.done)
	}()
	paths, batch := e.entries, e.batch
	if len(e.dirs) > 0 {
		paths, batch = a.children(ctx, e.dirs), a.fs.view.firstBatch()
	}
	for sum := 0; len(paths) > 0 && sum < aheadBytes; {
		n := min(batch, len(paths))
		size, err := a.fs.view.many(ctx, paths[:n], func(int, snapshot) {})
		if err != nil {
			return
		}
		paths, sum, batch = paths[n:], sum+size, nextBatch(batch, size)
	}
}

// children returns the paths of all that is in some directories.
func (a *ahead) children(ctx context.Context, dirs []string) []string {
	names := make([][]string, len(dirs))
	var all sync.WaitGroup
	for i, dir := range dirs {
		all.Go(func() {
			if s, err := a.fs.view.list(ctx, dir); err == nil {
				names[i] = s.names.all()
			}
		})
	}
	all.Wait()
	var paths []string
	for i, dir := range dirs {
		for _, name := range names[i] {
			paths = append(paths, join(dir, name))
		}
	}
	return paths
}

// walk is what a directory remembers about who walks through it. Guarded by node.mu.
type walk struct {
	last   string          // the child that was listed last
	listed int             // how many children were listed
	issued map[string]bool // children that were fetched ahead and not yet listed
}

// step notes that the child called name is being listed, and returns how many of its siblings may be fetched ahead: none if it was known
// already, other than by being fetched ahead, for then they probably are too.
func (w *walk) step(name string, unknown bool) int {
	if !unknown && !w.issued[name] {
		return 0
	}
	if w.last != name {
		w.last = name
		w.listed++
	}
	delete(w.issued, name)
	if w.listed < 2 {
		return 0
	}
	window := aheadDirs
	if w.listed < 5 {
		window = 1 << (w.listed - 1)
	}
	if room := window - len(w.issued); 2*room >= window {
		return room
	}
	return 0
}

// walked sends for the siblings of a directory that is being listed. unknown says that the servers were asked for its names.
func (a *ahead) walked(d *dir, unknown bool) {
	_, inode := d.Parent()
	if inode == nil {
		return
	}
	parent, ok := inode.Operations().(*dir)
	if !ok {
		return
	}
	above, name := split(d.where())
	parent.mu.Lock()
	defer parent.mu.Unlock()
	if room := parent.walk.step(name, unknown); room > 0 && parent.path == above {
		a.next(parent, name, room)
	}
}

// next sends for up to room directories that follow the child called name and are not known. The mutex of parent is held.
func (a *ahead) next(parent *dir, name string, room int) {
	s, ok := a.fs.view.cache.look(parent.path)
	if !ok || s.names == nil {
		return
	}
	all := s.names.all()
	at, _ := slices.BinarySearch(all, name)
	e := &errand{}
	var names []string
	znodes := 0
	for i := 1; i < min(len(all), 4*aheadDirs) && len(e.dirs) < room; i++ {
		sibling := all[(at+i)%len(all)]
		path := join(parent.path, sibling)
		s, ok := a.fs.view.cache.look(path)
		if !ok || s.stat == nil || s.names != nil || s.stat.NumChildren == 0 || parent.walk.issued[sibling] || a.fs.kindOf(path, s.stat) != kindDir {
			continue
		}
		if znodes += int(s.stat.NumChildren); znodes > aheadZnodes {
			break
		}
		e.dirs, names = append(e.dirs, path), append(names, sibling)
	}
	if len(e.dirs) == 0 || !a.send(e) {
		return
	}
	if parent.walk.issued == nil {
		parent.walk.issued = map[string]bool{}
	}
	for _, sibling := range names {
		parent.walk.issued[sibling] = true
	}
}
