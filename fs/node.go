package fs

import (
	"context"
	"sync"
	"syscall"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/life"
	"github.com/zkfs/zkfs/internal/names"
)

// node is what the files and directories of the mount have in common: a place in the kernel's tree and a znode.
type node struct {
	fusefs.Inode
	fs   *FS
	role role // immutable

	// guarded by the mutex of the table of nodes
	czxid   int64 // of the znode, by which it differs from another of that path; 0: not known yet
	flights int32 // see land

	mu     sync.Mutex // guards the following; never held across a request
	path   string     // of the znode; changes when it is renamed
	life   life.Life  // when it is gone, what still refers to this inode gets ESTALE
	frozen bool       // see still
	acl    aclSeen
}

// role says which part of its znode a node shows.
type role uint8

const (
	roleDir     role = iota // a znode shown as a directory
	roleLeaf                // a znode shown as a file
	roleData                // the data of a directory's znode
	roleLock                // a lock file
	roleDirLock             // the lock file of a directory: the lock is the directory's znode
)

// znode is a node seen from the outside.
type znode interface {
	audience
	base() *node
	kind() names.Kind
	vanish() bool
}

func (n *node) base() *node { return n }

// id returns the key of n in the table of nodes. n.mu is held.
func (n *node) id() string { return idOf(n.path, n.role) }

// where returns the path of the znode.
func (n *node) where() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.path
}

func (n *node) isGone() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.life.IsGone()
}

// OnForget is called when the kernel does not know the inode any more.
func (n *node) OnForget() {
	n.mu.Lock()
	left := n.fs.nodes.forget(n)
	n.mu.Unlock()
	if left {
		n.release()
	}
}

// aside reports whether n stands for a part of a directory's znode, inside the directory.
func (n *node) aside() bool { return n.role == roleData || n.role == roleDirLock }

// hold lets the cache count what the inode costs, for as long as the kernel knows it.
func (n *node) hold() {
	if !n.aside() {
		n.fs.ensemble.Hold(n.where())
	}
}

// release ends hold.
func (n *node) release() {
	if !n.aside() {
		n.fs.ensemble.Release(n.where())
	}
}

// still keeps nodes as they are while this mount removes or renames them, or puts another in their
// place: until done is called they learn nothing from what is at their paths, and no other caller changes
// the files among them.
func still(ctx context.Context, zs ...znode) (done func(), err error) {
	var held []znode
	done = func() {
		for _, z := range held {
			z.base().freeze(false)
			if f, ok := z.(*file); ok {
				f.give()
			}
		}
	}
	for _, z := range zs {
		if z == nil {
			continue
		}
		if f, ok := z.(*file); ok {
			if err := f.take(ctx); err != nil {
				done()
				return nil, err
			}
		}
		held = append(held, z)
		z.base().freeze(true)
	}
	return done, nil
}

func (n *node) freeze(on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.frozen = on
}

// standing returns the path of the znode, and whether nothing is to be learned from what is there.
func (n *node) standing() (path string, lost bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.path, n.life.IsGone() || n.frozen
}

// Statfs answers without asking anybody: df(1) must not hang.
func (n *node) Statfs(ctx context.Context, out *fuse.StatfsOut) syscall.Errno {
	out.NameLen = 255
	out.Bsize, out.Frsize = block, block
	out.Blocks, out.Bfree, out.Bavail = blocksFree, blocksFree, blocksFree
	out.Files, out.Ffree = filesFree, filesFree
	return 0
}

// setEntry fills out with the attributes of z for as long as the kernel may keep them.
func (f *FS) setEntry(out *fuse.EntryOut, z znode, s ensemble.Snapshot) {
	d := f.ensemble.Lifetime(s)
	out.SetEntryTimeout(d)
	if s.Stat != nil {
		z.base().hold()
	}
	switch z := z.(type) {
	case *dir:
		z.told(s.Stat)
		z.attr(&out.Attr, s)
		out.SetAttrTimeout(d)
	case *file:
		out.SetAttrTimeout(z.attr(&out.Attr, s, d))
		if z.role == roleLock && s.Stat != nil && names.Fleeting(s.Stat) {
			out.SetEntryTimeout(0) // it is no name without contenders; see hides
		}
	}
}

// pass applies an event to the life of n and returns what that is then. An event that is impossible
// changes nothing and is logged.
func (n *node) pass(e life.Event) life.Life {
	n.mu.Lock()
	then := n.passLocked(e)
	now := n.life
	n.mu.Unlock()
	then()
	return now
}

// passLocked is pass with n.mu held. The caller calls then once it is not.
func (n *node) passLocked(e life.Event) (then func()) {
	was := n.life
	now, ok := life.Table[was][e]
	if !ok {
		n.fs.impossible.Add(1)
		n.fs.log.Error("a file cannot live like that", "path", n.path, "life", was, "event", e)
		return func() {}
	}
	n.life = now
	left := now.IsGone() && n.fs.nodes.leave(n)
	return func() {
		if left {
			n.release()
		}
		if was.IsKept() && !now.IsKept() {
			n.ForgetPersistent()
		}
	}
}

// lifeNow returns the life of n.
func (n *node) lifeNow() life.Life {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.life
}

// leave notes that this mount removed the znode of n.
func (n *node) leave() { n.pass(life.OnRemoval) }

// vanish is leave for what another client removed: what is written through open handles is a
// conflict. It returns false if the node has no znode to lose.
func (n *node) vanish() bool { return n.pass(life.OnVanish).IsGone() }
