package fs

import (
	"context"
	"errors"
	"syscall"

	fusefs "github.com/hanwen/go-fuse/v2/fs"

	"github.com/zkfs/zkfs/internal/acls"
	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/errno"
	"github.com/zkfs/zkfs/internal/life"
	"github.com/zkfs/zkfs/internal/names"
	"github.com/zkfs/zkfs/zk"
)

// A directory is renamed by one transaction that holds its whole subtree, if that is small.
// Otherwise mv(1) is told to copy.
const (
	maxMoveNodes = 500
	maxMoveBytes = 512 << 10
)

// Rename implements rename(2) and renameat2(2).
func (d *dir) Rename(ctx context.Context, name string, newParent fusefs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	ctx, cancel := d.fs.limits.BoundChange(ctx)
	defer cancel()
	to, ok := newParent.(*dir)
	if !ok {
		return syscall.EXDEV
	}
	path := ensemble.Join(d.where(), name)
	return d.fs.errno("rename", path, d.rename(ctx, name, to, newName, flags))
}

// place is one end of a rename.
type place struct {
	path string
	z    znode // what the kernel knows there, or nil
	s    ensemble.Snapshot
	kind names.Kind
}

func (d *dir) rename(ctx context.Context, name string, to *dir, newName string, flags uint32) error {
	if err := d.fs.mayChange(); err != nil {
		return err
	}
	if local := d.local(name); local != nil && local.lifeNow() == life.Scratch {
		return d.renameScratch(ctx, local, name, to, newName, flags&renameNoReplace != 0)
	}
	if names.Reserved(name, d.isRoot()) || names.Reserved(newName, to.isRoot()) {
		return errno.ErrOtherDevice
	}
	if !names.Valid(names.Znode(newName, to.isRoot())) {
		return zk.ErrInvalidPath
	}
	from := ensemble.Join(d.where(), names.Znode(name, d.isRoot()))
	onto := ensemble.Join(to.where(), names.Znode(newName, to.isRoot()))
	if from == onto {
		return nil
	}
	return d.fs.ensemble.LookAgain(ctx, func() error {
		return d.renameZnode(ctx, name, to, newName, flags)
	}, from, onto)
}

// renameZnode is one look at both ends, and the rename if they still are so. Else it returns
// ensemble.ErrOvertaken.
func (d *dir) renameZnode(ctx context.Context, name string, to *dir, newName string, flags uint32) error {
	src, err := d.place(ctx, name)
	if err != nil {
		return err
	}
	if src.s.Stat == nil {
		return zk.ErrNoNode
	}
	dst, err := to.place(ctx, newName)
	if err != nil {
		return err
	}
	switch {
	case src.s.Stat.EphemeralOwner != 0 && src.s.Stat.EphemeralOwner != d.fs.ensemble.SessionID():
		return errno.ErrForeign
	case flags&renameExchange != 0:
		return d.exchange(ctx, src, dst)
	case !to.takesChildren():
		return errno.ErrNotAllowed
	case flags&renameNoReplace != 0 && dst.s.Stat != nil && !d.fs.hides(ctx, dst.path, dst.s.Stat):
		return zk.ErrNodeExists
	}
	if err := d.fs.carry(ctx, src, dst); err != nil {
		return err
	}
	if f, ok := src.z.(*file); ok {
		f.retarget(ctx)
	}
	return nil
}

// carry moves the znode at src and what the kernel knows of it.
func (f *FS) carry(ctx context.Context, src, dst place) error {
	done, err := f.startRename(ctx, src, dst)
	if err != nil {
		return err
	}
	defer done()
	if err := f.move(ctx, src, dst); err != nil {
		return err
	}
	src.moved(dst)
	return nil
}

// startRename keeps what the kernel knows at two places still until done is called.
func (f *FS) startRename(ctx context.Context, src, dst place) (done func(), err error) {
	restless, err := still(ctx, src.z, dst.z)
	if err != nil {
		return nil, err
	}
	f.renaming.Add(1)
	return func() {
		f.renaming.Add(-1)
		restless()
	}, nil
}

