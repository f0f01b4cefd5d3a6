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
	"github.com/zkfs/zkfs/internal/poke"
	"github.com/zkfs/zkfs/zk"
)

// dir is a znode shown as a directory.
type dir struct {
	node

	// guarded by node.mu
	last    *zk.Stat         // what the kernel was told
	pending map[string]*file // by shown name; see pending.go

	listedUntil time.Duration // after FS.start: so long the kernel trusts what the last listing told it; 0: nothing
	walk        walk
	lately      *lately // nil: nothing was created here

	compared int64 // owned by pokes.run: pzxid when programs that watch were told last; 0: they were not
}

func (d *dir) isRoot() bool { return d == d.fs.root }

// Getattr implements stat(2).
func (d *dir) Getattr(ctx context.Context, _ fusefs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	if d.isPoker(ctx) {
		return d.attrForPoker(out)
	}
	ctx, cancel := d.fs.limits.Bound(ctx)
	defer cancel()
	path := d.where()
	s, err := d.rootOrState(ctx)
	if err != nil {
		return d.fs.errno("stat", path, err)
	}
	d.attr(&out.Attr, s)
	if d.removed() != nil {
		out.Nlink = 0
	}
	out.SetTimeout(d.fs.ensemble.Lifetime(s))
	return 0
}

// attr fills out.
func (d *dir) attr(out *fuse.Attr, s ensemble.Snapshot) {
	d.learnACL(s.Stat)
	d.fs.o.dirAttr(out, s.Stat)
	restrict(out, s)
}

// rootOrState is state, but while ZooKeeper is away the root is as it was: the way to /.status leads through it, and that of df(1).
func (d *dir) rootOrState(ctx context.Context) (ensemble.Snapshot, error) {
	if !d.isRoot() {
		return d.state(ctx)
	}
	d.mu.Lock()
	last := d.last
	d.mu.Unlock()
	if last != nil && d.fs.ensemble.Away() > 0 {
		return ensemble.Snapshot{Stat: last}, nil
	}
	s, err := d.state(ctx)
	if err != nil && last != nil {
		return ensemble.Snapshot{Stat: last}, nil
	}
	return s, err
}

// state returns what is known about the znode, or errno.ErrGone if it is not there as this
// directory any more.
func (d *dir) state(ctx context.Context) (ensemble.Snapshot, error) {
	for again := false; ; again = true {
		if removed := d.removed(); removed != nil {
			return ensemble.Snapshot{Stat: removed}, nil
		}
		path, lost := d.standing()
		if lost {
			return d.whileMoving(true)
		}
		s, err := d.fs.ensemble.Know(ctx, path)
		moving := d.fs.renaming.Load() > 0 // before the path is looked at: a rename may give it another
		now, lost := d.standing()
		switch {
		case lost || now != path:
			continue
		case errors.Is(err, zk.ErrNoNode):
			return d.whileMoving(moving)
		case err != nil:
			return s, err
		case d.isRoot() || d.shows(s.Stat) && d.fs.kinds.KindOf(path, s.Stat) == names.KindDir:
			d.told(s.Stat)
			return s, nil
		case again || !d.outdates(s.Stat):
			return s, errno.ErrGone
		}
		d.fs.ensemble.AskAnew(path) // the answer is from before the directory was created
	}
}

// whileMoving returns what the kernel was told last while a rename may be taking the directory
// along, or this mount is about to remove it.
func (d *dir) whileMoving(moving bool) (ensemble.Snapshot, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !moving || d.life.IsGone() || d.last == nil {
		return ensemble.Snapshot{}, errno.ErrGone
	}
	return ensemble.Snapshot{Stat: d.last}, nil
}

// removed returns the Stat of an empty directory if this mount has removed d, else nil: a process may
// still be inside.
func (d *dir) removed() *zk.Stat {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.life != life.Removed || d.last == nil {
		return nil
	}
	st := *d.last
	st.NumChildren, st.DataLength = 0, 0
	return &st
}

// told notes what the kernel is told about the directory.
func (d *dir) told(st *zk.Stat) {
	d.mu.Lock()
	d.last = st
	d.mu.Unlock()
}

// Setattr accepts what has no meaning for a znode: tools that restore a tree need it to succeed.
func (d *dir) Setattr(ctx context.Context, f fusefs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	return d.Getattr(ctx, f, out)
}

// Lookup implements the search for a name in the directory.
func (d *dir) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fusefs.Inode, syscall.Errno) {
	if d.isPoker(ctx) {
		return d.lookupForPoker(name, out)
	}
	ctx, cancel := d.fs.limits.Bound(ctx)
	defer cancel()
	inode, err := d.lookup(ctx, name, out)
	if err == nil {
		return inode, 0
	}
	return nil, d.fs.errno("lookup", ensemble.Join(d.where(), name), err)
}

