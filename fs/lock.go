package fs

import (
	"context"
	"errors"
	"math"
	"sync"
	"syscall"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/zkfs/zkfs/zk"
)

// locks is the table of the locks that programs hold through this mount. Who excludes whom is decided by ZooKeeper
// alone, between programs of one host too: each has a contender of its own.
type locks struct {
	mu   sync.Mutex // guards the following
	held map[lockKey]*heldLock
}

// lockKey names one lock of one owner. flock(2) and fcntl(2) have owners of their own: an open file, and a process.
type lockKey struct {
	path  string // of the lock's znode
	owner uint64
	flock bool
}

// heldLock is a lock that is held. All fields are immutable.
type heldLock struct {
	lock     *zk.Lock
	shared   bool
	file     *file
	handle   *handle       // dropped with it at the latest
	released chan struct{} // closed when it is to be given back
	release  func()        // closes released, once
}

// lockPath returns the path of the znode that is locked when the file is: its own if it is a lock file, else that of the
// lock file beside it.
func (f *file) lockPath() (string, error) {
	suffix := f.fs.o.LockSuffix
	path := f.where()
	switch {
	case suffix == "":
		return "", errRange
	case f.role == roleLock, f.role == roleDirLock:
		return path, nil
	case f.role == roleData:
		return join(path, nameData+suffix), nil
	default:
		return path + suffix, nil
	}
}

// Setlk implements flock(2) with LOCK_NB, fcntl(2) with F_SETLK, and the unlocking of both.
func (f *file) Setlk(ctx context.Context, fh fusefs.FileHandle, owner uint64, lk *fuse.FileLock, flags uint32) syscall.Errno {
	return f.setlk(ctx, fh, owner, lk, flags, false)
}

// Setlkw implements flock(2) and fcntl(2) with F_SETLKW: it waits, until a signal comes.
func (f *file) Setlkw(ctx context.Context, fh fusefs.FileHandle, owner uint64, lk *fuse.FileLock, flags uint32) syscall.Errno {
	return f.setlk(ctx, fh, owner, lk, flags, true)
}

func (f *file) setlk(ctx context.Context, fh fusefs.FileHandle, owner uint64, lk *fuse.FileLock, flags uint32, wait bool) syscall.Errno {
	path, err := f.lockPath()
	if err != nil {
		return errnoOf(err)
	}
	h, ok := fh.(*handle)
	if !ok {
		return syscall.EBADF
	}
	key := lockKey{path, owner, flags&fuse.FUSE_LK_FLOCK != 0}
	switch {
	case lk.Typ == syscall.F_UNLCK:
		err = f.fs.locks.release(key)
	case lk.Start != 0 || lk.End < math.MaxInt64:
		err = errRange
	default:
		err = f.lock(ctx, h, key, lk.Typ == syscall.F_RDLCK, wait)
	}
	return f.fs.errno("lock", path, err)
}

// lock takes the lock of key. A lock of the other kind that the owner holds is given back first, as flock(2) does.
func (f *file) lock(ctx context.Context, h *handle, key lockKey, shared, wait bool) error {
	if err := f.mayChange(); err != nil {
		return err
	}
	if held := f.fs.locks.get(key); held != nil {
		if held.shared == shared && !held.isLost() {
			return nil
		}
		if err := f.fs.locks.release(key); err != nil {
			return err
		}
	}
	lock, err := f.contender(ctx, key.path, shared)
	if err != nil {
		return err
	}
	if wait {
		err = lock.LockContext(ctx)
	} else {
		err = f.try(ctx, lock, key.path)
	}
	if err != nil {
		return err
	}
	held := &heldLock{lock: lock, shared: shared, file: f, handle: h, released: make(chan struct{})}
	held.release = sync.OnceFunc(func() { close(held.released) })
	f.fs.locks.put(key, held)
	go f.fs.warn(key.path, held, callerOf(ctx)) // ends when the lock is given back or lost
	return nil
}

