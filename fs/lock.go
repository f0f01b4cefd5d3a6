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

	"github.com/zkfs/zkfs/internal/calls"
	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/errno"
	"github.com/zkfs/zkfs/internal/life"
	"github.com/zkfs/zkfs/internal/names"
	"github.com/zkfs/zkfs/zk"
)

// lockPath returns the path of the znode that is locked when the file is: its own if it is a lock file, else that of the
// lock file beside it.
func (f *file) lockPath() (string, error) {
	suffix := f.fs.kinds.LockSuffix
	path := f.where()
	switch {
	case suffix == "":
		return "", errno.ErrRange
	case f.role == roleLock, f.role == roleDirLock:
		return path, nil
	case f.role == roleData:
		return ensemble.Join(path, names.Data+suffix), nil
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
		return errno.Of(err)
	}
	h, ok := fh.(*handle)
	if !ok {
		return syscall.EBADF
	}
	key := keyOf(h, owner, flags)
	f.asked(key.handle == nil)
	switch {
	case lk.Typ == syscall.F_UNLCK:
		err = f.unlock(ctx, h, key)
	case lk.Start != 0 || lk.End < math.MaxInt64:
		err = errno.ErrRange
	default:
		err = f.lock(ctx, h, key, path, lk.Typ == syscall.F_RDLCK, wait)
	}
	return f.fs.errno("lock", path, err)
}

// keyOf returns the key of a lock that an owner asks for through h.
func keyOf(h *handle, owner uint64, flags uint32) lockKey {
	if flags&fuse.FUSE_LK_FLOCK != 0 {
		return lockKey{file: &h.file.Inode, handle: h}
	}
	return lockKey{file: &h.file.Inode, owner: owner}
}

// lock takes the lock of key on the znode at path. A lock of the other kind that the owner holds is
// given back first, as flock(2) does; the kernel sends no unlock before it (kernel fact 35). Of
// several requests of one owner, a process and its children that share the descriptor, one
// contends, and the rest find that the owner has the lock.
func (f *file) lock(ctx context.Context, h *handle, key lockKey, path string, shared, wait bool) error {
	if err := f.fs.mayChange(); err != nil {
		return err
	}
	if !h.mayLock(ctx) {
		return ensemble.ErrPermission
	}
	end, err := f.fs.locks.begin(ctx, key, wait)
	if err != nil {
		return err
	}
	defer end()
	process := calls.Process(calls.Caller(ctx))
	if held := f.fs.locks.get(key); held != nil {
		if held.shared == shared && !held.isLost() && held.takenBy(h, process) {
			return nil
		}
		if err := f.convert(ctx, key, held); err != nil {
			return err
		}
	}
	held := &heldLock{shared: shared, handle: h, process: process}
	for {
		partner := f.fs.locks.partner(key, path, h, process)
		switch {
		case partner == nil:
			if held.grant, err = f.acquire(ctx, key, path, shared, wait); err != nil {
				return err
			}
			f.fs.locks.put(key, held)
			go f.fs.locks.warn(held) // ends when the lock is given back or lost
			return f.granted(ctx, h, key, held)
		case !partner.exclusive && !shared && wait:
			return zk.ErrDeadlock // the process would wait for itself
		case !partner.exclusive && !shared:
			return zk.ErrLockHeld
		}
		held.grant = partner.grant
		if f.fs.locks.join(key, held) {
			return f.granted(ctx, h, key, held)
		}
	}
}

// mayLock reports whether the mode bits let the caller of a request lock the file that it has open
// as h. A lock makes a znode, so it takes w. Where the kernel let the caller open the file for
// writing, the caller has it; else only the owner can have it, and root.
func (h *handle) mayLock(request context.Context) bool {
	o := &h.file.fs.o
	if h.write || !o.AllowOther {
		return true
	}
	caller, ok := fuse.FromContext(request)
	return ok && (caller.Uid == 0 || caller.Uid == o.UID && o.mode(0o644)&0o200 != 0)
}

