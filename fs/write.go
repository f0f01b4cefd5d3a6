package fs

import (
	"context"
	"syscall"

	"github.com/zkfs/zkfs/internal/calls"
	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/errno"
)

// Write implements write(2): into the draft.
func (h *handle) Write(ctx context.Context, data []byte, off int64) (uint32, syscall.Errno) {
	appends := h.append && calls.IsAppending(ctx)
	ctx, cancel := h.file.fs.limits.Bound(ctx)
	defer cancel()
	if err := h.doWrite(ctx, data, off, appends); err != nil {
		return 0, h.file.fs.errno("write", h.file.where(), err)
	}
	return uint32(len(data)), 0
}

func (h *handle) doWrite(ctx context.Context, data []byte, off int64, appends bool) (err error) {
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
			return h.writeNote(ctx, held, data, off, appends)
		}
		if err := f.takesData(ctx); err != nil {
			return err
		}
	}
	if err := f.fs.ensemble.Connected(ctx); err != nil {
		return f.refuse(h, off, appends, err)
	}
	d, err := f.edit(ctx, h, appends)
	if err != nil {
		return err
	}
	f.mu.Lock()
	moved := appends && off != int64(len(d.data))
	if appends {
		off = int64(len(d.data))
	}
	grows := max(0, int(off)+len(data)-len(d.data))
	if err = f.charge(grows); err == nil {
		if err = d.write(data, off, f.fs.o.MaxData); err == nil {
			d.through(h.read, appends)
		} else {
			f.charge(-grows)
		}
	}
	f.mu.Unlock()
	if err != nil {
		return f.refuse(h, off, appends, err)
	}
	h.dirty = true
	if moved { // the kernel put it where it thought that the end is (kernel fact 29)
		f.fs.notify.tell(f.where(), ensemble.DataChanged)
	}
	if h.sync {
		return f.commit(ctx, keepTrying)
	}
	return nil
}

// undoes returns what undo is after a write up to end. When a direct write fails that would have
// made the file longer, the kernel sets the length that it knows, by a request like that of
// ftruncate(2), which no program has asked for. It does not on an uncached handle (kernel fact 30).
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

// writeNote lets the holder of a lock say more about itself than host, process and command: in its
// contender's znode.
func (h *handle) writeNote(
	ctx context.Context, held *heldLock, data []byte, off int64, appends bool,
) error {
	if held == nil {
		return errno.ErrNotAllowed
	}
	d := draft{data: h.note}
	if appends {
		off = int64(len(h.note))
	}
	if err := d.write(data, off, h.file.fs.o.MaxData); err != nil {
		return err
	}
	h.note = d.data
	_, err := h.file.fs.ensemble.Do(ctx, ensemble.Note{Path: held.contender, Data: h.note})
	return err
}
