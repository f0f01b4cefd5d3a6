package fs

import (
	"syscall"

	"github.com/zkfs/zkfs/internal/ensemble"
)

// What nodes make of the news of the ensemble; see audience.

func (d *dir) hear(path string, due notice) (c consequence) {
	// The root stays what it is: it shows whatever znode is there next.
	if due.what&ensemble.Deleted != 0 && !d.isRoot() && d.hasLost(path, due.zxid) {
		d.vanish()
		c.gone = true
		return c
	}
	c.another = due.what&ensemble.DataChanged != 0 && d.couldBecomeFile()
	return c
}

func (f *file) hear(path string, due notice) (c consequence) {
	if due.what&ensemble.Deleted != 0 && f.hasLost(path, due.zxid) && f.vanish() {
		f.growUp()
		c.gone = true
		return c
	}
	c.another = due.what&ensemble.ChildrenChanged != 0 && f.role == roleLeaf // a directory now
	return c
}

// hasLost reports whether the znode at path that was deleted is the one that n shows, not one that
// came before it. zxid is as in notice: no znode that was created after the deletion has one so low
// as czxid.
func (n *node) hasLost(path string, zxid int64) bool {
	if n.isNewerThan(zxid) {
		return false
	}
	s, ok := n.fs.ensemble.Peek(path)
	return !ok || s.Stat == nil || !n.shows(s.Stat)
}

// couldBecomeFile reports whether a change of the znode's data may have made it a file.
func (d *dir) couldBecomeFile() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.isRoot() && d.last != nil && ensemble.Untouched(d.last)
}

func (d *dir) dropPages(ask func() syscall.Errno) syscall.Errno { return ask() }

func (d *dir) handOn() {}

func (n *node) isKnown(path string) bool { return n.fs.ensemble.Knows(path) }

// isFree is false: a directory would be taken away from under a shell that works in it.
func (d *dir) isFree() bool { return false }

func (f *file) isFree() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.handles) == 0 && f.draft == nil
}