// acquire waits for the lock on the znode at path, or tries to get it.
func (f *file) acquire(ctx context.Context, key lockKey, path string, shared, wait bool) (*grant, error) {
	lock, err := f.newContender(ctx, path, shared)
	if err != nil {
		return nil, err
	}
	if wait {
		var over func()
		if over, err = f.fs.locks.wait(key, path, shared); err != nil {
			return nil, err
		}
		err = f.await(ctx, lock)
		over()
	} else {
		err = f.try(ctx, lock, path)
	}
	if err != nil {
		return nil, err
	}
	g := &grant{lock: lock, path: path, contender: lock.Path(), exclusive: !shared, released: make(chan struct{})}
	g.release = sync.OnceFunc(func() { close(g.released) })
	return g, nil
}

// granted does what must be done before a program learns that it has the lock. After an error it
// does not have it.
func (f *file) granted(ctx context.Context, h *handle, key lockKey, held *heldLock) error {
	err := h.catchUp(ctx)
	if err == nil && h.quiet && key.handle == nil && f.fs.locks.endsWith(held.process, key, held) != nil {
		err = errno.ErrUnseen
	}
	if err != nil {
		f.fs.locks.startRelease(key, held)
	}
	return err
}

// convert gives back the lock that is about to be asked for in another way. Its owner would wait
// for itself if it asked while the first contender is there, so it is an error if that does not go
// in time.
func (f *file) convert(request context.Context, key lockKey, held *heldLock) error {
	ctx, cancel := f.fs.limits.BoundChange(request)
	defer cancel()
	return f.fs.locks.release(ctx, key, held)
}

// unlock gives the lock of key back, after what was written through h: the next holder finds it. It
// is no error if the servers do not confirm it in time: the lock is not held, and a program that
// tried again could do no more.
func (f *file) unlock(request context.Context, h *handle, key lockKey) error {
	held := f.fs.locks.get(key)
	if held == nil {
		return nil
	}
	err := h.commitDirty(request)
	ctx, cancel := f.fs.limits.BoundChange(request)
	defer cancel()
	if left := f.fs.locks.release(ctx, key, held); errors.Is(left, zk.ErrNoAuth) {
		err = errors.Join(err, left)
	}
	return err
}

