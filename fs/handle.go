package fs

import (
	"context"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/zkfs/zkfs/internal/calls"
	"github.com/zkfs/zkfs/internal/ensemble"
)

// handle is an open file.
type handle struct {
	file   *file
	write  bool   // opened for writing
	whole  bool   // reads are answered from base, so that they are of one version; see oneRead
	append bool   // O_APPEND, for writing; see uncached
	trunc  bool   // O_TRUNC
	sync   bool   // O_SYNC, O_DSYNC, or --commit=write
	direct bool   // O_DIRECT through the kernel's cache; see undoes
	quiet  bool   // close(2) of its descriptors sends no FLUSH; see quiet.go
	opener uint32 // the process that opened it
	thread uint32 // its thread that did

	// guarded by file.busy
	dirty   bool  // something was written through it since the last commit
	dropErr error // why what was written through it is gone, if no process was told yet
	flushes int   // by the opener
	broken  error // why what was written through it is gone, so that what follows would be a part; nil: it begins anew
	undo    int64 // the end of the last write, if the kernel takes that back; see undoes

	// guarded by node.mu
	base ensemble.Snapshot // the version that the content seen through this handle is based on
	read bool              // something was read through it

	queue report // not nil: opened as a lock file without data, whose queue this is
	note  []byte // what the holder of the lock wrote into it; guarded by file.busy

	closing atomic.Bool // its last descriptor is closed
}

// isClosing reports whether the last descriptor is closed.
func (h *handle) isClosing() bool { return h.closing.Load() }

func newHandle(f *file, flags, caller uint32) *handle {
	h := &handle{
		file:  f,
		write: flags&syscall.O_ACCMODE != syscall.O_RDONLY,
		sync:  flags&openDSync != 0 || f.fs.o.Commit == CommitWrite,
	}
	h.append = h.write && flags&syscall.O_APPEND != 0
	h.trunc = h.write && flags&syscall.O_TRUNC != 0
	h.direct = flags&openDirect != 0
	if h.write {
		h.opener, h.thread = calls.Process(caller), caller
	}
	return h
}

// uncached lets the kernel pass its cache by for h. What is appended must: through its cache one
// write(2) is many requests, and a commit can come between them. Past it, one of up to 255 pages is
// one request (kernel fact 28).
func (h *handle) uncached() uint32 {
	h.direct = false
	return fuse.FOPEN_DIRECT_IO
}

// Flush implements close(2), of any copy of the descriptor in any process.
func (h *handle) Flush(ctx context.Context) syscall.Errno {
	caller, owner := calls.Caller(ctx), calls.LockOwner(ctx)
	bounded, cancel := h.file.fs.limits.BoundChange(ctx)
	defer cancel()
	err := h.flush(bounded, caller)
	h.file.fs.locks.releaseAll(ctx, func(key lockKey, _ *heldLock) bool {
		return key.handle == nil && key.owner == owner && key.file == &h.file.Inode
	})
	if err != nil {
		return h.file.fs.errno("close", h.file.where(), err)
	}
	return 0
}

// flush commits what was written, if the process that opened the file closes a descriptor: a child
// that exits in the middle closes its copy too (kernel fact 16). A file that was only truncated or
// created is committed when its opener closes it for the second time: a shell moves the descriptor
// before it writes, which closes the first (kernel fact 19).
func (h *handle) flush(ctx context.Context, caller uint32) error {
	f := h.file
	if _, err := h.file.fs.locks.heldBy(h); err != nil {
		return err
	}
	if !h.write {
		return nil
	}
	if err := f.take(ctx); err != nil {
		return err
	}
	defer f.give()
	if caller != 0 && caller != h.thread && calls.Process(caller) != h.opener {
		return nil
	}
	h.flushes++
	return h.commit(ctx, h.dirty || h.flushes > 1 && f.hasDraft())
}

// commit commits the draft if there is something to commit. What was written through h may have gone before, in the
// failed commit of another process that had the file open: that is an error too. busy is held.
func (h *handle) commit(ctx context.Context, something bool) error {
	var err error
	if something {
		err = h.file.commit(ctx, keepTrying)
	}
	if err == nil {
		err = h.dropErr
	}
	h.dropErr = nil
	return err
}

// commitDirty commits what was written through h.
func (h *handle) commitDirty(request context.Context) error {
	ctx, cancel := h.file.fs.limits.BoundChange(request)
	defer cancel()
	if err := h.file.take(ctx); err != nil {
		return err
	}
	defer h.file.give()
	return h.commit(ctx, h.dirty)
}

// Fsync implements fsync(2): it commits, and on a file that nothing was written to it makes the next read as
// new as the moment of the call.
func (h *handle) Fsync(ctx context.Context, _ uint32) syscall.Errno {
	f := h.file
	ctx, cancel := f.fs.limits.BoundChange(ctx)
	defer cancel()
	if err := f.take(ctx); err != nil {
		return f.fs.errno("fsync", f.where(), err)
	}
	defer f.give()
	if _, err := h.file.fs.locks.heldBy(h); err != nil {
		return f.fs.errno("fsync", f.where(), err)
	}
	draft := f.hasDraft() && h.write
	err := h.commit(ctx, draft)
	if err == nil && !draft {
		err = f.sync(ctx)
	}
	return f.fs.errno("fsync", f.where(), err)
}

// sync makes the next read of the file as new as the call, also where nothing in the Stat says that
// the data is other: what the file was shown as is forgotten, and the kernel drops what it holds,
// at the next open at the latest.
func (f *file) sync(ctx context.Context) error {
	if err := f.fs.ensemble.Sync(ctx, f.where()); err != nil {
		return err
	}
	f.mu.Lock()
	f.shown.data, f.shown.hasData = nil, false
	f.told, f.stored = noVersion, 0
	f.mu.Unlock()
	f.fs.showChange(ctx, f.where(), ensemble.DataChanged)
	return nil
}

// Release ends the handle, after its last descriptor is closed. What is left is committed; no process sees the
// error, so it is logged and counted.
func (h *handle) Release(context.Context) syscall.Errno {
	f := h.file
	h.closing.Store(true)
	ctx, cancel := f.fs.limits.BoundChange(context.Background())
	defer cancel()
	if h.write || f.lifeNow().IsHere() {
		if err := f.take(ctx); err == nil {
			f.leftOver(ctx, h)
			f.give()
		}
	}
	f.fs.locks.releaseAll(context.Background(), func(_ lockKey, held *heldLock) bool {
		return held.handle == h
	})
	f.closed(h)
	return 0
}

// closed forgets a handle.
func (f *file) closed(h *handle) {
	if h.write {
		f.growUp()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.handles, h)
	if len(f.handles) == 0 {
		f.handles = nil
		f.shown.data, f.shown.hasData = nil, false
		f.overdue, f.next = false, nil
		if f.expiry != nil {
			f.expiry.Stop()
			f.expiry = nil
		}
	}
}

// Allocate implements fallocate(2), which znodes do not have.
func (h *handle) Allocate(ctx context.Context, off, size uint64, mode uint32) syscall.Errno {
	return syscall.EOPNOTSUPP
}
