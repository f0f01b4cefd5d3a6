package fs

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

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
	lost    error // why what was written through it is gone, if nobody was told yet
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
		h.opener, h.thread = processOf(caller), caller
	}
	return h
}

// oneRead is what the kernel reads at once, ahead of a program. Smaller files come into its cache in one piece. Of a larger
// one the cache could hold pages of two versions, so reads of it pass the cache by: each handle reads the version that it
// was opened at, until it begins anew. So do those of one that others change right now, see restless.
const oneRead = 128 << 10

// uncached lets the kernel pass its cache by for h. What is appended must: through its cache the
// kernel sends at most one page in a request if it does not hold the page at the end, and many
// pages only where they begin with one (fuse_fill_write_pages in fs/fuse/file.c). Past it a
// write(2) of up to 255 pages is one request, which no commit can come between.
func (h *handle) uncached() uint32 {
	h.direct = false
	return fuse.FOPEN_DIRECT_IO
}

// Read implements read(2).
func (h *handle) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	f := h.file
	if _, err := h.file.fs.locks.heldBy(h); err != nil {
		return nil, f.fs.errno("read", f.where(), err)
	}
	if h.queue != nil {
		return h.queue.Read(ctx, dest, off)
	}
	switch {
	case isForCache(ctx):
	case h.whole:
		return h.readWhole(ctx, dest, off)
	case h.append:
		return h.readNow(ctx, dest, off)
	}
	return h.readPages(ctx, dest, off)
}

// readPages answers with what the kernel was told last, even if an event came since: for read(2) it
// asks for the new size first, and then for the data that belongs to it. For sendfile(2), splice(2)
// and a page that is mapped it does not, so that once it has dropped its pages it gets the current
// version here; see follow.
func (h *handle) readPages(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	f := h.file
	ctx, cancel := f.fs.bound(ctx)
	defer cancel()
	f.follow(ctx)
	for {
		f.mu.Lock()
		if f.draft != nil || f.shown.hasData {
			defer f.mu.Unlock()
			h.read = true
			f.reads++
			f.expire()
			return fuse.ReadResultData(dest[:copyFrom(dest, f.contentLocked(), off)]), 0
		}
		f.mu.Unlock()
		s, err := f.load(ctx, true)
		if errors.Is(err, errGone) && h.base.HasData {
			s, err = h.base, nil
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return nil, f.fs.errno("read", f.where(), err)
		}
		f.mu.Lock()
		if f.draft == nil && !f.shown.hasData {
			f.show(s) // if the kernel has learned of a newer version meanwhile, that is asked for next
			h.base = s
		}
		f.mu.Unlock()
	}
}

// readWhole answers a read of a large file. At its start the reader gets to the current version; behind its end only if
// that continues what was read, so that a reader that goes on to the end of the file does not find the end of another one.
func (h *handle) readWhole(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	f := h.file
	f.mu.Lock()
	base := h.base
	f.mu.Unlock()
	if off == 0 || off >= int64(len(base.Data)) {
		ctx, cancel := f.fs.bound(ctx)
		defer cancel()
		now, err := f.current(ctx)
		if err != nil && !errors.Is(err, errGone) { // a file that is deleted stays as it was for programs that have it open
			return nil, f.fs.errno("read", f.where(), err)
		}
		if err == nil && (off == 0 || bytes.HasPrefix(now.Data, base.Data)) {
			base = now
			f.mu.Lock()
			h.base = base
			f.mu.Unlock()
		}
	}
	return fuse.ReadResultData(dest[:copyFrom(dest, base.Data, off)]), 0
}

// readNow answers a read past the kernel's cache. The kernel asks for no size before it, and hears
// of none by it: what it was told last stays as it is.
func (h *handle) readNow(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	f := h.file
	f.mu.Lock()
	h.read = true
	if f.draft != nil {
		defer f.mu.Unlock()
		return fuse.ReadResultData(dest[:copyFrom(dest, f.draft.data, off)]), 0
	}
	s := f.shown.snapshot()
	if !s.HasData {
		s = h.base
	}
	f.mu.Unlock()
	if !s.HasData || !f.fs.ensemble.IsCurrent(f.where(), s) {
		ctx, cancel := f.fs.bound(ctx)
		defer cancel()
		now, err := f.load(ctx, true)
		switch {
		case err == nil:
			s = now
		case !errors.Is(err, errGone) || !s.HasData:
			return nil, f.fs.errno("read", f.where(), err)
		}
	}
	return fuse.ReadResultData(dest[:copyFrom(dest, s.Data, off)]), 0
}

// current returns what the file consists of now, with what is written and not committed.
func (f *file) current(ctx context.Context) (ensemble.Snapshot, error) {
	f.mu.Lock()
	if f.draft != nil {
		defer f.mu.Unlock()
		return ensemble.Snapshot{Stat: f.shown.stat, Data: slices.Clone(f.draft.data), HasData: true}, nil
	}
	f.mu.Unlock()
	return f.load(ctx, true)
}

