package fs

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/errno"
	"github.com/zkfs/zkfs/internal/life"
	"github.com/zkfs/zkfs/zk"
)

// persistence says what a commit does when another client changed the znode.
type persistence bool

const (
	keepTrying persistence = true  // as the draft's intent says
	onlyOnce   persistence = false // give up: no process waits for the result
)

// hasDraft reports whether there is something to commit.
func (f *file) hasDraft() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.draft != nil && f.life != life.Removed
}

// edit returns the draft for a change through h, which is nil for a change by name. One that
// appends goes on from the current version. busy is held.
func (f *file) edit(ctx context.Context, h *handle, appends bool) (*draft, error) {
	f.mu.Lock()
	if d := f.draft; d != nil {
		f.mu.Unlock()
		return d, nil
	}
	var s ensemble.Snapshot
	removed := f.life == life.Removed
	if h != nil {
		s = h.base
	}
	f.mu.Unlock()

	i := intentModify
	switch {
	case removed: // what is written goes with the last handle
	case appends:
		i = intentAppend
		fallthrough
	case h == nil || !s.HasData && s.Stat != nil && !h.trunc:
		now, err := f.load(ctx, true)
		switch {
		case err == nil:
			s = now
		case i == intentAppend && errors.Is(err, errno.ErrGone): // deleted: the commit creates it
			s = ensemble.Snapshot{Stat: s.Stat}
		default:
			return nil, err
		}
	case h.trunc:
		i = intentReplace
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if h != nil && i == intentReplace && h.read {
		i = intentModify
	}
	f.draft = newDraft(s, i)
	return f.draft, nil
}

// truncateOpen makes the file empty for h, which was opened with O_TRUNC. busy is held.
func (f *file) truncateOpen(h *handle) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.draft == nil {
		f.draft = newDraft(ensemble.Snapshot{Stat: h.base.Stat}, intentReplace)
		return
	}
	f.charge(-len(f.draft.data))
	f.draft.empty()
}

// truncate sets the length of the file: in the draft if a process is writing, with a Set if not.
func (f *file) truncate(ctx context.Context, h *handle, size uint64) error {
	if size > uint64(f.fs.o.MaxData) {
		return errno.ErrTooLarge
	}
	if err := f.fs.mayChange(); err != nil {
		return err
	}
	if err := f.take(ctx); err != nil {
		return err
	}
	defer f.give()
	if h != nil {
		undo := h.undo
		h.undo = 0
		if int64(size) < undo {
			return nil
		}
		if size == 0 {
			h.broken = nil
		}
	}
	writing := f.hasDraft() || h != nil && h.write
	if h == nil && !writing {
		if err := f.fs.ensemble.Allowed(ctx, f.where(), zk.PermWrite); err != nil {
			return err
		}
	}
	if !f.hasDraft() {
		if s, err := f.load(ctx, false); err == nil && int(size) == int(s.Stat.DataLength) {
			return nil
		}
	}
	d, err := f.edit(ctx, h, h != nil && h.append)
	if err != nil {
		return err
	}
	f.mu.Lock()
	if err = f.charge(int(size) - len(d.data)); err == nil {
		d.truncate(int(size))
	}
	if size == 0 && h == nil && !writing {
		d.intent = intentReplace
	}
	f.mu.Unlock()
	if err != nil {
		return err
	}
	if h != nil {
		h.dirty = true
	}
	if !writing {
		return f.commit(ctx, keepTrying)
	}
	return nil
}

// touch commits a file that is not yet in ZooKeeper. On one that is, and with now, it sets the data that is there
// already: watchers see a change.
func (f *file) touch(ctx context.Context, now bool) error {
	if err := f.fs.mayChange(); err != nil {
		return err
	}
	if err := f.take(ctx); err != nil {
		return err
	}
	defer f.give()
	f.mu.Lock()
	d := f.draft
	f.mu.Unlock()
	if d != nil {
		if d.exists() || d.wrote {
			return nil // the commit of what was written sets the time
		}
		return f.commit(ctx, keepTrying)
	}
	if !now || f.isGone() {
		return nil
	}
	if _, err := f.edit(ctx, nil, false); err != nil {
		return err
	}
	return f.commit(ctx, keepTrying)
}

// leftOver commits at the end of a handle what no close(2) committed: what it wrote, and all when it is the last. busy is held.
func (f *file) leftOver(ctx context.Context, h *handle) {
	f.mu.Lock()
	last := true
	for other := range f.handles {
		last = last && (other == h || !other.write)
	}
	left := f.draft != nil && f.life != life.Removed && (h.dirty || last)
	f.mu.Unlock()
	if !left {
		return
	}
	if err := f.commit(ctx, onlyOnce); err != nil && temporary(err) {
		f.drop(err)
	}
}

