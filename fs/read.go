package fs

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/zkfs/zkfs/internal/calls"
	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/errno"
)

// oneRead is what the kernel reads at once, ahead of a program (kernel fact 24). Smaller files come
// into its cache in one piece. Of a larger one the cache could hold pages of two versions, so reads
// of it pass the cache by: each handle reads the version that it was opened at, until it begins
// anew. So do those of one that other clients change right now (kernel fact 20), see restless.
const oneRead = 128 << 10

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
	case calls.IsForCache(ctx):
	case h.whole:
		return h.readWhole(ctx, dest, off)
	case h.append:
		return h.readNow(ctx, dest, off)
	}
	return h.readPages(ctx, dest, off)
}

// readPages answers with what the kernel was told last, even if an event came since: for read(2) it
// asks for the new size first, and then for the data that belongs to it (kernel fact 20). For
// sendfile(2), splice(2) and a page that is mapped it does not (kernel fact 21), so that once it
// has dropped its pages it gets the current version here; see follow.
func (h *handle) readPages(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	f := h.file
	ctx, cancel := f.fs.limits.Bound(ctx)
	defer cancel()
	f.follow(ctx)
	for {
		f.mu.Lock()
		if f.draft != nil || f.shown.hasData {
			defer f.mu.Unlock()
			h.read = true
			f.reads++
			f.expire()
			content := f.contentLocked()
			if off > int64(len(content)) {
				f.fs.notify.tell(f.path, ensemble.DataChanged) // see pages.go
			}
			return fuse.ReadResultData(dest[:copyFrom(dest, content, off)]), 0
		}
		f.mu.Unlock()
		s, err := f.load(ctx, true)
		if errors.Is(err, errno.ErrGone) && h.base.HasData {
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

// readWhole answers a read of a large file. At its start the reader gets to the current version;
// behind its end only if that continues what was read, so that a reader that goes on to the end of
// the file does not find the end of another one.
func (h *handle) readWhole(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	f := h.file
	f.mu.Lock()
	base := h.base
	f.mu.Unlock()
	if off == 0 || off >= int64(len(base.Data)) {
		ctx, cancel := f.fs.limits.Bound(ctx)
		defer cancel()
		now, err := f.current(ctx)
		if err != nil && !errors.Is(err, errno.ErrGone) { // a deleted file that is open stays as it was
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
	shown := s.HasData
	if !shown {
		s = h.base // for as long as the file is open, if it is gone
	}
	f.mu.Unlock()
	if !shown || !f.fs.ensemble.IsCurrent(f.where(), s) {
		ctx, cancel := f.fs.limits.Bound(ctx)
		defer cancel()
		now, err := f.load(ctx, true)
		switch {
		case err == nil:
			s = now
		case !errors.Is(err, errno.ErrGone) || !s.HasData:
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
