package fs

import (
	"context"
	"errors"
	"path"
	"strconv"
	"sync/atomic"
	"syscall"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/errno"
	"github.com/zkfs/zkfs/internal/life"
	"github.com/zkfs/zkfs/internal/names"
	"github.com/zkfs/zkfs/zk"
)

// What editors and tools create and remove around a save stays in the memory of the mount: applications count the children of a
// znode as members, and watchers would see every swap file come and go. A scratch file is a file with a draft
// that is never committed. A rename to another name makes it a znode, or the new content of one.

// scratchNames are the names that only editors use: vim's and nano's swap files, backups, emacs' locks and auto-saves.
var scratchNames = []string{".*.sw?", ".*.sw?x", "?*~", "#*#", ".#*"}

// temporaryNames are what mkstemp(3) makes for sed, for rsync and for perl -i. They could be anybody's, so the call must look like it too.
var temporaryNames = []string{"sed??????", ".*.??????", "XX??????"}

// scratchLimit is how many bytes all scratch files of a mount may have.
const scratchLimit = 64 << 20

// scratchBytes counts the bytes in scratch files.
type scratchBytes struct{ n atomic.Int64 }

// isScratch reports whether a file that is created with that name, flags and mode is one that comes
// and goes around a save, and stays here.
func (f *FS) isScratch(name string, flags, mode uint32) bool {
	switch {
	case f.o.NoLocal:
		return false
	case matches(name, scratchNames):
		return true
	case flags&syscall.O_EXCL == 0:
		return false
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 4913 && (n-4913)%123 == 0 {
		return true // vim tries with it whether it can write in the directory
	}
	return mode&0o777 == 0o600 && matches(name, temporaryNames)
}

func matches(name string, patterns []string) bool {
	for _, pattern := range patterns {
		if ok, _ := path.Match(pattern, name); ok {
			return true
		}
	}
	return false
}

// createScratch makes a scratch file. Its mode is 0600: vim takes a file that it creates with another mode
// than the one that it edits as a reason to write that in place, which leaves the znode what it is.
func (d *dir) createScratch(ctx context.Context, name, zpath string, flags, caller uint32) (*file, *handle) {
	f := d.fs.newFile(zpath, roleLeaf, life.Scratch)
	f.draft = newDraft(ensemble.Snapshot{}, intentReplace)
	h := newHandle(f, flags, caller)
	f.addHandle(h)
	d.install(ctx, f)
	d.setPending(name, f)
	return f, h
}

// charge counts that the draft is about to grow, if it is that of a scratch file, or refuses it.
// node.mu is held.
func (f *file) charge(bytes int) error {
	if f.life != life.Scratch {
		return nil
	}
	if f.fs.scratch.n.Add(int64(bytes)) > scratchLimit && bytes > 0 {
		f.fs.scratch.n.Add(-int64(bytes))
		return syscall.ENOSPC
	}
	return nil
}

// renameScratch renames a scratch file: to another scratch name, or into ZooKeeper.
func (d *dir) renameScratch(ctx context.Context, f *file, name string, to *dir, newName string, noReplace bool) error {
	if err := f.take(ctx); err != nil {
		return err
	}
	defer f.give()
	switch {
	case names.Reserved(newName, to.isRoot()):
		return errno.ErrOtherDevice
	case !names.Valid(names.Znode(newName, to.isRoot())):
		return zk.ErrInvalidPath
	case !to.takesChildren():
		return errno.ErrNotAllowed
	}
	return d.fs.ensemble.LookAgain(ctx, func() error {
		return d.placeScratch(ctx, f, name, to, newName, noReplace)
	}, ensemble.Join(to.where(), names.Znode(newName, to.isRoot())))
}

// placeScratch is one look at the end of such a rename, and the rename if it still is so. Else it
// returns ensemble.ErrOvertaken.
func (d *dir) placeScratch(ctx context.Context, f *file, name string, to *dir, newName string, noReplace bool) error {
	dst, err := to.place(ctx, newName)
	if err != nil {
		return err
	}
	if dst.s.Stat != nil && d.fs.hides(ctx, dst.path, dst.s.Stat) {
		dst.s = ensemble.Snapshot{}
	}
	other := to.local(newName)
	switch {
	case noReplace && (dst.s.Stat != nil || other != nil):
		return zk.ErrNodeExists
	case dst.s.Stat != nil && dst.kind == names.KindDir:
		return errno.ErrIsDir
	}
	var published *zk.Stat
	if dst.s.Stat != nil || d.fs.o.NoLocal || !matches(newName, scratchNames) {
		if published, err = f.publish(ctx, dst, noReplace); err != nil {
			return err
		}
	}
	if other != nil {
		other.forget()
	}
	to.setPending(newName, nil)
	d.setPending(name, nil)
	if published == nil {
		to.setPending(newName, f)
	}
	repath(f, dst.path)
	if published != nil {
		f.learn(published, false)
	}
	return nil
}

// publish makes the content of a scratch file that of the znode at dst: with one Set if it is there, so that it keeps its
// czxid, its ACL and its watchers.
func (f *file) publish(ctx context.Context, dst place, exclusive bool) (*zk.Stat, error) {
	f.mu.Lock()
	data, acl, refused := f.draft.data, f.draft.acl, f.draft.refused
	f.mu.Unlock()
	if refused != nil {
		return nil, refused
	}
	done, err := still(ctx, dst.z)
	if err != nil {
		return nil, err
	}
	defer done()
	st, err := f.put(ctx, dst, data, acl, exclusive)
	if err != nil {
		return nil, err
	}
	if dst.z != nil {
		dst.z.base().leave()
	}
	f.mu.Lock()
	f.charge(-len(data))
	f.shown = content{stat: st, data: data, hasData: true}
	for h := range f.handles {
		h.base, h.dirty = f.shown.snapshot(), false
	}
	f.mu.Unlock()
	f.endDraft(life.OnPublish)
	return st, nil
}

// put makes data the content of the znode at dst. acl is the one that was asked for, if any.
func (f *file) put(ctx context.Context, dst place, data []byte, acl []zk.ACL, exclusive bool) (st *zk.Stat, err error) {
	d := &draft{data: data, base: dst.s.Stat, acl: acl, intent: intentReplace, wrote: true}
	if d.exists() {
		st, err = f.send(ctx, dst.path, d)
		if err == nil && acl != nil {
			err = f.fs.ensemble.SetACL(ctx, dst.path, acl)
		}
		return st, ensemble.Overtaken(err)
	}
	parent, _ := ensemble.Split(dst.path)
	inherited, err := f.fs.acls.In(ctx, parent)
	if err != nil {
		return nil, err
	}
	if acl == nil {
		d.acl = inherited
	}
	switch {
	case !exclusive:
		st, err = f.send(ctx, dst.path, d)
		if errors.Is(err, zk.ErrNodeExists) {
			err = ensemble.ErrOvertaken
		}
	case len(data) == 0:
		st, err = f.fs.ensemble.Do(ctx, ensemble.EmptyCreation{
			Path: dst.path, ACL: d.acl, Claim: ensemble.Claim{Exclusive: true},
		})
	default:
		st, err = f.fs.ensemble.Do(ctx, ensemble.Creation{
			Path: dst.path, Data: data, ACL: d.acl, Claim: ensemble.Claim{Exclusive: true},
		})
	}
	return st, err
}

// forget notes that this mount removed a file that is here, and gives up the memory of a scratch
// file.
func (f *file) forget() {
	f.mu.Lock()
	if f.draft != nil {
		f.charge(-len(f.draft.data))
	}
	then := f.passLocked(life.OnRemoval)
	f.mu.Unlock()
	then()
}
