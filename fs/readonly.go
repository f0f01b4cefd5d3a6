package fs

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// readOnly refuses changes as the kernel does on a read-only mount. It stands where the kernel lets
// changes through, because the poker makes calls that look like changes; see newPokes. The nodes
// refuse what would reach ZooKeeper by themselves.
type readOnly struct{ fuse.RawFileSystem }

const refused = fuse.Status(syscall.EROFS)

// SetAttr is refused.
func (readOnly) SetAttr(<-chan struct{}, *fuse.SetAttrIn, *fuse.AttrOut) fuse.Status {
	return refused
}

// Mknod is refused.
func (readOnly) Mknod(<-chan struct{}, *fuse.MknodIn, string, *fuse.EntryOut) fuse.Status {
	return refused
}

// Mkdir is refused.
func (readOnly) Mkdir(<-chan struct{}, *fuse.MkdirIn, string, *fuse.EntryOut) fuse.Status {
	return refused
}

// Create is refused.
func (readOnly) Create(<-chan struct{}, *fuse.CreateIn, string, *fuse.CreateOut) fuse.Status {
	return refused
}

// Unlink is refused.
func (readOnly) Unlink(<-chan struct{}, *fuse.InHeader, string) fuse.Status { return refused }

// Rmdir is refused.
func (readOnly) Rmdir(<-chan struct{}, *fuse.InHeader, string) fuse.Status { return refused }

// Rename is refused.
func (readOnly) Rename(<-chan struct{}, *fuse.RenameIn, string, string) fuse.Status {
	return refused
}

// Link is refused.
func (readOnly) Link(<-chan struct{}, *fuse.LinkIn, string, *fuse.EntryOut) fuse.Status {
	return refused
}

// Symlink is refused.
func (readOnly) Symlink(
	<-chan struct{}, *fuse.InHeader, string, string, *fuse.EntryOut,
) fuse.Status {
	return refused
}

// SetXAttr is refused.
func (readOnly) SetXAttr(<-chan struct{}, *fuse.SetXAttrIn, string, []byte) fuse.Status {
	return refused
}

// RemoveXAttr is refused.
func (readOnly) RemoveXAttr(<-chan struct{}, *fuse.InHeader, string) fuse.Status { return refused }

// Open refuses to open for writing.
func (r readOnly) Open(cancel <-chan struct{}, input *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	if input.Flags&syscall.O_ACCMODE != syscall.O_RDONLY || input.Flags&syscall.O_TRUNC != 0 {
		return refused
	}
	return r.RawFileSystem.Open(cancel, input, out)
}
