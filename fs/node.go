package fs

import (
	"context"
	"sync"
	"syscall"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/zkfs/zkfs/zk"
)

// node is what the files and directories of the mount have in common: a place in the kernel's tree and a znode.
type node struct {
	fusefs.Inode
	fs    *FS
	aside bool // stands for a part of a directory's znode, inside the directory; immutable

	mu        sync.Mutex // guards the following; never held across a request
	path      string     // of the znode; changes when it is renamed
	gone      bool       // the znode was deleted or is something else: what still refers to this inode gets ESTALE
	unlinked  bool       // this mount deleted it: what is written through open handles goes with the last of them
	displaced bool       // its inode number belongs to the next znode of its first path; see displace
}

// znode is a node seen from the outside.
type znode interface {
	fusefs.InodeEmbedder
	base() *node
	kind() kind
	// vanish notes that somebody else deleted the znode. It returns false if the node has no znode to lose.
	vanish() bool
}

func (n *node) base() *node { return n }

// where returns the path of the znode.
func (n *node) where() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.path
}

func (n *node) isGone() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.gone
}

// leave notes that this mount removed the znode of n, and leaves its inode number to the next znode of that path.
func (n *node) leave() { n.end(true) }

// vanish is leave for what somebody else removed: what is written through open handles is a conflict.
func (n *node) vanish() bool {
	n.end(false)
	return true
}

func (n *node) end(unlinked bool) {
	n.mu.Lock()
	n.gone = true
	n.unlinked = n.unlinked || unlinked
	n.mu.Unlock()
	n.release() // the next znode there has an inode of its own
	n.displace()
}

// hold lets the cache count what the inode costs, for as long as the kernel knows it.
func (n *node) hold() {
	if !n.aside {
		n.fs.view.cache.hold(n.where())
	}
}

// release ends hold.
func (n *node) release() {
	if !n.aside {
		n.fs.view.cache.release(n.where())
	}
}

// generation is that of the next inode at some path, while inodes live that had the path and lost their place to it.
type generation struct {
	next uint64
	live int
}

// displace lets the next inode at n's old path have another number than n: mv(1) and others take two files of one number for two
// links to one file, and so does go-fuse.
func (n *node) displace() {
	n.mu.Lock()
	again := n.displaced
	n.displaced = true
	n.mu.Unlock()
	if again {
		return
	}
	attr := n.StableAttr()
	first := firstNumber(attr)
	n.fs.mu.Lock()
	defer n.fs.mu.Unlock()
	g := n.fs.generations[first]
	g.next = max(g.next, attr.Gen+1)
	g.live++
	n.fs.generations[first] = g
}

// OnForget is called when the kernel does not know the inode any more.
func (n *node) OnForget() {
	n.mu.Lock()
	displaced, gone, path := n.displaced, n.gone, n.path
	n.displaced = false
	n.mu.Unlock()
	if !gone {
		n.fs.view.cache.release(path)
	}
	if !displaced {
		return
	}
	first := firstNumber(n.StableAttr())
	n.fs.mu.Lock()
	defer n.fs.mu.Unlock()
	g := n.fs.generations[first]
	if g.live--; g.live == 0 {
		delete(n.fs.generations, first)
	} else {
		n.fs.generations[first] = g
	}
}

// stable returns the identity of the inode for what is shown at the place called id: the path of the znode, with
// the name of what stands for it in its own directory.
func (f *FS) stable(id string, mode uint32) fusefs.StableAttr {
	first := inodeNumber(id)
	f.mu.Lock()
	defer f.mu.Unlock()
	gen := f.generations[first].next
	return fusefs.StableAttr{Mode: mode, Ino: first + gen*inodeStep, Gen: gen}
}

// inodeStep is the distance between the numbers of inodes that take turns at one path. An odd number: none comes twice.
const inodeStep = 0x9e3779b97f4a7c15

// firstNumber returns the inode number that the path stands for at which the inode was made.
func firstNumber(attr fusefs.StableAttr) uint64 { return attr.Ino - attr.Gen*inodeStep }

// mayChange returns errReadOnly if nothing may be changed through this mount.
func (n *node) mayChange() error {
	if n.fs.o.ReadOnly {
		return errReadOnly
	}
	return nil
}

// Statfs answers without asking anybody: df(1) must not hang.
func (n *node) Statfs(ctx context.Context, out *fuse.StatfsOut) syscall.Errno {
	out.NameLen = 255
	out.Bsize = blockSize
	out.Frsize = blockSize
	return 0
}

// setEntry fills out with the attributes of z for as long as the kernel may keep them.
func (f *FS) setEntry(out *fuse.EntryOut, z znode, s snapshot) {
	d := f.lifetime(s)
	out.SetEntryTimeout(d)
	if s.stat != nil {
		z.base().hold()
	}
	switch z := z.(type) {
	case *dir:
		z.told(s.stat)
		f.o.dirAttr(&out.Attr, s.stat)
		restrict(&out.Attr, s)
		out.SetAttrTimeout(d)
	case *file:
		out.SetAttrTimeout(z.attr(&out.Attr, s, d))
	}
}

// sameIncarnation reports whether two Stats are of one life of a znode.
func sameIncarnation(a, b *zk.Stat) bool { return a.Czxid == b.Czxid }

// sameVersion reports whether two Stats belong to the same data.
func sameVersion(a, b *zk.Stat) bool { return a.Mzxid == b.Mzxid && a.Czxid == b.Czxid }