// refuse notes that a write through h failed, so that what was written before and after it does not go to the servers
// without it. The program knows, but may close the file as if nothing had happened. busy is held.
func (f *file) refuse(h *handle, off int64, appends bool, err error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if d := f.draft; d != nil {
		if appends {
			off = int64(len(d.data))
		}
		d.refuse(off, err)
		h.dirty = true
	}
	return err
}

// commit sends the draft to the servers as one change. busy is held.
//
// When it fails for good the draft is dropped, with what the kernel holds of it; when the servers are away it stays for the next attempt.
func (f *file) commit(ctx context.Context, p persistence) error {
	f.mu.Lock()
	d, sent := f.draft, f.life.IsSent()
	f.mu.Unlock()
	if d == nil || !sent {
		return nil
	}
	if d.refused != nil {
		return f.failed(d.refused)
	}
	path := f.where()
	if done, err := f.learnOutcome(ctx, path, d); done || err != nil {
		return f.failed(err)
	}
	for {
		st, err := f.send(ctx, path, d)
		if err == nil {
			f.committed(path, d, st)
			return nil
		}
		if done, err := f.failedWith(ctx, path, d, err, p); done || err != nil {
			return f.failed(err)
		}
	}
}

// force creates a file that is not yet in ZooKeeper.
func (f *file) force(ctx context.Context) error {
	if err := f.take(ctx); err != nil {
		return err
	}
	defer f.give()
	return f.commit(ctx, keepTrying)
}

// failed ends a commit with an error, if there is one. If that is for good, the draft is dropped.
func (f *file) failed(err error) error {
	if err != nil && !temporary(err) {
		f.drop(err)
	}
	return err
}

// send sends the draft once, as the change that it is now.
func (f *file) send(ctx context.Context, path string, d *draft) (*zk.Stat, error) {
	as := f.changeOf
	st, err := f.fs.ensemble.Do(ctx, as(path, d, d.data))
	if f.inheritance() != nil && d.exists() && errors.Is(err, zk.ErrNoAuth) {
		if len(d.data) == 0 {
			return d.base, nil
		}
		as = f.replacementOf
		st, err = f.fs.ensemble.Do(ctx, as(path, d, d.data))
	}
	if zk.MaybeApplied(err) { // and there was no time to find out
		sent := append([]byte{}, d.data...)
		f.mu.Lock()
		d.doubt = &doubt{as(path, d, sent), sent}
		f.mu.Unlock()
	}
	return st, err
}

// changeOf returns the change that makes data the content of the znode at path, as d means it.
func (f *file) changeOf(path string, d *draft, data []byte) ensemble.Change {
	appends := d.intent == intentAppend
	switch {
	case d.exists():
		return ensemble.Writing{
			Path: path, Data: data, Base: d.base, Directory: f.role == roleData, Appends: appends,
			Outlived: func() bool { return f.outlived(d) },
		}
	case len(data) == 0:
		return ensemble.EmptyCreation{Path: path, ACL: d.acl}
	default:
		return ensemble.Creation{Path: path, Data: data, ACL: d.acl, Claim: ensemble.Claim{Appends: appends}}
	}
}

// replacementOf is changeOf for the first data of a newborn file whose ACL does not let it be
// written: the empty znode makes way, in one transaction, for one with the data and that ACL.
func (f *file) replacementOf(path string, d *draft, data []byte) ensemble.Change {
	return ensemble.Replacement{Path: path, Data: data, ACL: f.inheritance(), Base: d.base}
}

// learnOutcome finds out what became of a change whose time was over before it was answered, and
// bases d on that. done says that it was made and that there is nothing more to send.
func (f *file) learnOutcome(ctx context.Context, path string, d *draft) (done bool, err error) {
	if d.doubt == nil {
		return false, nil
	}
	st, made, err := f.fs.ensemble.LearnOutcome(ctx, d.doubt.change)
	if err != nil {
		return false, err
	}
	more := !bytes.Equal(d.doubt.sent, d.data)
	f.mu.Lock()
	d.doubt = nil
	then := func() {}
	if made && more {
		d.base = st
		then = f.passLocked(life.OnRebase)
	}
	f.mu.Unlock()
	then()
	if made && !more {
		f.committed(path, d, st)
		return true, nil
	}
	return false, nil
}

// outlived reports whether the znode that d is based on is known to be deleted. One that was
// created again can have the same version.
func (f *file) outlived(d *draft) bool {
	return d.exists() && f.isGone() && f.showed(d.base)
}

