package fs

import (
	"syscall"

	fusefs "github.com/hanwen/go-fuse/v2/fs"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/names"
)

// pruneBatch is how many inodes the kernel is asked to forget at a time.
const pruneBatch = 64

// dropped makes the kernel forget a znode that the cache does not know any more. node is at path,
// or nil.
func (n *notifier) dropped(path string, node audience) {
	if path == "/" {
		return
	}
	dir, name := ensemble.Split(path)
	above := n.find(dir)
	if above == nil || !above.EmbeddedInode().IsDir() || above.isKnown(path) {
		return // the kernel knows nothing in there, or the queue of a lock, or it was asked for again
	}
	parent, shown := above.EmbeddedInode(), names.Shown(name, dir == "/")
	switch {
	case node == nil:
		parent.NotifyEntry(shown) // it may know that there is none
	case n.lacksPrune:
		n.dropEntry(parent, shown, node)
	default:
		inode := node.EmbeddedInode()
		for _, aside := range []string{names.Data, names.Lock} {
			if child := inode.GetChild(aside); child != nil {
				n.doomed = append(n.doomed, child)
			}
		}
		if n.doomed = append(n.doomed, inode); len(n.doomed) >= pruneBatch {
			n.prune()
		}
	}
}

// prune makes the kernel forget the doomed inodes as far as nothing uses them (kernel fact 7).
func (n *notifier) prune() {
	if len(n.doomed) == 0 {
		return
	}
	if n.root.NotifyPrune(n.doomed) == syscall.ENOSYS {
		n.lacksPrune = true
		for _, inode := range n.doomed {
			node, ok := inode.Operations().(audience)
			if shown, parent := inode.Parent(); ok && parent != nil {
				n.dropEntry(parent, shown, node)
			}
		}
	}
	clear(n.doomed)
	n.doomed = n.doomed[:0]
}

// dropEntry is prune before Linux 6.18, which has no such call. What comes nearest takes a name
// away, and with it the processes that are in a directory (kernel fact 42).
func (n *notifier) dropEntry(parent *fusefs.Inode, shown string, node audience) {
	if node.isFree() {
		parent.NotifyEntry(shown)
	}
}
