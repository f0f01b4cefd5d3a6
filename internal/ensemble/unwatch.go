package ensemble

import (
	"context"
	"sync"

	"github.com/zkfs/zkfs/zk"
)

// What the cache drops, the kernel is to forget, and the server need not watch. The watch goes
// first: then what was learned meanwhile, without one, is stale like after an event, and the kernel
// is told last. It forgets what is not in use, and asks again for the rest.

// sweeps is how many watches are removed at a time.
const sweeps = 64

// dropped is told what the cache dropped. It does not block.
func (w *watch) dropped(paths []string) {
	for _, path := range paths {
		if w.retire(path) {
			w.tell(path, Dropped)
		}
	}
	select {
	case w.sweep <- struct{}{}:
	default:
	}
}

// retire queues the watches of path to be removed, or returns true if there are none.
func (w *watch) retire(path string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, data := w.armed[watched{path, dataWatch}]
	_, children := w.armed[watched{path, childWatch}]
	if !data && !children {
		return true
	}
	w.unused = append(w.unused, path)
	return false
}

// sweeper removes watches that are not needed until close is called.
func (w *watch) sweeper() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // ends at close
		<-w.stop
		cancel()
	}()
	for {
		select {
		case <-w.sweep:
		case <-w.stop:
			return
		}
		for ctx.Err() == nil {
			paths := w.takeUnused()
			if len(paths) == 0 {
				break
			}
			var all sync.WaitGroup
			for _, path := range paths {
				all.Go(func() { w.disarm(ctx, path) }) // ends with the mount at the latest
			}
			all.Wait()
		}
	}
}

func (w *watch) takeUnused() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(len(w.unused), sweeps)
	paths := w.unused[:n:n]
	if w.unused = w.unused[n:]; len(w.unused) == 0 {
		w.unused = nil
	}
	return paths
}

// disarm removes the watches of path, unless it was used again.
func (w *watch) disarm(ctx context.Context, path string) {
	if w.cache.has(path) {
		return
	}
	w.conn.WithContext(ctx).RemoveWatches(path, zk.WatcherAny)
	w.mu.Lock()
	delete(w.armed, watched{path, dataWatch})
	delete(w.armed, watched{path, childWatch})
	w.mu.Unlock()
	w.cache.changed(path)
	w.tell(path, Dropped|AttrChanged)
}