// retarget lets the open handles of a file that was renamed go on from the version that the rename
// made.
func (f *file) retarget(ctx context.Context) {
	f.mu.Lock()
	open := len(f.handles) > 0
	f.mu.Unlock()
	if !open {
		return
	}
	s, err := f.load(ctx, true)
	if err != nil {
		return // the next write finds out
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for h := range f.handles {
		h.base = s
	}
	f.show(s)
}

// place finds out what is called name in d, after committing what is pending there.
func (d *dir) place(ctx context.Context, name string) (place, error) {
	zname := names.Znode(name, d.isRoot())
	p := place{path: ensemble.Join(d.where(), zname)}
	if local := d.local(name); local != nil {
		if err := local.force(ctx); err != nil {
			return p, err
		}
	}
	p.z = d.fs.nodes.find(p.path)
	if f, ok := p.z.(*file); ok && f.hasDraft() {
		if err := f.force(ctx); err != nil {
			return p, err
		}
	}
	if !names.Valid(zname) {
		return p, nil
	}
	s, err := d.fs.ensemble.Know(ctx, p.path)
	if s.Stat == nil && err != nil && errno.Of(err) != syscall.ENOENT {
		return p, err
	}
	p.s = s
	if s.Stat != nil {
		p.kind = d.fs.kinds.KindOf(p.path, s.Stat)
	}
	return p, nil
}

// moved takes the nodes of the kernel's tree along.
func (p place) moved(to place) {
	if to.z != nil {
		to.z.base().leave()
	}
	if p.z == nil {
		return
	}
	repath(p.z, to.path)
}

// repath gives a node and all below it their new paths.
func repath(z znode, path string) {
	n := z.base()
	n.release()
	n.mu.Lock()
	before := n.fs.nodes.move(z, path)
	n.mu.Unlock()
	if before != nil {
		before.vanish()
	}
	n.hold()
	d, ok := z.(*dir)
	if !ok {
		return
	}
	for name, inode := range d.Children() {
		child, ok := inode.Operations().(znode)
		switch {
		case !ok || child.base().isGone():
		case names.Reserved(name, false):
			repath(child, path)
		default:
			repath(child, ensemble.Join(path, names.Znode(name, false)))
		}
	}
}

// move makes the znode at src the one at dst.
func (f *FS) move(ctx context.Context, src, dst place) error {
	lock := f.kinds.IsLockPath(dst.path)
	switch {
	case src.kind == names.KindDir && lock, src.kind == names.KindLock && src.s.Stat.NumChildren > 0:
		return errno.ErrNotAllowed
	case dst.s.Stat == nil:
	case src.kind == names.KindDir && dst.kind != names.KindDir:
		return errno.ErrNotDir
	case src.kind != names.KindDir && dst.kind == names.KindDir:
		return errno.ErrIsDir
	case dst.kind == names.KindDir && (dst.s.Stat.NumChildren > 0 || dst.s.Stat.DataLength > 0):
		return zk.ErrNotEmpty
	}
	err := f.tryMove(ctx, src, dst)
	if err != nil {
		f.notify.tell(dst.path, ensemble.Created)
	}
	if errors.Is(err, zk.ErrNoNode) {
		parent, _ := ensemble.Split(dst.path)
		if s, err2 := f.ensemble.AfterSync(ctx, parent); err2 == nil && s.Stat == nil {
			return err
		}
	}
	return ensemble.Overtaken(err)
}

// tryMove moves what was seen at src to dst, as it was seen there. A file that is there already is
// written, so that it keeps its ACL, its czxid and its watchers, which see one change.
func (f *FS) tryMove(ctx context.Context, src, dst place) error {
	if src.kind != names.KindDir {
		s, err := f.ensemble.Get(ctx, src.path)
		if err != nil {
			return err
		}
		src.s = s
		if dst.s.Stat != nil && !f.kinds.IsIdleLock(dst.path, dst.s.Stat) {
			_, err := f.ensemble.Do(ctx, ensemble.Move{From: src.path, To: dst.path, Source: s, Before: dst.s.Stat, Ops: []any{
				&zk.SetDataRequest{Path: dst.path, Data: s.Data, Version: dst.s.Stat.Version},
				&zk.DeleteRequest{Path: src.path, Version: s.Stat.Version},
			}})
			return err
		}
	}
	m := mover{fs: f}
	if dst.s.Stat != nil {
		m.ops = append(m.ops, &zk.DeleteRequest{Path: dst.path, Version: dst.s.Stat.Version})
	}
	if err := m.add(ctx, src.path, dst.path); err != nil {
		return err
	}
	if m.nodes == 1 { // its ACL was read just now
		m.seen = nil
	}
	_, err := f.ensemble.Do(ctx, ensemble.Move{
		From: src.path, To: dst.path, Source: src.s, Before: dst.s.Stat, Replaces: true,
		Ops: append(m.ops, m.deletes...), ACLs: m.seen,
	})
	return err
}

// mover collects the transaction that moves a subtree: creates from the top, then deletes from the
// bottom. Each delete names the version that was copied and fails if there are children that were
// not, so that nothing is lost.
type mover struct {
	fs      *FS
	ops     []any
	deletes []any
	seen    []ensemble.SeenACL
	nodes   int
	bytes   int
}

func (m *mover) add(ctx context.Context, from, to string) error {
	s, err := m.fs.ensemble.Get(ctx, from)
	if err != nil {
		return err
	}
	acl, st, err := m.fs.ensemble.ACLStat(ctx, from)
	if err != nil {
		return err
	}
	m.seen = append(m.seen, ensemble.SeenACL{Path: from, ACL: acl, Stat: st})
	m.nodes++
	m.bytes += len(s.Data) + 2*len(from) + len(to)
	switch {
	case acls.Masked(acl):
		return errno.ErrMaskedACL
	case m.nodes > maxMoveNodes || m.bytes > maxMoveBytes && m.nodes > 1:
		return errno.ErrOtherDevice
	case s.Stat.EphemeralOwner != 0 && s.Stat.EphemeralOwner != m.fs.ensemble.SessionID():
		return errno.ErrForeign
	}
	m.create(to, s, acl)
	if s.Stat.NumChildren > 0 {
		l, err := m.fs.ensemble.List(ctx, from)
		if err != nil {
			return err
		}
		for _, name := range l.Children.All() {
			if err := m.add(ctx, ensemble.Join(from, name), ensemble.Join(to, name)); err != nil {
				return err
			}
		}
	}
	m.deletes = append(m.deletes, &zk.DeleteRequest{Path: from, Version: s.Stat.Version})
	return nil
}

// create adds what makes a znode like s at path, of the same kind.
func (m *mover) create(path string, s ensemble.Snapshot, acl []zk.ACL) {
	req := &zk.CreateRequest{Path: path, Data: s.Data, Acl: acl, Flags: zk.FlagPersistent}
	if s.Stat.EphemeralOwner != 0 {
		req.Flags = zk.FlagEphemeral
	}
	m.ops = append(m.ops, req)
	switch names.KindOf("", s.Stat, "") {
	case names.KindDir:
		if s.Stat.DataLength > 0 && s.Stat.NumChildren == 0 {
			m.ops = append(m.ops, ensemble.Marking(path)...)
		}
	default:
		if s.Stat.DataLength <= 0 && s.Stat.EphemeralOwner == 0 {
			m.ops = append(m.ops, &zk.SetDataRequest{Path: path, Data: s.Data, Version: 0})
		}
	}
}

// exchange swaps the data of two files.
func (d *dir) exchange(ctx context.Context, a, b place) error {
	switch {
	case b.s.Stat == nil:
		return zk.ErrNoNode
	case a.kind != names.KindFile || b.kind != names.KindFile:
		return errno.ErrOtherDevice
	}
	sa, err := d.fs.ensemble.Get(ctx, a.path)
	if err != nil {
		return err
	}
	sb, err := d.fs.ensemble.Get(ctx, b.path)
	if err != nil {
		return err
	}
	done, err := d.fs.startRename(ctx, a, b)
	if err != nil {
		return err
	}
	defer done()
	_, err = d.fs.ensemble.Do(ctx, ensemble.Exchange{A: a.path, B: b.path, InA: sa, InB: sb})
	if errors.Is(err, zk.ErrTooLarge) {
		return errno.ErrOtherDevice
	}
	if err != nil {
		d.fs.notify.tell(b.path, ensemble.DataChanged)
		return ensemble.Overtaken(err)
	}
	d.fs.swap(a, b)
	return nil
}

// swap lets what the kernel knows at two places change them. A node that it knows alone makes way
// for one that has yet to be looked up.
func (f *FS) swap(a, b place) {
	switch {
	case a.z != nil && b.z != nil:
		m, n := a.z.base(), b.z.base()
		m.mu.Lock() // the kernel renames one of the two at a time (kernel fact 10)
		n.mu.Lock()
		f.nodes.exchange(a.z, b.z)
		n.mu.Unlock()
		m.mu.Unlock()
	case a.z != nil:
		repath(a.z, b.path)
	case b.z != nil:
		repath(b.z, a.path)
	}
}
