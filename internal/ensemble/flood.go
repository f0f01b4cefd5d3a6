package ensemble

import "time"

// A recursive watch brings every change below the root of the mount. On an ensemble that changes
// much and is read little here that costs more than it saves, so the mount then watches znode by
// znode. It stays so until it is mounted again.
const (
	floodTime   = 10 * time.Second
	floodEvents = 50_000 // in that time, about what was not looked at here
)

// flood counts the events that are about nothing known. Guarded by watch.mu, but for over.
type flood struct {
	limit int
	began time.Time
	count int
	over  chan struct{} // closed when there were too many
}

func newFlood() flood { return flood{limit: floodEvents, over: make(chan struct{})} }

// drown counts an event that is about nothing known, and gives the recursive watch up when there
// are too many.
func (w *watch) drown() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mode != WatchTree {
		return
	}
	now := time.Now()
	if now.Sub(w.flood.began) > floodTime {
		w.flood.began, w.flood.count = now, 0
	}
	if w.flood.count++; w.flood.count < w.flood.limit {
		return
	}
	w.mode = WatchNode
	close(w.flood.over)
	w.cache.reset() // nothing of it has a watch of its own
	w.tell("/", Everything)
}

// current returns how changes are noticed at present.
func (w *watch) current() WatchMode {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mode
}
