package fs

import (
	"context"
	"errors"
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/zkfs/zkfs/zk"
)

// locks is the table of the locks that programs hold through this mount. Who excludes whom is decided by ZooKeeper
// alone, between programs of one host too: each has a contender of its own.
type locks struct {
	mu        sync.Mutex // guards the following
	held      map[lockKey]*heldLock
	acquiring map[lockKey]chan struct{} // closed when the request has ended
}

// lockKey names one lock of one owner: with flock(2) an open file, with fcntl(2) what the kernel takes for one, a process as a rule. The
// kernel makes the number of an owner from an address, which the next one may have while the end of the one before is on its way to this
// point; so what is known as an open file here is not named by it, and see takenBy.
type lockKey struct {
	file   *file
	handle *handle // of flock(2), else nil
	owner  uint64  // of fcntl(2), else 0
}

func keyOf(h *handle, owner uint64, flags uint32) lockKey {
	if flags&fuse.FUSE_LK_FLOCK != 0 {
		return lockKey{file: h.file, handle: h}
	}
	return lockKey{file: h.file, owner: owner}
}

// heldLock is a lock that is held. All fields are immutable.
type heldLock struct {
	lock     *zk.Lock
	path     string // of the lock's znode
	shared   bool
	handle   *handle       // dropped with it at the latest
	process  uint32        // that took it
	released chan struct{} // closed when it is to be given back
	release  func()        // closes released, once
}

func (l *locks) get(key lockKey) *heldLock {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held[key]
}

func (l *locks) put(key lockKey, held *heldLock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = map[lockKey]*heldLock{}
	}
	l.held[key] = held
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

// here reports whether the lock at path is held through this mount, and whether a holder's file is being closed.
func (l *locks) here(path string) (here, leaving bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, held := range l.held {
		if held.path == path {
			here = true
			leaving = leaving || held.handle.closing.Load()
		}
	}
	return here, leaving
}

// count returns how many locks are held. One that was lost stays in the table until its holder gives it back, but is not held.
func (l *locks) count() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, held := range l.held {
		if !held.isLost() {
			n++
		}
	}
	return n
}

// release gives a lock back. It is no error if it is not held any more.
func (l *locks) release(key lockKey, held *heldLock) error {
	held.release()
	err := held.lock.Unlock()
	if errors.Is(err, zk.ErrLockLost) || errors.Is(err, zk.ErrNotLocked) {
		err = nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil && l.held[key] == held {
		delete(l.held, key)
	}
	return err
}

// drop gives back all locks that match: those taken through a handle, or those of a process on a file.
func (l *locks) drop(match func(lockKey, *heldLock) bool) {
	matching := map[lockKey]*heldLock{}
	l.mu.Lock()
	for key, held := range l.held {
		if match(key, held) {
			matching[key] = held
		}
	}
	l.mu.Unlock()
	for key, held := range matching {
		l.release(key, held)
	}
}

// takenBy reports whether the lock is that of a process that asks for it through a handle. fcntl(2) locks are those of a process through
// whatever handle, but not those of one that is gone, whose owner's number it has got.
func (h *heldLock) takenBy(through *handle, process uint32) bool {
	return h.handle == through || h.process == process && !h.handle.closing.Load()
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
func (f *FS) warn(held *heldLock) {
	select {
	case <-held.lock.Lost():
		f.log.Error("lock lost: its session may be over, another may hold it", "path", held.path, "process", held.process)
	case <-held.released:
	}
}

// holds returns the lock that was taken through h, or errLockLost if it is not held any more.
func (h *handle) holds() (*heldLock, error) {
	l := &h.file.fs.locks
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, held := range l.held {
		if held.handle != h {
			continue
		}
		if held.isLost() {
			return nil, errLockLost
		}
		return held, nil
	}
	return nil, nil
}
