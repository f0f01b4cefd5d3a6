package fs

import (
	"context"
	"syscall"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/zkfs/zkfs/internal/calls"
	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/names"
)

// What nodes answer to the poker. It needs no attributes, and none that it is given may count: what
// is known may be older than what the kernel has learned meanwhile. So the kernel is made to drop
// them, see notifier.disregard.

// isPoker reports whether a request comes from the poker.
func (n *node) isPoker(ctx context.Context) bool {
	return n.fs.announced.isPoker(calls.Caller(ctx))
}

// file returns the path in the mount of what has that name in d.
func (d *dir) file(name string) string { return ensemble.Join(FilePath(d.where()), name) }

// shownPath returns the path of f in the mount.
func (f *file) shownPath() string {
	path := FilePath(f.where())
	switch f.role {
	case roleData:
		return ensemble.Join(path, names.Data)
	case roleDirLock:
		return ensemble.Join(path, names.Lock)
	}
	return path
}

// attrForPoker answers GETATTR.
func (n *node) attrForPoker(out *fuse.AttrOut) syscall.Errno {
	out.Attr = fuse.Attr{Nlink: 1}
	n.fs.notify.disregard(&n.Inode)
	return 0
}

// lookupForPoker answers LOOKUP: with a node that is known, or with granted for a ghost. A ghost never
// takes the name of what the kernel knows: a program that works in a directory would lose it, what
// is mounted would be detached, and an open file would be shown as deleted (kernel fact 42).
func (d *dir) lookupForPoker(name string, out *fuse.EntryOut) (*fusefs.Inode, syscall.Errno) {
	id := idOf(d.where(), roleData)
	if name != names.Data {
		id = ensemble.Join(d.where(), names.Znode(name, d.isRoot()))
	}
	if z := d.fs.nodes.known(id); z != nil {
		out.Attr = fuse.Attr{Nlink: 1}
		d.fs.notify.disregard(z.EmbeddedInode())
		return z.EmbeddedInode(), 0
	}
	return nil, d.fs.announced.looked(d.file(name))
}

// known returns the node of that id and begins a flight, or returns nil.
func (t *nodes) known(id string) znode {
	t.mu.Lock()
	defer t.mu.Unlock()
	z := t.at[id]
	if z != nil {
		t.fly(z.base())
	}
	return z
}
