package fs

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"

	"github.com/zkfs/zkfs/internal/calls"
	"github.com/zkfs/zkfs/internal/errno"
	"github.com/zkfs/zkfs/zk"
)

// locks is the table of the locks that programs hold through this mount. ZooKeeper alone decides
// which lock excludes which, between programs of one host too: each has a contender of its own. No
// mutex is held while a lock is asked anything.
type locks struct {
	limits calls.Limits
	log    *slog.Logger

	mu        sync.Mutex // guards the following
	held      map[lockKey]*heldLock
	acquiring map[lockKey]chan struct{} // closed when the request has ended
	leaving   map[*heldLock]time.Time   // being given back, since when; see unlock.go
	waiting   map[*waiter]bool          // the requests of fcntl(2) that wait; see deadlock.go
}

// lockKey names one lock of one owner: with flock(2) an open file, with fcntl(2) what the kernel
// takes for one, a process as a rule. The next owner may have the number of the one before while
// the end of that is on its way to this point (kernel fact 33). So what is known as an open file
// here is not named by the number; see takenBy too.
type lockKey struct {
	file   *fusefs.Inode
	handle opener // of flock(2), else nil
	owner  uint64 // of fcntl(2), else 0
}

// opener is an open file.
type opener interface {
	// isClosing reports whether the last descriptor is closed.
	isClosing() bool
}

// waiter is a request of fcntl(2) that waits. All fields are immutable.
type waiter struct {
	owner  uint64
	path   string // of the lock's znode
	shared bool
}

// grant is one contender that has come first. A process that takes the lock of a file by flock(2)
// and by fcntl(2) has one for both, so that it does not wait for itself. All fields but users are
// immutable.
type grant struct {
	lock      *zk.Lock
	path      string // of the lock's znode
	contender string // the path of its own znode
	exclusive bool
	released  chan struct{} // closed when it is to be given back
	release   func()        // closes released, once
	users     int           // how many hold it; guarded by locks.mu
}

// heldLock is a lock that is held. All fields are immutable.
type heldLock struct {
	*grant
	shared  bool   // as was asked for
	handle  opener // dropped with it at the latest
	process uint32 // that took it
}

func (l *locks) get(key lockKey) *heldLock {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held[key]
}

func (l *locks) put(key lockKey, held *heldLock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.putLocked(key, held)
}

func (l *locks) putLocked(key lockKey, held *heldLock) {
	if l.held == nil {
		l.held = map[lockKey]*heldLock{}
	}
	l.held[key] = held
	held.users++
}

// partner returns the lock at path that a process holds already, by the other one of flock(2) and
// fcntl(2) than key is of. A lock of flock(2) is also that of a process which has got the open
// file, as key's has.
func (l *locks) partner(key lockKey, path string, h opener, process uint32) *heldLock {
	found := l.matching(func(k lockKey, held *heldLock) bool {
		flock := k.handle != nil
		return held.path == path && flock == (key.handle == nil) && !held.handle.isClosing() &&
			(process != 0 && held.process == process || flock && k.handle == h)
	})
	for _, held := range found {
		if !held.isLost() {
			return held
		}
	}
	return nil
}

// join puts held, which shares the grant of a partner, into the table. It returns false if the
// partner has left.
func (l *locks) join(key lockKey, held *heldLock) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if held.users == 0 {
		return false
	}
	l.putLocked(key, held)
	return true
}

// begin lets one request at a time acquire the lock of key, until it calls end.
func (l *locks) begin(ctx context.Context, key lockKey, wait bool) (end func(), err error) {
	done := make(chan struct{})
	for {
		other := l.enter(key, done)
		switch {
		case other == nil:
			return func() { l.leave(key, done) }, nil
		case !wait:
			return nil, zk.ErrLockHeld
		}
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// enter registers a request that acquires the lock of key, if there is none; else it returns that.
func (l *locks) enter(key lockKey, done chan struct{}) (other chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if other := l.acquiring[key]; other != nil {
		return other
	}
	if l.acquiring == nil {
		l.acquiring = map[lockKey]chan struct{}{}
	}
	l.acquiring[key] = done
	return nil
}

func (l *locks) leave(key lockKey, done chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.acquiring, key)
	close(done)
}

// here reports whether the lock at path is held through this mount, and whether a holder gives it
// back or closes its file.
func (l *locks) here(path string) (here, leaving bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, held := range l.held {
		if held.path == path {
			here = true
			leaving = leaving || held.handle.isClosing()
		}
	}
	for held := range l.leaving {
		leaving = leaving || held.path == path
	}
	return here, leaving
}

// holderOf returns the process that has taken the lock of a contender by fcntl(2) on this mount,
// else 0.
func (l *locks) holderOf(contender string) uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, held := range l.held {
		if held.contender == contender && key.handle == nil {
			return held.process
		}
	}
	return 0
}

// matching returns the locks that match.
func (l *locks) matching(match func(lockKey, *heldLock) bool) map[lockKey]*heldLock {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all map[lockKey]*heldLock // most files that are closed have none
	for key, held := range l.held {
		if match(key, held) {
			if all == nil {
				all = map[lockKey]*heldLock{}
			}
			all[key] = held
		}
	}
	return all
}

// count returns how many locks are held. One that was lost stays in the table until its holder
// gives it back, but is not held.
func (l *locks) count() (n int) {
	counted := map[*grant]bool{}
	for _, held := range l.matching(func(lockKey, *heldLock) bool { return true }) {
		if !counted[held.grant] && !held.isLost() {
			n++
		}
		counted[held.grant] = true
	}
	return n
}

// leavingLines returns a line about each lock that is being given back, the first one first.
func (l *locks) leavingLines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := make([]string, 0, len(l.leaving))
	for held, since := range l.leaving {
		lines = append(lines, fmt.Sprintf("%s %s, of process %d", since.Format(time.RFC3339), held.path, held.process))
	}
	slices.SortFunc(lines, strings.Compare)
	return lines
}

// takenBy reports whether the lock is that of a process that asks for it through a handle. fcntl(2)
// locks are those of a process through any handle, but not those of one that is gone and had the
// same owner's number (kernel fact 33).
func (h *heldLock) takenBy(through opener, process uint32) bool {
	return h.handle == through || h.process == process && !h.handle.isClosing()
}

func (h *heldLock) isLost() bool {
	select {
	case <-h.lock.Lost():
		return true
	default:
		return false
	}
}

// warn says in the log that a lock was lost.
func (l *locks) warn(held *heldLock) {
	select {
	case <-held.lock.Lost():
		l.log.Error("lock lost: its session may be over, another may hold it",
			"path", held.path, "process", held.process)
	case <-held.released:
	}
}

// heldBy returns the lock that was taken through h, or errno.ErrLockLost if it is not held any
// more.
func (l *locks) heldBy(h opener) (*heldLock, error) {
	for _, held := range l.matching(func(_ lockKey, held *heldLock) bool { return held.handle == h }) {
		if held.isLost() {
			return nil, errno.ErrLockLost
		}
		return held, nil
	}
	return nil, nil
}