// contender prepares the lock on the znode at path, and what must be there for it.
func (f *file) contender(request context.Context, path string, shared bool) (*zk.Lock, error) {
	ctx, cancel := f.fs.bound(request)
	defer cancel()
	if err := f.bear(ctx); err != nil {
		return nil, err
	}
	acl, err := f.fs.aclIn(ctx, path)
	if errors.Is(err, zk.ErrNoNode) {
		parent, _ := split(path)
		acl, err = f.fs.aclIn(ctx, parent)
	}
	if err != nil {
		return nil, err
	}
	lock := zk.NewLock(f.fs.conn, path, acl)
	if shared {
		lock = zk.NewReadLock(f.fs.conn, path, acl)
	}
	lock.SetContainer()
	lock.SetData([]byte(describe(callerOf(request))))
	return lock, nil
}

// bear brings a file that is pending into ZooKeeper. A lock file comes with its first contender instead, as
// a container that the server removes when nobody wants it.
func (f *file) bear(ctx context.Context) error {
	if !f.unborn() {
		return nil
	}
	if f.role != roleLock {
		return f.force(ctx)
	}
	if err := f.take(ctx); err != nil {
		return err
	}
	defer f.give()
	f.mu.Lock()
	empty := f.draft != nil && !f.draft.wrote
	if empty {
		f.draft = nil
	}
	f.mu.Unlock()
	if !empty {
		return f.commit(ctx, keepTrying)
	}
	f.settledIn(f.where())
	return nil
}

// A program that closes a file and at once asks for the lock again, or starts another that does, finds its own contender: the kernel
// does not wait for the end of a file. So a lock that is held on this mount is asked for a few times.
const (
	tryPause  = 10 * time.Millisecond
	tryAgains = 5
)

// try takes the lock if nobody has it.
func (f *file) try(request context.Context, lock *zk.Lock, path string) error {
	ctx, cancel := f.fs.bound(request)
	defer cancel()
	for i := 0; ; i++ {
		err := lock.TryLockContext(ctx)
		if !errors.Is(err, zk.ErrLockHeld) || i == tryAgains || !f.fs.locks.here(path) {
			return err
		}
		select {
		case <-time.After(tryPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Getlk implements fcntl(2) with F_GETLK: it tells whether somebody else has, or waits for, the lock. Who that is stands in the lock file.
func (f *file) Getlk(ctx context.Context, _ fusefs.FileHandle, owner uint64, lk *fuse.FileLock, flags uint32, out *fuse.FileLock) syscall.Errno {
	path, err := f.lockPath()
	if err != nil {
		return errnoOf(err)
	}
	ctx, cancel := f.fs.bound(ctx)
	defer cancel()
	queue, err := f.fs.queue(ctx, path)
	if err != nil {
		return f.fs.errno("lock", path, err)
	}
	own := f.fs.locks.get(lockKey{path, owner, flags&fuse.FUSE_LK_FLOCK != 0})
	*out = fuse.FileLock{Typ: syscall.F_UNLCK}
	for _, c := range queue {
		if own != nil && own.lock.Path() == c.path || lk.Typ == syscall.F_RDLCK && c.shared {
			continue
		}
		*out = fuse.FileLock{Start: 0, End: math.MaxInt64, Typ: syscall.F_WRLCK}
		break
	}
	return 0
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

// here reports whether the lock at path is held through this mount.
func (l *locks) here(path string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key := range l.held {
		if key.path == path {
			return true
		}
	}
	return false
}

func (l *locks) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.held)
}

// release gives a lock back. It is no error if it is not held, or not held any more.
func (l *locks) release(key lockKey) error {
	held := l.get(key)
	if held == nil {
		return nil
	}
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
	var keys []lockKey
	l.mu.Lock()
	for key, held := range l.held {
		if match(key, held) {
			keys = append(keys, key)
		}
	}
	l.mu.Unlock()
	for _, key := range keys {
		l.release(key)
	}
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
func (f *FS) warn(path string, held *heldLock, process uint32) {
	select {
	case <-held.lock.Lost():
		f.log.Error("lock lost: its session may be over, another may hold it", "path", path, "process", process)
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