// catchUp makes sure that a program which has got a lock sees what earlier holders did before they gave it back, through whatever
// mount. The events about that have come before the lock: what is left is to tell the kernel. What is written through h
// from now on is based on this version: the pages that the program reads may have come through another handle.
func (h *handle) catchUp(request context.Context) error {
	f := h.file
	ctx, cancel := f.fs.limits.Bound(request)
	defer cancel()
	if f.fs.o.Watch == WatchOff {
		f.fs.ensemble.ForgetAll()
		f.fs.notify.tell("/", ensemble.Everything)
	}
	if err := f.fs.notify.settle(ctx); err != nil || !h.write || f.showsQueue() {
		return err
	}
	if err := f.take(ctx); err != nil {
		return err
	}
	defer f.give()
	if f.hasDraft() {
		return nil
	}
	s, err := f.load(ctx, true)
	if errors.Is(err, errno.ErrGone) {
		return nil // so it is for the program too
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	h.base = s
	return err
}

// await waits for the lock. A contender that only waits has nothing to lose with the session: it
// queues again in the next one.
func (f *file) await(ctx context.Context, lock *zk.Lock) error {
	for {
		session := f.fs.ensemble.SessionID()
		err := lock.LockContext(ctx)
		expired := errors.Is(err, zk.ErrSessionExpired) ||
			errors.Is(err, zk.ErrLockLost) && f.fs.ensemble.SessionID() != session
		if !expired {
			return err
		}
	}
}

// newContender prepares the lock on the znode at path, and what must be there for it.
func (f *file) newContender(request context.Context, path string, shared bool) (*zk.Lock, error) {
	ctx, cancel := f.fs.limits.BoundChange(request)
	defer cancel()
	acl, err := f.fs.lockACL(ctx, path)
	if err != nil {
		return nil, err
	}
	if err := f.bear(ctx); err != nil {
		return nil, err
	}
	lock := f.fs.ensemble.NewLock(path, acl, shared)
	lock.SetContainer()
	lock.SetData([]byte(describe(calls.Caller(request))))
	return lock, nil
}

// lockPerms are what a session needs of a lock's znode: it lists the contenders, and creates and
// deletes its own.
var lockPerms = []int32{zk.PermRead, zk.PermCreate, zk.PermDelete}

// Lockable reports whether an ACL, of a lock's znode, lets a session with these identities take the
// lock and give it back. It is false only if the servers would certainly refuse one of both.
// Without identities, which servers before 3.7 do not tell, it is true.
func Lockable(acl []zk.ACL, ids []zk.Identity) bool {
	for _, perm := range lockPerms {
		if ids != nil && !ensemble.Grants(acl, ids, perm) {
			return false
		}
	}
	return true
}

// lockACL returns the ACL for a contender on the znode at path, and for that znode where it is
// missing. It is ensemble.ErrPermission if the lock could not be taken, or not be given back, so that no
// contender is created that stays.
func (f *FS) lockACL(ctx context.Context, path string) (acl []zk.ACL, err error) {
	own, st, err := f.ensemble.ACLStat(ctx, path)
	switch {
	case err == nil && names.IsLockDir(path, f.kinds.LockSuffix, st):
		return nil, errno.ErrLockDir
	case err == nil:
		acl, err = f.acls.Under(ctx, path, own, nil)
	case errors.Is(err, zk.ErrNoNode):
		parent, _ := ensemble.Split(path)
		acl, err = f.acls.In(ctx, parent)
		own = acl
	}
	for _, perm := range lockPerms {
		if err == nil {
			err = f.ensemble.Permits(ctx, own, perm)
		}
	}
	return acl, err
}

// bear brings a file that is pending into ZooKeeper. A lock file that nothing was written to becomes a container, which the servers
// remove when no contender wants the lock.
func (f *file) bear(ctx context.Context) error {
	if !f.lifeNow().IsHere() {
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
	d := f.draft
	f.mu.Unlock()
	if d == nil || d.wrote {
		return f.commit(ctx, keepTrying)
	}
	path := f.where()
	_, err := f.fs.ensemble.Do(ctx, ensemble.LockCreation{Path: path, ACL: d.acl})
	if err != nil && !errors.Is(err, zk.ErrNodeExists) {
		return f.failed(err)
	}
	f.endDraft(life.OnCommit)
	return nil
}

// A program that closes a file and at once asks for the lock again, or starts another that does,
// finds its own contender: the closing program does not wait for RELEASE (kernel fact 18). So a
// lock that its holder is about to give back is waited for. One that is held on this mount is asked
// for a few times, since the end may be on its way to this point.
const (
	tryPause  = 10 * time.Millisecond
	tryAgains = 5
)

// try takes the lock if no contender has it.
func (f *file) try(request context.Context, lock *zk.Lock, path string) error {
	ctx, cancel := f.fs.limits.BoundChange(request)
	defer cancel()
	for tries := 0; ; tries++ {
		err := lock.TryLockContext(ctx)
		if !errors.Is(err, zk.ErrLockHeld) {
			return err
		}
		here, leaving := f.fs.locks.here(path)
		if !leaving && (!here || tries >= tryAgains) {
			return err
		}
		select {
		case <-time.After(tryPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Getlk implements fcntl(2) with F_GETLK: it tells whether another process has, or waits for, the
// lock. It names a process of this mount only; the lock file names all.
func (f *file) Getlk(ctx context.Context, fh fusefs.FileHandle, owner uint64, lk *fuse.FileLock, flags uint32, out *fuse.FileLock) syscall.Errno {
	path, err := f.lockPath()
	if err != nil {
		return errno.Of(err)
	}
	h, ok := fh.(*handle)
	if !ok {
		return syscall.EBADF
	}
	ctx, cancel := f.fs.limits.Bound(ctx)
	defer cancel()
	contenders, err := contenders(ctx, f.fs.ensemble, path)
	if err != nil {
		return f.fs.errno("lock", path, err)
	}
	own := f.fs.locks.get(keyOf(h, owner, flags))
	*out = fuse.FileLock{Typ: syscall.F_UNLCK}
	for _, c := range contenders {
		contender := ensemble.Join(path, c.Name)
		if own != nil && own.contender == contender || lk.Typ == syscall.F_RDLCK && c.Shared {
			continue
		}
		*out = fuse.FileLock{Start: 0, End: math.MaxInt64, Typ: syscall.F_WRLCK, Pid: f.fs.locks.holderOf(contender)}
		if c.Shared {
			out.Typ = syscall.F_RDLCK
		}
		break
	}
	return 0
}
