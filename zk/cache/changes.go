package cache

import (
	"context"
	"iter"
	"slices"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// Kind says what a [Change] is.
type Kind int

const (
	Created Kind = iota + 1 // the znode is new to the loop
	Changed                 // its data is other than last told, or it was made again
	Deleted                 // it is gone; the Stat is what was last told, the data nil
	Loaded                  // all that was there at first has been told; there is no znode
)

// String returns the constant's name in lower case.
func (k Kind) String() string {
	return [...]string{"unknown", "created", "changed", "deleted", "loaded"}[max(0, k)%5]
}

// A Change is news of one znode.
type Change struct {
	Kind Kind
	Entry
}

// Changes returns the znodes of the cache, each [Created], then one [Loaded], then each change. It
// ends with ctx or with the cache.
//
// A loop may be as slow as it likes: neither the client nor other loops wait for it. Changes of a
// znode that come while the loop is busy are told as one, and the last state of each is always
// told. What waits for a loop is bounded by the number of znodes. A znode that came and went
// meanwhile is not told, and a change of the Stat without one of the data is none.
func (t *Cache) Changes(ctx context.Context) iter.Seq[Change] {
	return func(yield func(Change) bool) {
		l := t.listen()
		defer t.forget(l)
		for {
			ended := false
			select {
			case <-ctx.Done():
				return
			case <-t.done:
				ended = true // tell what is left
			default:
			}
			if change, ok := t.next(l); ok {
				if !yield(change) {
					return
				}
				continue
			}
			if ended {
				return
			}
			select {
			case <-l.wake:
			case <-ctx.Done():
			case <-t.done:
			}
		}
	}
}

// loadedMark stands in the queue of a listener for Loaded. No path is like it.
const loadedMark = ""

// A listener is a loop over Changes. It is guarded by Cache.mu.
type listener struct {
	wake   chan struct{}
	queue  []string            // paths to be told of, or that were, and loadedMark
	before map[string]*zk.Stat // of those to be told of: the Stat that was told last, or nil
}

func (t *Cache) listen() *listener {
	l := &listener{wake: make(chan struct{}, 1), before: map[string]*zk.Stat{}}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.top != nil {
		l.addLocked(t.top, t.root)
	}
	select {
	case <-t.loaded:
		l.queue = append(l.queue, loadedMark)
	default:
	}
	t.listeners[l] = true
	return l
}

// addLocked tells of n and of all below it, as of new ones.
func (l *listener) addLocked(n *node, path string) {
	l.before[path] = nil
	l.queue = append(l.queue, path)
	for name, kid := range n.kids {
		l.addLocked(kid, znode.Join(path, name))
	}
}

func (t *Cache) forget(l *listener) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.listeners, l)
}

// noteLocked tells the listeners that the znode at path, whose Stat was before, changes or is gone;
// nil says that it comes.
func (t *Cache) noteLocked(path string, before *zk.Stat, gone bool) {
	for l := range t.listeners {
		told, waits := l.before[path]
		switch {
		case !waits:
			l.before[path] = before
			l.queue = append(l.queue, path)
		case told == nil && gone:
			delete(l.before, path) // it came and went
		}
		if len(l.queue) > 2*len(l.before)+100 {
			l.compactLocked()
		}
		l.stirLocked()
	}
}

func (l *listener) stirLocked() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// compactLocked drops from the queue what is in no need of being told.
func (l *listener) compactLocked() {
	seen := map[string]bool{}
	l.queue = slices.DeleteFunc(l.queue, func(path string) bool {
		_, waits := l.before[path]
		drop := path != loadedMark && (!waits || seen[path])
		seen[path] = true
		return drop
	})
}

// next returns what is to be told next.
func (t *Cache) next(l *listener) (Change, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(l.queue) > 0 {
		path := l.queue[0]
		if l.queue = l.queue[1:]; path == loadedMark {
			return Change{Kind: Loaded}, true
		}
		before, waits := l.before[path]
		if !waits {
			continue
		}
		delete(l.before, path)
		n := t.findLocked(path)
		switch {
		case n == nil && before == nil:
		case n == nil:
			return Change{Deleted, Entry{Path: path, Stat: before}}, true
		case before == nil:
			return Change{Created, Entry{path, n.data, n.stat}}, true
		case !n.unchanged(before):
			return Change{Changed, Entry{path, n.data, n.stat}}, true
		}
	}
	return Change{}, false
}
