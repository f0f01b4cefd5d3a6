package fs

import (
	"context"
	"syscall"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/zkfs/zkfs/internal/calls"
	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/errno"
	"github.com/zkfs/zkfs/internal/life"
	"github.com/zkfs/zkfs/internal/names"
	"github.com/zkfs/zkfs/internal/poke"
	"github.com/zkfs/zkfs/zk"
)

// Create implements open(2) with O_CREAT of a file that does not exist. The znode is created by the first commit, with its data, so that
// watchers see it once and whole. With O_EXCL it is created at once, because programs rely on that for locks.
func (d *dir) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fusefs.Inode, fusefs.FileHandle, uint32, syscall.Errno) {
	if d.isPoker(ctx) {
		return nil, nil, 0, d.fs.announced.grant(d.file(name), poke.DataCreated)
	}
	caller := calls.Caller(ctx)
	ctx, cancel := d.fs.limits.BoundChange(ctx)
	defer cancel()
	f, h, err := d.createFile(ctx, name, flags, mode, caller)
	if err != nil {
		return nil, nil, 0, d.fs.errno("create", ensemble.Join(d.where(), name), err)
	}
	d.fs.setEntry(out, f, f.asCreated())
	if out.AttrTimeout() == 0 {
		out.SetAttrTimeout(untilOpen)
	}
	return &f.Inode, h, h.howCreated(flags), 0
}

// untilOpen is how long the kernel trusts at least what it is told about a file that it has just
// created: it looks at the mode once more before it hands the file to the program, and would ask.
// It counts in ticks of its clock (kernel fact 15). A program that comes by the name asks anyway.
const untilOpen = time.Nanosecond

// howCreated returns how the kernel treats a file that was just created. What is only written needs
// no pages of the kernel: no program has read any yet, and for a write into pages the kernel would
// ask whether the file has capabilities to take away (kernel fact 31).
func (h *handle) howCreated(flags uint32) uint32 {
	if flags&syscall.O_ACCMODE == syscall.O_WRONLY || h.append {
		return h.uncached()
	}
	return fuse.FOPEN_KEEP_CACHE
}

// asCreated returns what the kernel is told about a file that was just created.
func (f *file) asCreated() ensemble.Snapshot {
	if f.shown.stat == nil {
		return ensemble.Snapshot{}
	}
	return f.fs.ensemble.After(f.where(), f.shown.stat)
}

// Mknod implements mknod(2) of a regular file, which is how tar makes those that get extended attributes.
func (d *dir) Mknod(ctx context.Context, name string, mode, _ uint32, out *fuse.EntryOut) (*fusefs.Inode, syscall.Errno) {
	if d.isPoker(ctx) {
		return nil, d.fs.announced.grant(d.file(name), poke.FileCreated, poke.DataCreated)
	}
	ctx, cancel := d.fs.limits.BoundChange(ctx)
	defer cancel()
	path := ensemble.Join(d.where(), name)
	if mode&syscall.S_IFMT != syscall.S_IFREG {
		return nil, d.fs.errno("mknod", path, errno.ErrNotAllowed)
	}
	f, h, err := d.createFile(ctx, name, syscall.O_RDONLY|syscall.O_CREAT|syscall.O_EXCL, mode, 0)
	if err != nil {
		return nil, d.fs.errno("mknod", path, err)
	}
	f.closed(h) // what there is to commit comes when a process has written
	d.fs.setEntry(out, f, f.asCreated())
	return &f.Inode, 0
}

func (d *dir) createFile(ctx context.Context, name string, flags, mode, caller uint32) (*file, *handle, error) {
	if name == names.Data {
		return d.createData(ctx, flags, caller)
	}
	path, err := d.newName(name)
	if err != nil {
		return nil, nil, err
	}
	if d.fs.isScratch(name, flags, mode) {
		f, h := d.createScratch(ctx, name, path, flags, caller)
		return f, h, nil
	}
	acl, err := d.newACL(ctx)
	if err != nil {
		return nil, nil, err
	}
	if flags&syscall.O_EXCL == 0 { // else the creation itself tells
		if err := d.fs.ensemble.HasQuota(ctx, path, &zk.CreateRequest{Path: path, Data: []byte{0}, Acl: acl}, 1); err != nil {
			return nil, nil, err
		}
	}
	role := roleLeaf
	if d.fs.kinds.IsLockPath(path) {
		role = roleLock
	}
	var f *file
	if flags&syscall.O_EXCL != 0 {
		if f, err = d.fs.newborn(ctx, path, role, acl); err != nil {
			return nil, nil, err
		}
	} else {
		f = d.fs.newFile(path, role, life.Pending)
		f.draft = &draft{acl: acl, time: time.Now(), intent: creationIntent(flags)}
	}
	h := newHandle(f, flags, caller)
	h.base = f.shown.snapshot()
	f.addHandle(h)
	d.install(ctx, f)
	if f.draft != nil {
		d.setPending(name, f)
	}
	return f, h, nil
}

// creationIntent says what the file that is created with flags is meant to be if another client
// creates it first.
func creationIntent(flags uint32) intent {
	switch {
	case flags&syscall.O_APPEND != 0:
		return intentAppend
	case flags&syscall.O_TRUNC == 0:
		return intentModify
	}
	return intentReplace
}

// createData opens the data of a directory that has none. It is written by a Set on the directory's own znode.
func (d *dir) createData(ctx context.Context, flags, caller uint32) (*file, *handle, error) {
	if err := d.fs.mayChange(); err != nil {
		return nil, nil, err
	}
	if !d.takesChildren() {
		return nil, nil, errno.ErrNotAllowed
	}
	path := d.where()
	s, err := d.state(ctx)
	if err != nil {
		return nil, nil, err
	}
	if s.Stat.DataLength > 0 {
		return nil, nil, zk.ErrNodeExists
	}
	if err := d.fs.ensemble.Allowed(ctx, path, zk.PermWrite); err != nil {
		return nil, nil, err
	}
	write := &zk.SetDataRequest{Path: path, Data: []byte{0}, Version: s.Stat.Version}
	if err := d.fs.ensemble.HasQuota(ctx, path, write, s.Stat.Version); err != nil {
		return nil, nil, err
	}
	f := d.reservedFile(ctx, path, roleData, s.Stat)
	h := newHandle(f, flags, caller)
	f.mu.Lock()
	f.draft = newDraft(ensemble.Snapshot{Stat: s.Stat}, creationIntent(flags))
	f.shown = content{stat: s.Stat}
	h.base = f.shown.snapshot()
	f.addHandle(h)
	f.mu.Unlock()
	d.setPending(names.Data, f)
	return f, h, nil
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
	f.forget()
	return nil
}