// Write implements write(2): into the draft.
func (h *handle) Write(ctx context.Context, data []byte, off int64) (uint32, syscall.Errno) {
	ctx, cancel := h.file.fs.bound(ctx)
	defer cancel()
	if err := h.doWrite(ctx, data, off); err != nil {
		return 0, h.file.fs.errno("write", h.file.where(), err)
	}
	return uint32(len(data)), 0
}

func (h *handle) doWrite(ctx context.Context, data []byte, off int64) (err error) {
	f := h.file
	if err := f.take(ctx); err != nil {
		return err
	}
	defer f.give()
	defer func(end int64) { h.undo = h.undoes(end, err) }(off + int64(len(data)))
	if h.broken != nil && off > 0 {
		return h.broken
	}
	h.broken = nil
	held, err := h.file.fs.locks.heldBy(h)
	if err != nil {
		return err
	}
	if f.showsQueue() {
		if held != nil {
			return h.writeNote(ctx, held, data, off)
		}
		if err := f.takesData(ctx); err != nil {
			return err
		}
	}
	if err := f.fs.ensemble.Connected(ctx); err != nil {
		return f.refuse(h, off, err)
	}
	d, err := f.edit(ctx, h)
	if err != nil {
		return err
	}
	f.mu.Lock()
	moved := h.append && off != int64(len(d.data))
	if h.append {
		off = int64(len(d.data))
	}
	grows := max(0, int(off)+len(data)-len(d.data))
	if err = f.charge(grows); err == nil {
		if err = d.write(data, off, f.fs.o.MaxData); err == nil {
			d.through(h.read, h.append)
		} else {
			f.charge(-grows)
		}
	}
	f.mu.Unlock()
	if err != nil {
		return f.refuse(h, off, err)
	}
	h.dirty = true
	if moved { // the kernel put it where it thought that the end is
		f.fs.notify.tell(f.where(), ensemble.DataChanged)
	}
	if h.sync {
		return f.commit(ctx, keepTrying)
	}
	return nil
}

// undoes returns what undo is after a write up to end. When a direct write fails that would have
// made the file longer, the kernel sets the length that it knows, by a request like that of
// ftruncate(2) (fuse_direct_IO in fs/fuse/file.c). No program has asked for that. It does not if
// the file passes its cache by whatever the program said.
func (h *handle) undoes(end int64, err error) int64 {
	f := h.file
	f.mu.Lock()
	defer f.mu.Unlock()
	size := int64(len(f.contentLocked()))
	if f.draft == nil && f.shown.stat != nil {
		size = int64(f.shown.stat.DataLength)
	}
	if err == nil || !h.direct || end <= size {
		return 0
	}
	return end
}

// writeNote lets the holder of a lock say more about itself than host, process and command: in its contender's znode.
func (h *handle) writeNote(ctx context.Context, held *heldLock, data []byte, off int64) error {
	if held == nil {
		return errNotAllowed
	}
	d := draft{data: h.note}
	if h.append {
		off = int64(len(h.note))
	}
	if err := d.write(data, off, h.file.fs.o.MaxData); err != nil {
		return err
	}
	h.note = d.data
	_, err := h.file.fs.ensemble.Do(ctx, ensemble.Note{Path: held.contender, Data: h.note})
	return err
}

// Flush implements close(2), of any copy of the descriptor in any process.
func (h *handle) Flush(ctx context.Context) syscall.Errno {
	caller, owner := callerOf(ctx), lockOwnerOf(ctx)
	bounded, cancel := h.file.fs.boundChange(ctx)
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

// flush commits what was written, if the process that opened the file closes a descriptor: a child that exits in the
// middle closes its copy too. A file that was only truncated or created is committed when its opener closes
// it for the second time: a shell moves the descriptor before it writes, which closes the first.
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
	if caller != 0 && caller != h.thread && processOf(caller) != h.opener {
		return nil
	}
	h.flushes++
	return h.commit(ctx, h.dirty || h.flushes > 1 && f.hasDraft())
}

// commit commits the draft if there is something to commit. What was written through h may have gone before, in the
// failed commit of another who had the file open: that is an error too. busy is held.
func (h *handle) commit(ctx context.Context, something bool) error {
	var err error
	if something {
		err = h.file.commit(ctx, keepTrying)
	}
	if err == nil {
		err = h.lost
	}
	h.lost = nil
	return err
}

// commitDirty commits what was written through h.
func (h *handle) commitDirty(request context.Context) error {
	ctx, cancel := h.file.fs.boundChange(request)
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
	ctx, cancel := f.fs.boundChange(ctx)
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

// Release ends the handle, after its last descriptor is closed. What is left is committed; nobody sees the
// error, so it is logged and counted.
func (h *handle) Release(context.Context) syscall.Errno {
	f := h.file
	h.closing.Store(true)
	ctx, cancel := f.fs.boundChange(context.Background())
	defer cancel()
	if h.write || f.lifeNow().isHere() {
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