// committed notes that d is now the content of the znode.
func (f *file) committed(path string, d *draft, st *zk.Stat) {
	if d.exists() && !ensemble.SameIncarnation(st, d.base) && f.inheritance() == nil {
		f.fs.log.Warn("the znode was deleted and created again by somebody else before this write", "path", path)
	}
	epoch := f.fs.ensemble.Epoch()
	f.mu.Lock()
	data := slices.Clip(d.data)
	f.learn(st, f.life.IsGone())
	f.given = nil
	f.told = st.Mzxid
	f.shown = content{stat: st, data: data, hasData: len(f.handles) > 0, epoch: epoch}
	f.overdue, f.next = false, nil
	if d.intent == intentAppend && len(f.handles) > 0 { // what others have appended may stand before it
		f.next = &ensemble.Snapshot{Stat: st, Data: data, HasData: true, Epoch: epoch}
		f.fs.notify.tellLonger(path)
	}
	base := ensemble.Snapshot{Stat: st, Data: data, HasData: true, Epoch: epoch}
	for h := range f.handles {
		h.base, h.dirty, h.flushes = base, false, 0
	}
	f.mu.Unlock()
	f.endDraft(life.OnCommit)
}

// failedWith decides what follows from a change that failed: done says that the draft is committed all
// the same. Without an error it is to be sent again, based on another version.
func (f *file) failedWith(ctx context.Context, path string, d *draft, err error, p persistence) (done bool, _ error) {
	switch {
	case errors.Is(err, zk.ErrBadVersion), errors.Is(err, zk.ErrNodeExists), errors.Is(err, zk.ErrNoNode):
		if p == onlyOnce && (d.exists() || d.wrote) {
			return false, errno.ErrConflict
		}
		return f.conflict(ctx, path, d, err)
	}
	return false, err
}

// conflict is failedWith where the znode is not the version that d is based on.
func (f *file) conflict(ctx context.Context, path string, d *draft, err error) (done bool, _ error) {
	f.fs.ensemble.AskAnew(path)
	s, err2 := f.fs.ensemble.Get(ctx, path)
	missing := errors.Is(err2, zk.ErrNoNode)
	switch {
	case missing && !d.exists() && errors.Is(err, zk.ErrNodeExists):
		return false, nil // it was, and is gone again
	case missing && !d.exists():
		return false, err // the directory is gone
	case err2 != nil && !missing:
		return false, err2
	case !missing && !d.exists() && !d.wrote && f.is(path, s.Stat): // an empty file was to be created: it is there
		f.committed(path, &draft{data: s.Data, base: s.Stat}, s.Stat)
		return true, nil
	case f.fs.o.Conflict == ConflictFail, d.intent == intentModify, f.role == roleData && missing:
		return false, errno.ErrConflict
	case missing && d.base.EphemeralOwner != 0: // it does not come back as a file that stays
		return false, errno.ErrConflict
	case missing:
		return false, f.recreate(ctx, path, d)
	case !f.is(path, s.Stat) && f.role != roleData:
		return false, errno.ErrGone
	}
	f.rebase(d, s, life.OnRebase)
	if len(d.data) > f.fs.o.MaxData {
		return false, errno.ErrTooLarge
	}
	return false, nil
}

// recreate makes d a draft for a znode that was deleted under it.
func (f *file) recreate(ctx context.Context, path string, d *draft) error {
	parent, _ := ensemble.Split(path)
	acl, err := f.fs.acls.In(ctx, parent)
	if err != nil {
		return err
	}
	f.mu.Lock()
	d.acl = acl
	f.mu.Unlock()
	f.rebase(d, ensemble.Snapshot{}, life.OnRecreate)
	return nil
}

// rebase lets d, the draft of f, go on from s, or from nothing. busy is held.
func (f *file) rebase(d *draft, s ensemble.Snapshot, e life.Event) {
	f.mu.Lock()
	d.rebase(s)
	then := f.passLocked(e)
	f.mu.Unlock()
	then()
}

// drop gives the draft up, with what the kernel holds of it. It is the one end of all that was
// written and does not reach ZooKeeper. What its program does not look at, as shells do with the
// error of close(2), is found in the log and in /.status.
func (f *file) drop(err error) {
	f.mu.Lock()
	path, here := f.path, f.life == life.Pending
	for h := range f.handles {
		if h.dirty {
			h.dirty, h.dropErr = false, err
			if !h.append {
				h.broken = err
			}
		}
	}
	f.mu.Unlock()
	f.fs.failures.add(path, err)
	f.endDraft(life.OnDrop)
	if here {
		f.fs.notify.tell(path, ensemble.Deleted)
	}
	f.fs.notify.tell(path, ensemble.DataChanged)
}

// temporary reports whether a commit that failed with err can succeed later.
func temporary(err error) bool {
	switch errno.Of(err) {
	case errno.Of(zk.ErrNoServer), errno.Of(context.DeadlineExceeded), errno.Of(context.Canceled):
		return true
	}
	return false
}
