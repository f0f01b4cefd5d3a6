package fs

import (
	"context"
	"syscall"
	"time"

	"github.com/zkfs/zkfs/internal/ensemble"
)

// sendfile(2), splice(2) and mmap(2) read the kernel's pages. Unlike read(2) they never ask for the
// size (kernel fact 21): when the pages are dropped, for an event or because they are too old, the
// kernel comes with a READ for a size that may be another version's.
//
// If the current version is as long or shorter it is the answer: a reply that ends early makes the
// kernel cut the size (kernel fact 22). A longer one would be cut to the old size, so the answer is
// the old version once more, whole, and the notifier hands the new one over, which is what makes a
// file longer for the kernel (kernel fact 23).
//
// The kernel has several READs in flight. If the reply to one that begins behind the end is the
// first that it looks at, it cuts the size to where that begins, and the reply that ends early then
// cuts no more (kernel fact 62): there would be zeros behind the end. So after such a READ the
// pages are dropped once more.

// patient is how often a file is invalidated at most because the kernel reads it at the same time.
const patient = 10

// dropPages makes sure that what the kernel reads for its pages from now on may be the current
// version.
func (f *file) dropPages(ask func() syscall.Errno) syscall.Errno {
	for range patient {
		reads := f.readsSoFar()
		if errno := ask(); errno != 0 || f.pagesDropped(reads) {
			return errno
		}
	}
	f.pagesDropped(f.readsSoFar())
	return ask()
}

// pagesDropped notes that the kernel has dropped its pages, unless it was given more since reads
// was taken: those would be of the version before, beside what it gets next.
func (f *file) pagesDropped(reads uint32) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.reads != reads {
		return false
	}
	f.overdue = len(f.handles) > 0
	return true
}

// readsSoFar returns how often the kernel was given pages.
func (f *file) readsSoFar() uint32 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reads
}

// follow brings what is shown up to date once the kernel has dropped its pages. While no server can
// be asked it stays as it is.
func (f *file) follow(ctx context.Context) {
	f.mu.Lock()
	due := f.overdue && f.draft == nil && f.shown.hasData
	f.mu.Unlock()
	if !due || f.fs.ensemble.Away() > 0 {
		return
	}
	s, err := f.load(ctx, true)
	if err != nil {
		return // gone, or to be asked for again
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.draft != nil || !f.shown.hasData || s.Before(f.shown.snapshot()):
	case len(s.Data) <= len(f.shown.data):
		f.show(s)
	default:
		f.next = &s
		f.fs.notify.tellLonger(f.path)
	}
}

// handOn gives the kernel the next version of an open file: size and content by one call. It runs
// on the notifier's goroutine and holds nothing that a write waits for.
func (f *file) handOn() {
	f.mu.Lock()
	next := f.next
	f.next = nil
	due := next != nil && !f.life.IsGone() && f.draft == nil && f.shown.hasData &&
		!next.Before(f.shown.snapshot())
	f.mu.Unlock()
	if !due {
		return
	}
	f.fs.notify.content(&f.Inode)
	for range patient {
		reads := f.readsSoFar()
		f.fs.notify.store(&f.Inode, next.Data)
		if f.handedOn(next, reads) {
			return
		}
	}
	f.fs.notify.content(&f.Inode)
}

// handedOn notes that the kernel has the next version, unless it was given pages of the one before
// since reads was taken, whose end may have cut the size again, or something was written, which was
// perhaps overwritten.
func (f *file) handedOn(next *ensemble.Snapshot, reads uint32) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.draft != nil || next.Before(f.shown.snapshot()) {
		f.fs.notify.tell(f.path, ensemble.DataChanged)
		return true
	}
	if f.reads != reads {
		return false
	}
	f.show(*next)
	f.expire()
	return true
}

// expire lets the kernel drop the pages that it is getting when what they are made of is not
// trusted any more: no attribute that runs out does that for a program that does not ask for
// attributes. node.mu is held.
func (f *file) expire() {
	if f.expiry != nil || f.draft != nil || f.life.IsGone() {
		return
	}
	d := f.fs.o.MaxAge
	if s, ok := f.fs.ensemble.Peek(f.path); ok {
		d = time.Until(s.Until)
	}
	f.expiry = time.AfterFunc(d, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.expiry = nil
		if len(f.handles) > 0 && !f.life.IsGone() {
			f.fs.notify.tell(f.path, ensemble.DataChanged)
		}
	})
}
