package fs

import "github.com/zkfs/zkfs/zk"

// fcntl(2) refuses with EDEADLK to wait for a process that waits, by way of others or not, for the
// one that asks. The mount knows that of the locks that were taken by fcntl(2) through itself.
// flock(2) knows no such error.

// wait notes that the owner of key waits for the lock at path until over is called, or returns
// zk.ErrDeadlock.
func (l *locks) wait(key lockKey, path string, shared bool) (over func(), err error) {
	if key.handle != nil {
		return func() {}, nil
	}
	w := &waiter{key.owner, path, shared}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waitsFor(w, key.owner, map[uint64]bool{}) {
		return nil, zk.ErrDeadlock
	}
	if l.waiting == nil {
		l.waiting = map[*waiter]bool{}
	}
	l.waiting[w] = true
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.waiting, w)
	}, nil
}

// waitsFor reports whether w waits for owner, or for one that does. It goes on behind no owner
// twice. mu is held.
func (l *locks) waitsFor(w *waiter, owner uint64, seen map[uint64]bool) bool {
	for key, held := range l.held {
		if key.handle != nil || held.path != w.path || !held.exclusive && w.shared || key.owner == w.owner {
			continue
		}
		if key.owner == owner {
			return true
		}
		if seen[key.owner] {
			continue
		}
		seen[key.owner] = true
		for next := range l.waiting {
			if next.owner == key.owner && l.waitsFor(next, owner, seen) {
				return true
			}
		}
	}
	return false
}
