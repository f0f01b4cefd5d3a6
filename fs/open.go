package fs

import (
	"context"
	"errors"
	"syscall"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/zkfs/zkfs/internal/calls"
	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/errno"
	"github.com/zkfs/zkfs/internal/life"
	"github.com/zkfs/zkfs/internal/poke"
	"github.com/zkfs/zkfs/zk"
)

// Open implements open(2) of a file that exists. It is the one handler that notifies the kernel
// itself, by reopen and handOver: the kernel holds no lock here that a notification waits for.
func (f *file) Open(ctx context.Context, flags uint32) (fusefs.FileHandle, uint32, syscall.Errno) {
	if f.isPoker(ctx) {
		return nil, 0, f.fs.announced.grant(f.shownPath(), poke.Modified)
	}
	caller := calls.Caller(ctx)
	ctx, cancel := f.fs.limits.Bound(ctx)
	defer cancel()
	h, outdated, err := f.open(ctx, flags, caller)
	if err != nil {
		return nil, 0, f.fs.errno("open", f.where(), err)
	}
	if outdated { // after busy is given back: a write may wait for it with a page (kernel fact 12)
		f.reopen()
	} else if !h.write && !h.whole {
		f.handOver()
	}
	out := uint32(fuse.FOPEN_KEEP_CACHE)
	if h.queue != nil || h.whole || h.append {
		out = h.uncached()
	}
	if h.quiet = f.opensQuietly(h); h.quiet {
		out |= fuse.FOPEN_NOFLUSH
	}
	return h, out, 0
}

// open returns the new handle, and whether what the kernel holds of the file is outdated.
func (f *file) open(ctx context.Context, flags, caller uint32) (h *handle, outdated bool, err error) {
	h = newHandle(f, flags, caller)
	if h.write {
		if err := f.mayWrite(ctx); err != nil {
			return nil, false, err
		}
	}
	if err := f.take(ctx); err != nil {
		return nil, false, err
	}
	defer f.give()

	f.mu.Lock()
	written := f.draft != nil && !f.life.IsGone()
	f.mu.Unlock()
	if written {
		f.mu.Lock()
		f.addHandle(h)
		h.base = f.shown.snapshot()
		f.mu.Unlock()
	} else {
		s, err := f.load(ctx, !h.trunc || flags&syscall.O_ACCMODE != syscall.O_WRONLY)
		switch {
		case err == nil:
			outdated = f.opened(h, s)
		case !errors.Is(err, errno.ErrGone) || !f.reopens(h, caller):
			return nil, false, err
		}
	}
	switch {
	case f.showsQueue():
		queue, err := readQueue(ctx, f.fs.ensemble, f.where())
		if err != nil {
			f.closed(h)
			return nil, false, err
		}
		h.queue = append(report{}, queueText(queue)...)
	case h.trunc:
		f.truncateOpen(h)
	}
	return h, outdated, nil
}

// reopens registers h, another handle of a file that is removed but open, which a program can reach
// by /proc/self/fd. One that came by a name is sent back to look at the name again, once: what is
// open may not be what has that name. The kernel comes back with the same file only if there was no
// name (kernel fact 13). What this mount has removed has none.
func (f *file) reopens(h *handle, caller uint32) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	refused := f.refused
	f.refused = caller
	if len(f.handles) == 0 || f.life != life.Removed && refused != caller {
		return false
	}
	h.base = f.shown.snapshot()
	f.addHandle(h)
	return true
}

// showsQueue reports whether the file is a lock file without data: it reads as the queue of the lock, and only the
// holder can write, to its own contender.
func (f *file) showsQueue() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch f.role {
	case roleDirLock:
		return true
	case roleLock:
		return f.draft == nil && (f.shown.stat == nil || f.shown.stat.DataLength <= 0)
	}
	return false
}

// takesData returns errno.ErrNotAllowed if what is written into a lock file could be lost: the
// servers remove a container that is empty, whatever its data, and no client can see that a znode
// is one. One that was written once is none of ours.
func (f *file) takesData(ctx context.Context) error {
	if f.role == roleDirLock {
		return errno.ErrNotAllowed
	}
	s, err := f.load(ctx, false)
	if err == nil && s.Stat.Version == 0 && s.Stat.DataLength <= 0 {
		return errno.ErrNotAllowed
	}
	return err
}

// opened registers h. It returns whether the kernel holds another version, which must be dropped
// before the open is answered.
func (f *file) opened(h *handle, s ensemble.Snapshot) (outdated bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.addHandle(h)
	h.base = s
	outdated = f.told != 0 && f.told != s.Stat.Mzxid && !h.trunc
	if outdated {
		f.turn()
	}
	if !outdated || !f.shown.hasData { // else others read: the kernel must drop the old size before they get what is new
		f.show(s)
	}
	h.whole = !h.write && (len(s.Data) > oneRead || f.isRestless())
	return outdated
}

// reopen makes the kernel drop what it holds of the file, from the handler of an open.
func (f *file) reopen() {
	f.mu.Lock()
	old := f.told
	f.mu.Unlock()
	f.fs.notify.reopened(&f.Inode)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.told == old {
		f.told = 0
	}
}

// handOver gives the kernel the content of the file (kernel fact 23), from the handler of an open:
// most programs that open a file read it, and then need not ask.
//
// No program can have the file open for writing meanwhile, because busy is held and no such handle
// is there: no write waits for busy with a page locked, and none is overwritten. An event that
// comes meanwhile has told the kernel to drop what it did not have yet, so this looks once more at
// the end. Until then the kernel gets no other size than the one that belongs to the content.
func (f *file) handOver() {
	if !f.tryTake() {
		return
	}
	defer f.give()
	path := f.where()
	f.mu.Lock()
	s := f.shown.snapshot()
	fits := f.draft == nil && s.HasData && len(s.Data) > 0 && len(s.Data) <= oneRead &&
		!f.life.IsGone() && f.told == s.Stat.Mzxid && f.stored != f.told
	for h := range f.handles {
		fits = fits && !h.write
	}
	fits = fits && f.fs.ensemble.IsCurrent(path, s)
	f.storing = fits
	f.mu.Unlock()
	if !fits {
		return
	}
	f.fs.notify.store(&f.Inode, s.Data)
	f.mu.Lock()
	f.expire()
	f.storing, f.stored = false, s.Stat.Mzxid
	f.mu.Unlock()
	if !f.fs.ensemble.IsCurrent(path, s) {
		f.fs.notify.reopened(&f.Inode)
	}
}

// mayWrite reports why the file can not be written, while the program still looks at the error:
// shells report errors of open(2) and write(2), but not those of close(2) (kernel fact 19).
func (f *file) mayWrite(ctx context.Context) error {
	if err := f.fs.mayChange(); err != nil {
		return err
	}
	if l := f.lifeNow(); l.IsHere() || l.IsGone() || f.inheritance() != nil {
		return nil
	}
	err := f.fs.ensemble.Allowed(ctx, f.where(), zk.PermWrite)
	if errors.Is(err, zk.ErrNoNode) {
		err = errno.ErrGone // the kernel looks again, and creates it if O_CREAT says so (kernel fact 13)
	}
	return err
}