func (d *dir) lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fusefs.Inode, error) {
	if names.Reserved(name, d.isRoot()) {
		return d.lookupReserved(ctx, name, out)
	}
	if local := d.local(name); local != nil {
		d.fs.nodes.lend(local)
		d.fs.setEntry(out, local, ensemble.Snapshot{})
		return &local.Inode, nil
	}
	own := d.where()
	zname := names.Znode(name, d.isRoot())
	if !names.Valid(zname) {
		return nil, zk.ErrNoNode
	}
	path := ensemble.Join(own, zname)
	if missing, until := d.fs.ensemble.Missing(own, zname); missing {
		// The kernel remembers it for the lifetime that it is given (kernel fact 1). It may do so only
		// if an event would name the child that is created.
		out.SetEntryTimeout(d.fs.ensemble.Lifetime(ensemble.Snapshot{Guarded: d.fs.ensemble.Covers(), Until: until}))
		return nil, zk.ErrNoNode
	}
	known := d.fs.nodes.find(path)
	s, err := d.fs.ensemble.Know(ctx, path)
	if err == nil && known != nil && known.base().outdates(s.Stat) {
		d.fs.ensemble.AskAnew(path)
		s, err = d.fs.ensemble.Know(ctx, path)
	}
	if err != nil {
		if errors.Is(err, zk.ErrNoNode) && known != nil && d.fs.renaming.Load() == 0 && d.fs.nodes.find(path) == known {
			known.vanish()
		}
		out.SetEntryTimeout(d.fs.ensemble.Lifetime(s))
		return nil, err
	}
	if d.fs.hides(ctx, path, s.Stat) {
		return nil, zk.ErrNoNode
	}
	z := d.child(ctx, path, s.Stat)
	d.fs.setEntry(out, z, s)
	return z.EmbeddedInode(), nil
}

// lookupReserved finds the files that stand for something else than a child.
func (d *dir) lookupReserved(ctx context.Context, name string, out *fuse.EntryOut) (*fusefs.Inode, error) {
	path := d.where()
	switch name {
	case names.Data:
		if local := d.local(name); local != nil {
			d.fs.nodes.lend(local)
			d.fs.setEntry(out, local, ensemble.Snapshot{})
			return &local.Inode, nil
		}
		s, err := d.state(ctx)
		if err != nil {
			return nil, err
		}
		if s.Stat.DataLength <= 0 {
			out.SetEntryTimeout(d.fs.ensemble.Lifetime(s))
			return nil, zk.ErrNoNode
		}
		data := d.reservedFile(ctx, path, roleData, s.Stat)
		d.fs.setEntry(out, data, s)
		return &data.Inode, nil
	case names.Lock:
		if d.fs.kinds.LockSuffix == "" || !d.takesChildren() {
			break
		}
		s, err := d.state(ctx)
		if err != nil {
			return nil, err
		}
		lock := d.reservedFile(ctx, path, roleDirLock, s.Stat)
		d.fs.setEntry(out, lock, s)
		return &lock.Inode, nil
	case names.Status:
		return d.fs.status.entry(out), nil
	}
	return nil, zk.ErrNoNode
}

// child returns the node for the znode at path.
func (d *dir) child(ctx context.Context, path string, st *zk.Stat) znode {
	r := roleLeaf
	switch d.fs.kinds.KindOf(path, st) {
	case names.KindDir:
		r = roleDir
	case names.KindLock:
		r = roleLock
	}
	return d.nodeAt(ctx, path, r, st)
}

// reservedFile returns the node for a file that stands for the directory's own znode.
func (d *dir) reservedFile(ctx context.Context, path string, r role, st *zk.Stat) *file {
	return d.nodeAt(ctx, path, r, st).(*file)
}

func (d *dir) kind() names.Kind { return names.KindDir }

// Mkdir implements mkdir(2): one create, with null data.
func (d *dir) Mkdir(ctx context.Context, name string, _ uint32, out *fuse.EntryOut) (*fusefs.Inode, syscall.Errno) {
	if d.isPoker(ctx) {
		return nil, d.fs.announced.grant(d.file(name), poke.DirCreated)
	}
	ctx, cancel := d.fs.limits.BoundChange(ctx)
	defer cancel()
	inode, err := d.mkdir(ctx, name, out)
	if err != nil {
		return nil, d.fs.errno("mkdir", ensemble.Join(d.where(), name), err)
	}
	return inode, 0
}

func (d *dir) mkdir(ctx context.Context, name string, out *fuse.EntryOut) (*fusefs.Inode, error) {
	path, err := d.newName(name)
	if err != nil {
		return nil, err
	}
	acl, err := d.newACL(ctx)
	if err != nil {
		return nil, err
	}
	var st *zk.Stat
	if d.fs.kinds.IsLockPath(path) {
		st, err = d.fs.ensemble.Do(ctx, ensemble.LockDirCreation{Path: path, ACL: acl})
	} else {
		st, err = d.fs.ensemble.Do(ctx, ensemble.Creation{Path: path, ACL: acl, Claim: ensemble.Claim{Exclusive: true}})
	}
	if err != nil {
		return nil, err
	}
	z := d.child(ctx, path, st)
	d.fs.setEntry(out, z, d.fs.ensemble.After(path, st))
	return z.EmbeddedInode(), nil
}

