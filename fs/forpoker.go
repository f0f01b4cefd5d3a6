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

// lookupForPoker answers LOOKUP: with a node that is known, or with granted for a ghost. A ghost may
// take the name of a file, which the kernel then looks up again, but never that of a directory: what
// works in there, or is mounted, would lose it (kernel fact 42).
func (d *dir) lookupForPoker(name string, out *fuse.EntryOut) (*fusefs.Inode, syscall.Errno) {
	id := idOf(d.where(), roleData)
	if name != names.Data {
		id = ensemble.Join(d.where(), names.Znode(name, d.isRoot()))
	}
	z := d.fs.nodes.find(id)
	isDir := z != nil && z.kind() == names.KindDir
	isIt := false
	if !isDir {
		switch answer, it := d.fs.announced.looked(d.file(name)); {
		case answer != 0:
			return nil, answer
		default:
			isIt = it
		}
	}
	if z = d.fs.nodes.known(id); z != nil {
		out.Attr = fuse.Attr{Nlink: 1}
		d.fs.notify.disregard(z.EmbeddedInode())
		return z.EmbeddedInode(), 0
	}
	if isIt { // a file that the kernel does not know, in a directory that is watched
		return nil, granted
	}
	return nil, syscall.ENOENT
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
