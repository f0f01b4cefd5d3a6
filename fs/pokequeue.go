package fs

import (
	"sync"
	"time"

	"github.com/zkfs/zkfs/internal/ensemble"
)

// calm is the least time between two pokes about one znode. Changes in between are one, and the
// last of them is told.
const calm = 200 * time.Millisecond

// pokeQueue holds what is to be told of by pokes. It coalesces and never drops.
type pokeQueue struct {
	wake chan struct{} // of capacity 1

	mu      sync.Mutex // guards the following
	order   []string
	waiting int       // so many of order, from its beginning, are not due before soonest
	soonest time.Time // of them
	pending map[string]pendingPoke
	told    map[string]time.Time // when a poke was made, of the last moments
}

// pendingPoke is what is to be told of a znode.
type pendingPoke struct {
	passed
	since time.Time // the first change of it
}

func newPokeQueue() *pokeQueue {
	return &pokeQueue{
		wake: make(chan struct{}, 1), pending: map[string]pendingPoke{}, told: map[string]time.Time{},
	}
}

// add queues a change.
func (q *pokeQueue) add(path string, p passed) {
	q.mu.Lock()
	before, queued := q.pending[path]
	if !queued {
		q.order = append(q.order, path)
		before.since = time.Now()
	}
	before.what |= p.what
	before.wasKnown, before.wasDir = before.wasKnown || p.wasKnown, before.wasDir || p.wasDir
	if before.zxid == 0 || p.zxid < before.zxid {
		before.zxid = p.zxid
	}
	q.pending[path] = before
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// next takes the first change out that is due: it has waited for calm, and isDue says so. Without
// one, it returns how long until the next is, or 0 if nothing is queued. drop says that a change is
// to be told to no program. What is not due yet is not looked at before it is, or before judge.
func (q *pokeQueue) next(
	isDue func(path string, p pendingPoke) (due time.Time, drop bool),
) (path string, p pendingPoke, wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	if q.waiting > 0 && !q.soonest.After(now) {
		q.waiting = 0
	}
	kept := q.order[:q.waiting]
	for i := q.waiting; i < len(q.order); i++ {
		name := q.order[i]
		due, drop := isDue(name, q.pending[name])
		if drop {
			delete(q.pending, name)
			continue
		}
		if calmed := q.told[name].Add(calm); calmed.After(due) {
			due = calmed
		}
		if !due.After(now) {
			path, p = name, q.pending[name]
			delete(q.pending, name)
			q.order = append(kept, q.order[i+1:]...)
			return path, p, 0
		}
		kept = append(kept, name)
		if q.waiting++; q.waiting == 1 || due.Before(q.soonest) {
			q.soonest = due
		}
	}
	q.order = kept
	for name, at := range q.told {
		if now.Sub(at) > calm {
			delete(q.told, name)
		}
	}
	if q.waiting > 0 {
		wait = q.soonest.Sub(now)
	}
	return "", p, wait
}

// judge lets next look at all changes again: isDue says something else than before.
func (q *pokeQueue) judge() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = 0
}

// made notes that a poke about path was made.
func (q *pokeQueue) made(path string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.told[path] = time.Now()
}

// has reports whether any of that is told.
func (p passed) has(what ensemble.News) bool { return p.what&what != 0 }
