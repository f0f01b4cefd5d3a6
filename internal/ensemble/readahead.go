package ensemble

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// aheadBytes is after how many bytes of data an errand ends.
const aheadBytes = 4 << 20

// ahead fetches what is going to be asked for soon.
type ahead struct {
	e      *Ensemble
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine has ended
	jobs   chan *errand

	under atomic.Int32 // errands under way, so that a caller with none to wait for need not lock

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

func newAhead(e *Ensemble) *ahead {
	a := &ahead{
		e: e, done: make(chan struct{}), jobs: make(chan *errand, 1), underway: map[string]*errand{},
	}
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

// FetchDirs has directories fetched whole before they are asked for. It reports false if that can
// not be: something else is under way, or what it brings could not be kept. It never blocks.
func (e *Ensemble) FetchDirs(dirs []string) bool { return e.ahead.send(&errand{dirs: dirs}) }

// FetchEntries has some entries of a directory fetched before they are asked for, so many at a
// time, if that can be. It never blocks.
func (e *Ensemble) FetchEntries(paths []string, batch int) {
	e.ahead.send(&errand{entries: paths, batch: batch})
}

// Await waits until what is under way about a directory, or about entries of which this is the
// first, is there, so that it is not asked for twice.
func (e *Ensemble) Await(ctx context.Context, path string) { e.ahead.await(ctx, path) }

// send hands over an errand, unless there is one to do already or what it brings could not be kept.
// It never blocks.
func (a *ahead) send(e *errand) bool {
	if !a.e.watch.covers() {
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

// await is Ensemble.await.
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

// do runs one errand. Its errors are not reported: a caller that needs what it did not bring asks for it.
func (a *ahead) do(e *errand) {
	wait := a.e.Wait(a.e.o.Timeout)
	ctx, cancel := context.WithTimeout(a.ctx, wait.Patience)
	defer cancel()
	defer func() {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			a.e.WaitedInVain(wait, false)
		}
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
		paths, batch = a.children(ctx, e.dirs), a.e.FirstBatch()
	}
	for sum := 0; len(paths) > 0 && sum < aheadBytes; {
		n := min(batch, len(paths))
		size, err := a.e.Many(ctx, paths[:n], func(int, Snapshot) {})
		if err != nil {
			return
		}
		paths, sum, batch = paths[n:], sum+size, NextBatch(batch, size)
	}
}

// children returns the paths of all that is in some directories.
func (a *ahead) children(ctx context.Context, dirs []string) []string {
	names := make([][]string, len(dirs))
	var all sync.WaitGroup
	for i, dir := range dirs {
		all.Go(func() { // ends with ctx at the latest
			if s, err := a.e.List(ctx, dir); err == nil {
				names[i] = s.Children.All()
			}
		})
	}
	all.Wait()
	var paths []string
	for i, dir := range dirs {
		for _, name := range names[i] {
			paths = append(paths, Join(dir, name))
		}
	}
	return paths
}
