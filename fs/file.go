package fs

import (
	"context"
	"errors"
	"syscall"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/errno"
	"github.com/zkfs/zkfs/internal/life"
	"github.com/zkfs/zkfs/internal/names"
	"github.com/zkfs/zkfs/zk"
)

// file is a regular file: the data of a znode.
//
// All processes that have it open share what was written and is not committed (the draft), as they
// would share the pages of a file on a disk.
// The kernel may know a million of them, few of which are open: what an open file alone needs is allocated with the first handle.
type file struct {
	node

	// guarded by node.mu
	storing bool               // a version is being handed to the kernel; see handOver
	locked  bool               // a program has asked for a lock; see mayHaveLock
	flushed bool               // and for one of fcntl(2); see quiet.go
	reads   uint32             // how often the kernel was given pages
	overdue bool               // the kernel has dropped its pages since it was told what is shown; see readPages
	next    *ensemble.Snapshot // a version that is longer than what is shown, which the kernel is to get; see handOn
	expiry  *time.Timer        // when the kernel is to drop its pages, whatever happens; nil: it has none
	refused uint32             // the thread that was told last that the file is gone; see reopens
	users   int32              // of busy, those that wait included
	busy    chan struct{}      // held to change or commit the content, across requests; nil without users
	shown   content            // what the kernel was told last; reads are answered from it, so that size and data agree
	told    int64              // the mzxid that the kernel was told last; 0: none, noVersion: it may be outdated
	stored  int64              // the mzxid of the version that the kernel was handed whole; see handOver
	turned  time.Duration      // after FS.start: when this mount last learned of a change by another client; see restless
	handles map[*handle]bool   // open; nil without
	draft   *draft             // nil: nothing to commit
	given   *[]zk.ACL          // what a newborn was given as ACL, or nil
}

// noVersion is the mzxid of no znode.
const noVersion = -1

// content is one version of a file. The data is kept while the file is open.
type content struct {
	stat    *zk.Stat
	data    []byte
	hasData bool
	epoch   uint32 // as in snapshot
}

func contentOf(s ensemble.Snapshot) content { return content{s.Stat, s.Data, s.HasData, s.Epoch} }

func (c content) snapshot() ensemble.Snapshot {
	return ensemble.Snapshot{Stat: c.stat, Data: c.data, HasData: c.hasData, Epoch: c.epoch}
}

func (f *FS) newFile(path string, r role, l life.Life) *file {
	return &file{node: node{fs: f, path: path, role: r, life: l}}
}

func (f *file) kind() names.Kind {
	if f.role == roleLock {
		return names.KindLock
	}
	return names.KindFile
}

// take waits for the right to change the content. give gives it back.
func (f *file) take(ctx context.Context) error {
	if f.tryTake() {
		return nil
	}
	busy := f.use()
	select {
	case busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		f.unused()
		return ctx.Err()
	}
}

// tryTake is take that does not wait.
func (f *file) tryTake() bool {
	select {
	case f.use() <- struct{}{}:
		return true
	default:
		f.unused()
		return false
	}
}

// use returns busy for a caller that takes it or waits for it. unused must follow.
func (f *file) use() chan<- struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.busy == nil {
		f.busy = make(chan struct{}, 1)
	}
	f.users++
	return f.busy
}

func (f *file) give() {
	f.mu.Lock()
	busy := f.busy
	f.mu.Unlock()
	<-busy
	f.unused()
}

// unused notes that a caller no longer holds busy or waits for it.
func (f *file) unused() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.users--; f.users == 0 {
		f.busy = nil
	}
}

// addHandle notes a handle. node.mu is held.
func (f *file) addHandle(h *handle) {
	if f.handles == nil {
		f.handles = map[*handle]bool{}
	}
	f.handles[h] = true
}

// Getattr implements stat(2) and fstat(2).
func (f *file) Getattr(ctx context.Context, _ fusefs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	if f.isPoker(ctx) {
		return f.attrForPoker(out)
	}
	ctx, cancel := f.fs.limits.Bound(ctx)
	defer cancel()
	s, err := f.state(ctx)
	if err != nil {
		return f.fs.errno("stat", f.where(), err)
	}
	out.SetTimeout(f.attr(&out.Attr, s, f.fs.ensemble.Lifetime(s)))
	return 0
}

