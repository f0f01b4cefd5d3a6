package fs

import (
	"syscall"

	fusefs "github.com/hanwen/go-fuse/v2/fs"

	"github.com/zkfs/zkfs/internal/ensemble"
)

// pruneBatch is how many inodes the kernel is asked to forget at a time.
const pruneBatch = 64

// dropped makes the kernel forget a znode.
func (n *notifier) dropped(path string) {
	if path == "/" || n.ensemble.Knows(path) {
		return
	}
	dir, name := ensemble.Split(path)
	parent := n.find(dir)
	if parent == nil || !parent.IsDir() {
		return // the kernel knows nothing in there, or the queue of a lock
	}
	shown := shownName(name, dir == "/")
	inode := n.find(path)
	switch {
	case inode == nil:
		parent.NotifyEntry(shown) // it may know that there is none
	case n.lacksPrune:
		n.dropEntry(parent, shown, inode)
	default:
		for _, aside := range []string{nameData, nameLock} {
			if child := inode.GetChild(aside); child != nil {
				n.doomed = append(n.doomed, child)
			}
		}
		if n.doomed = append(n.doomed, inode); len(n.doomed) >= pruneBatch {
			n.prune()
		}
	}
}

// prune makes the kernel forget the doomed inodes as far as nothing uses them.
func (n *notifier) prune() {
	if len(n.doomed) == 0 {
		return
	}
	if n.root.NotifyPrune(n.doomed) == syscall.ENOSYS {
		n.lacksPrune = true
		for _, inode := range n.doomed {
			if shown, parent := inode.Parent(); parent != nil {
				n.dropEntry(parent, shown, inode)
			}
		}
	}
	clear(n.doomed)
	n.doomed = n.doomed[:0]
}

// dropEntry is prune before Linux 6.18, which has no such call. What comes nearest takes a directory away from under whoever works in
// it, so only files that are not open are forgotten.
func (n *notifier) dropEntry(parent *fusefs.Inode, shown string, inode *fusefs.Inode) {
	if f, ok := inode.Operations().(*file); ok && !f.isOpen() {
		parent.NotifyEntry(shown)
	}
}
