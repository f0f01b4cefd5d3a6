package fs

import (
	"context"
	"syscall"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/zkfs/zkfs/zk"
)

// Create implements open(2) with O_CREAT of a file that does not exist. The znode is created by the first commit, with its data, so that
// watchers see it once and whole. With O_EXCL it is created at once, because programs rely on that for locks.
func (d *dir) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fusefs.Inode, fusefs.FileHandle, uint32, syscall.Errno) {
	caller := callerOf(ctx)
	ctx, cancel := d.fs.bound(ctx)
	defer cancel()
	f, h, err := d.createFile(ctx, name, flags, mode, caller)
	if err != nil {
		return nil, nil, 0, d.fs.errno("create", join(d.where(), name), err)
	}
	d.fs.setEntry(out, f, f.shown)
	return &f.Inode, h, fuse.FOPEN_KEEP_CACHE, 0
}

// Mknod implements mknod(2) of a regular file, which is how tar makes those that get extended attributes.
func (d *dir) Mknod(ctx context.Context, name string, mode, _ uint32, out *fuse.EntryOut) (*fusefs.Inode, syscall.Errno) {
	ctx, cancel := d.fs.bound(ctx)
	defer cancel()
	path := join(d.where(), name)
	if mode&syscall.S_IFMT != syscall.S_IFREG {
		return nil, d.fs.errno("mknod", path, errNotAllowed)
	}
	f, h, err := d.createFile(ctx, name, syscall.O_RDONLY|syscall.O_CREAT|syscall.O_EXCL, mode, 0)
	if err != nil {
		return nil, d.fs.errno("mknod", path, err)
	}
	h.Release(ctx)
	d.fs.setEntry(out, f, f.shown)
	return &f.Inode, 0
}

func (d *dir) createFile(ctx context.Context, name string, flags, mode, caller uint32) (*file, *handle, error) {
	if name == nameData {
		return d.createData(ctx, flags, caller)
	}
	path, err := d.newName(name)
	if err != nil {
		return nil, nil, err
	}
	if !d.fs.o.NoLocal && isScratch(name, flags, mode) {
		f, h := d.createScratch(ctx, name, path, flags, caller)
		return f, h, nil
	}
	acl, err := d.newACL(ctx)
	if err != nil {
		return nil, nil, err
	}
	role := roleLeaf
	if isLockName(znodeName(name, d.isRoot()), d.fs.o.LockSuffix) {
		role = roleLock
	}
	f := d.fs.newFile(path, role)
	f.draft = &draft{acl: acl, time: time.Now(), intent: intentReplace}
	if flags&syscall.O_EXCL != 0 {
		st, err := d.fs.createEmpty(ctx, path, acl)
		if err != nil {
			return nil, nil, err
		}
		f.draft = nil
		f.shown = snapshot{stat: st, hasData: true}
	}
	f.draftIntent(flags)
	h := newHandle(f, flags, caller)
	h.base = f.shown
	f.handles[h] = true
	d.NewInode(ctx, f, d.fs.stable(path, syscall.S_IFREG))
	if f.draft != nil {
		d.setPending(name, f)
	}
	return f, h, nil
}

// draftIntent says what the file that was created with flags is meant to be if somebody else creates it first.
func (f *file) draftIntent(flags uint32) {
	if f.draft == nil {
		return
	}
	switch {
	case flags&syscall.O_APPEND != 0:
		f.draft.intent = intentAppend
	case flags&syscall.O_TRUNC == 0:
		f.draft.intent = intentModify
	}
}

// createData opens the data of a directory that has none. It is written by a Set on the directory's own znode.
func (d *dir) createData(ctx context.Context, flags, caller uint32) (*file, *handle, error) {
	if err := d.mayChange(); err != nil {
		return nil, nil, err
	}
	path := d.where()
	s, err := d.state(ctx)
	if err != nil {
		return nil, nil, err
	}
	if s.stat.DataLength > 0 {
		return nil, nil, zk.ErrNodeExists
	}
	if err := d.fs.allowed(ctx, path, zk.PermWrite); err != nil {
		return nil, nil, err
	}
	f := d.reservedFile(ctx, nameData, path, roleData)
	h := newHandle(f, flags, caller)
	f.mu.Lock()
	f.draft = newDraft(snapshot{stat: s.stat}, intentReplace)
	f.shown = snapshot{stat: s.stat}
	h.base = f.shown
	f.handles[h] = true
	f.mu.Unlock()
	f.draftIntent(flags)
	d.setPending(nameData, f)
	return f, h, nil
}

// settledIn notes that the file is in ZooKeeper, or never will be.
func (f *file) settledIn(path string) {
	name, parent := f.Parent()
	if parent == nil {
		return
	}
	if d, ok := parent.Operations().(*dir); ok {
		d.setPending(name, nil)
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

// discard removes a file that is not yet in ZooKeeper.
func (f *file) discard(ctx context.Context, d *dir, name string) error {
	if err := f.take(ctx); err != nil {
		return err
	}
	defer f.give()
	if d.local(name) != f { // it was committed while this waited
		return d.unlink(ctx, name)
	}
	d.setPending(name, nil)
	if f.isScratch() {
		f.forgetScratch()
	}
	f.leave()
	return nil
}