// attr fills out and returns how long the kernel may keep it, which is d unless something was written. Of an open file
// the kernel learns what reads are answered from: a size of another version would cut them.
func (f *file) attr(out *fuse.Attr, s ensemble.Snapshot, d time.Duration) time.Duration {
	if f.role != roleData && f.role != roleDirLock {
		f.learnACL(s.Stat)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	st := s.Stat
	if st != nil && (s.Before(f.shown.snapshot()) || f.shown.hasData && !ensemble.SameVersion(st, f.shown.stat)) {
		st, d = f.shown.stat, 0
	}
	if st == nil || f.storing {
		st = f.shown.stat
	}
	if st == nil {
		st = &zk.Stat{}
	}
	if f.storing {
		d = 0
	}
	switch f.role {
	case roleLock:
		f.fs.o.lockAttr(out, st)
	case roleDirLock:
		f.fs.o.lockAttr(out, &zk.Stat{Mtime: st.Mtime, Version: st.Cversion})
	default:
		f.fs.o.fileAttr(out, st)
	}
	if f.life != life.Newborn { // which can be written whatever its ACL
		restrict(out, s)
	}
	if f.life.IsGone() || s.Removed {
		out.Nlink = 0
		d = 0
	}
	if f.life == life.Scratch {
		out.Mode = fuse.S_IFREG | 0o600
	}
	if f.draft != nil {
		out.Size = uint64(len(f.draft.data))
		out.SetTimes(&f.draft.time, &f.draft.time, &f.draft.time)
		return 0
	}
	f.told = st.Mzxid
	return d
}

// state returns what the kernel is to be told about the file: with the data if it is open, so that reads fit the size.
func (f *file) state(ctx context.Context) (ensemble.Snapshot, error) {
	f.mu.Lock()
	shown, open, local := f.shown, len(f.handles) > 0, f.draft != nil || f.life.IsGone()
	lost := f.life == life.Vanished && !open
	f.mu.Unlock()
	if lost {
		return ensemble.Snapshot{}, errno.ErrGone
	}
	if local {
		return shown.snapshot(), nil
	}
	known := shown.hasData && f.fs.ensemble.IsCurrent(f.where(), shown.snapshot())
	s, err := f.settledLoad(ctx, open && !known)
	if errors.Is(err, errno.ErrGone) && f.stays() {
		f.fs.notify.unname(f.where()) // it is trusted for long
		s = shown.snapshot()
		s.Removed = true
		return s, nil
	}
	if err != nil {
		return s, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.draft != nil {
		return f.shown.snapshot(), nil
	}
	f.show(s)
	return s, nil
}

// show notes what the kernel is told, unless it was told something newer while s was on its way. The data is kept while
// the file is open. node.mu is held.
func (f *file) show(s ensemble.Snapshot) {
	if s.Before(f.shown.snapshot()) {
		return
	}
	if !s.HasData && f.shown.hasData && ensemble.SameVersion(s.Stat, f.shown.stat) {
		s.Data, s.HasData = f.shown.data, true
	}
	if len(f.handles) == 0 {
		s.Data, s.HasData = nil, false
	}
	if f.shown.stat != nil && !ensemble.SameVersion(s.Stat, f.shown.stat) {
		f.turn()
	}
	f.shown = contentOf(s)
	f.overdue, f.next = false, nil
}

// stays reports whether the file can be used although its znode is not there any more: it is open,
// or this mount has removed it while a process looked at it.
func (f *file) stays() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.handles) > 0 || f.life == life.Removed
}

// load gets the znode, or errno.ErrGone if it is not there as this file any more: it was removed,
// or is another one, or this mount is about to remove or rename it. An open file then stays as it
// was.
func (f *file) load(ctx context.Context, data bool) (s ensemble.Snapshot, err error) {
	ask := f.fs.ensemble.Know
	if data {
		ask = f.fs.ensemble.Get
	}
	for again := false; ; again = true {
		path, lost := f.standing()
		if lost {
			return s, errno.ErrGone
		}
		s, err = ask(ctx, path)
		now, lost := f.standing()
		switch {
		case lost:
			return s, errno.ErrGone
		case now != path: // it was renamed meanwhile
			continue
		case errors.Is(err, zk.ErrNoNode):
			return s, errno.ErrGone
		case err != nil:
			return s, err
		case f.shows(s.Stat) && f.is(path, s.Stat):
			return s, nil
		case again || !f.outdates(s.Stat):
			return s, errno.ErrGone
		}
		f.fs.ensemble.AskAnew(path) // the answer is from before the file was created
	}
}

// settledLoad is load that first waits for the end of what this mount does with the file, if that
// is a reason why it seems to be gone. The caller holds neither busy nor, by a request of the
// kernel, a page (kernel fact 12).
func (f *file) settledLoad(ctx context.Context, data bool) (ensemble.Snapshot, error) {
	s, err := f.load(ctx, data)
	if !errors.Is(err, errno.ErrGone) || f.isGone() {
		return s, err
	}
	if err := f.take(ctx); err != nil {
		return s, err
	}
	f.give()
	return f.load(ctx, data)
}

// is reports whether a znode with that Stat still is what this file shows.
func (f *file) is(path string, st *zk.Stat) bool {
	switch f.role {
	case roleData:
		return st.DataLength > 0 && f.fs.kinds.KindOf(path, st) == names.KindDir
	case roleDirLock:
		return f.fs.kinds.KindOf(path, st) == names.KindDir
	}
	return f.fs.kinds.KindOf(path, st) == f.kind()
}

// contentLocked returns what the file consists of now. The slice must not be changed and, without node.mu, not be kept.
func (f *file) contentLocked() []byte {
	if f.draft != nil {
		return f.draft.data
	}
	return f.shown.data
}

// Setattr implements truncate(2) and utimensat(2), and accepts what has no meaning for a znode.
func (f *file) Setattr(ctx context.Context, fh fusefs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	ctx, cancel := f.fs.limits.BoundChange(ctx)
	defer cancel()
	h, _ := fh.(*handle)
	if size, ok := in.GetSize(); ok {
		if err := f.truncate(ctx, h, size); err != nil {
			return f.fs.errno("truncate", f.where(), err)
		}
	} else if in.Valid&fuse.FATTR_MTIME != 0 {
		if err := f.touch(ctx, in.Valid&fuse.FATTR_MTIME_NOW != 0); err != nil {
			return f.fs.errno("touch", f.where(), err)
		}
	}
	s, err := f.state(ctx)
	if err != nil {
		return f.fs.errno("stat", f.where(), err)
	}
	out.SetTimeout(f.attr(&out.Attr, s, f.fs.ensemble.Lifetime(s)))
	return 0
}

// restless is for how long a file that another client has changed passes the kernel's cache by,
// where it is opened to be read. The kernel learns size and content by two answers (kernel fact
// 20). A program that reads through its cache in the moment of a change can get the size of before
// with the content of after.
const restless = 2 * time.Second

// turn notes that another client has changed the file. node.mu is held.
func (f *file) turn() { f.turned = time.Since(f.fs.start) }

// isRestless reports whether that was a moment ago. node.mu is held.
func (f *file) isRestless() bool { return f.turned != 0 && time.Since(f.fs.start)-f.turned < restless }