// newName returns the path of the znode that an entry called name would stand for.
func (d *dir) newName(name string) (path string, err error) {
	if err := d.fs.mayChange(); err != nil {
		return "", err
	}
	if d.isGone() {
		return "", zk.ErrNoNode
	}
	zname := names.Znode(name, d.isRoot())
	if names.Reserved(name, d.isRoot()) || !d.takesChildren() {
		return "", errno.ErrNotAllowed
	}
	if !names.Valid(zname) {
		return "", zk.ErrInvalidPath
	}
	if d.local(name) != nil {
		return "", zk.ErrNodeExists
	}
	return ensemble.Join(d.where(), zname), nil
}

// takesChildren reports whether something can be created in d.
func (d *dir) takesChildren() bool {
	return d.isRoot() || !d.fs.kinds.IsLockPath(d.where())
}

// Rmdir implements rmdir(2). The server refuses if there are children; data would be lost with the znode, so it counts as one.
func (d *dir) Rmdir(ctx context.Context, name string) syscall.Errno {
	if d.isPoker(ctx) {
		return d.fs.announced.grant(d.file(name), poke.DirDeleted)
	}
	ctx, cancel := d.fs.limits.BoundChange(ctx)
	defer cancel()
	path := ensemble.Join(d.where(), names.Znode(name, d.isRoot()))
	return d.fs.errno("rmdir", path, d.rmdir(ctx, path))
}

func (d *dir) rmdir(ctx context.Context, path string) error {
	if err := d.fs.mayChange(); err != nil {
		return err
	}
	st, err := d.fs.ensemble.Stat(ctx, path)
	if err != nil {
		return err
	}
	if st.DataLength > 0 || d.fs.hasPending(path) {
		return zk.ErrNotEmpty
	}
	return d.fs.remove(ctx, path, func() error {
		_, err := d.fs.ensemble.Do(ctx, ensemble.Deletion{Path: path, Seen: st})
		return err
	})
}

// left notes that this mount removed what the node of that id shows.
func (f *FS) left(id string) {
	z := f.nodes.find(id)
	if z == nil {
		return
	}
	z.base().leave()
	if f, ok := z.(*file); ok {
		f.growUp()
	}
}

// Unlink implements unlink(2): a delete of the version just seen, never of children.
func (d *dir) Unlink(ctx context.Context, name string) syscall.Errno {
	if d.isPoker(ctx) {
		return d.fs.announced.grant(d.file(name), poke.FileDeleted)
	}
	ctx, cancel := d.fs.limits.BoundChange(ctx)
	defer cancel()
	return d.fs.errno("unlink", ensemble.Join(d.where(), name), d.unlink(ctx, name))
}

func (d *dir) unlink(ctx context.Context, name string) error {
	if err := d.fs.mayChange(); err != nil {
		return err
	}
	if local := d.local(name); local != nil {
		return local.discard(ctx, d, name)
	}
	path := d.where()
	switch {
	case name == names.Data:
		return d.fs.remove(ctx, idOf(path, roleData), func() error { return d.fs.ensemble.ClearData(ctx, path) })
	case names.Reserved(name, d.isRoot()):
		return errno.ErrNotAllowed
	}
	path = ensemble.Join(path, names.Znode(name, d.isRoot()))
	locked := d.mayHaveLock(path)
	err := d.fs.remove(ctx, path, func() error {
		return d.fs.ensemble.LookAgain(ctx, func() error {
			st, err := d.fs.ensemble.Stat(ctx, path)
			switch {
			case err != nil:
				return err
			case d.fs.kinds.KindOf(path, st) == names.KindDir:
				return errno.ErrGone // the kernel looks again (kernel fact 13)
			}
			_, err = d.fs.ensemble.Do(ctx, ensemble.Deletion{Path: path, Seen: st})
			if errors.Is(err, zk.ErrBadVersion) {
				return ensemble.ErrOvertaken
			}
			return err
		}, path)
	})
	if err == nil && locked {
		d.fs.removeLock(ctx, path+d.fs.kinds.LockSuffix)
	}
	return err
}

// remove does what removes the file or directory of that id. A program that has it open keeps it as
// it was.
func (f *FS) remove(ctx context.Context, id string, do func() error) error {
	done, err := still(ctx, f.nodes.find(id))
	if err != nil {
		return err
	}
	defer done()
	if err := do(); err != nil {
		return err
	}
	f.left(id)
	return nil
}
