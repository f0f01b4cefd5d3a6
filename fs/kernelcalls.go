package fs

import (
	"strings"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// raw stands between the kernel and go-fuse's tree of nodes and adds what the node interface has no
// place for: negative entries with a lifetime of their own, answers that the kernel remembers for
// the whole mount (kernel fact 49), and the owners of locks.
type raw struct {
	fuse.RawFileSystem
	nodes   *nodes
	lookers *lookers
}

// Lookup lets the kernel remember that a name is missing, for as long as a watch would tell
// otherwise (kernel fact 1).
func (r *raw) Lookup(cancel <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	status := r.RawFileSystem.Lookup(cancel, header, name, out)
	r.nodes.land(out.Generation)
	if status != fuse.OK {
		r.lookers.done(header.Pid)
	}
	if status == fuse.ENOENT && out.EntryTimeout() > 0 {
		out.NodeId = 0
		return fuse.OK
	}
	return status
}

// Open says that a name is missing to a thread that has looked twice; see lookers.
func (r *raw) Open(cancel <-chan struct{}, input *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	return r.opened(input.Pid, r.RawFileSystem.Open(cancel, input, out))
}

// OpenDir is Open for directories.
func (r *raw) OpenDir(cancel <-chan struct{}, input *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	return r.opened(input.Pid, r.RawFileSystem.OpenDir(cancel, input, out))
}

func (r *raw) opened(thread uint32, status fuse.Status) fuse.Status {
	if status != fuse.Status(syscall.ESTALE) {
		r.lookers.done(thread)
	} else if r.lookers.stale(thread) {
		return fuse.ENOENT
	}
	return status
}

// Mkdir ends the flight of the new node.
func (r *raw) Mkdir(cancel <-chan struct{}, input *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	status := r.RawFileSystem.Mkdir(cancel, input, name, out)
	r.nodes.land(out.Generation)
	return status
}

// Mknod ends the flight of the node, if it was known.
func (r *raw) Mknod(cancel <-chan struct{}, input *fuse.MknodIn, name string, out *fuse.EntryOut) fuse.Status {
	status := r.RawFileSystem.Mknod(cancel, input, name, out)
	r.nodes.land(out.Generation)
	return status
}

// Create ends the flight of the node, if it was known.
func (r *raw) Create(cancel <-chan struct{}, input *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	status := r.RawFileSystem.Create(cancel, input, name, out)
	r.nodes.land(out.Generation)
	return status
}

// GetXAttr answers for all names but those of users with an error that programs like ls(1) take as
// valid for the whole file system, so that they ask once and not for every file (kernel fact 48).
func (r *raw) GetXAttr(cancel <-chan struct{}, header *fuse.InHeader, attr string, dest []byte) (uint32, fuse.Status) {
	if !strings.HasPrefix(attr, xattrUser) {
		return 0, fuse.Status(syscall.EOPNOTSUPP)
	}
	return r.RawFileSystem.GetXAttr(cancel, header, attr, dest)
}

// SetXAttr refuses the names that GetXAttr knows nothing about, and minds whether the attribute
// must be there or must not.
func (r *raw) SetXAttr(cancel <-chan struct{}, input *fuse.SetXAttrIn, attr string, data []byte) fuse.Status {
	if !strings.HasPrefix(attr, xattrUser) {
		return fuse.Status(syscall.EOPNOTSUPP)
	}
	if input.Flags != 0 {
		_, status := r.RawFileSystem.GetXAttr(cancel, &input.InHeader, attr, nil)
		exists := status == fuse.OK || status == fuse.ERANGE // no room for the value was given
		switch {
		case !exists && status != fuse.ENOATTR:
			return status
		case exists && input.Flags&xattrCreate != 0:
			return fuse.Status(syscall.EEXIST)
		case !exists && input.Flags&xattrReplace != 0:
			return fuse.ENOATTR
		}
	}
	return r.RawFileSystem.SetXAttr(cancel, input, attr, data)
}

// RemoveXAttr refuses the names that GetXAttr knows nothing about.
func (r *raw) RemoveXAttr(cancel <-chan struct{}, header *fuse.InHeader, attr string) fuse.Status {
	if !strings.HasPrefix(attr, xattrUser) {
		return fuse.Status(syscall.EOPNOTSUPP)
	}
	return r.RawFileSystem.RemoveXAttr(cancel, header, attr)
}

// CopyFileRange does not exist: the kernel then copies by itself and does not ask again (kernel
// fact 49).
func (r *raw) CopyFileRange(cancel <-chan struct{}, input *fuse.CopyFileRangeIn) (uint32, fuse.Status) {
	return 0, fuse.ENOSYS
}

// Rename refuses what no file system in user space can do (RENAME_WHITEOUT), and what is not known
// yet.
func (r *raw) Rename(cancel <-chan struct{}, input *fuse.RenameIn, oldName, newName string) fuse.Status {
	if input.Flags&^(renameNoReplace|renameExchange) != 0 {
		return fuse.EINVAL
	}
	return r.RawFileSystem.Rename(cancel, input, oldName, newName)
}

// Lseek lets no hole begin at the end of a file, where lseek(2) wants ENXIO.
func (r *raw) Lseek(cancel <-chan struct{}, in *fuse.LseekIn, out *fuse.LseekOut) fuse.Status {
	status := r.RawFileSystem.Lseek(cancel, in, out)
	if in.Whence == seekHole && status == fuse.OK && out.Offset == in.Offset {
		return fuse.Status(syscall.ENXIO)
	}
	return status
}

// Symlink does not exist.
func (r *raw) Symlink(cancel <-chan struct{}, header *fuse.InHeader, target, name string, out *fuse.EntryOut) fuse.Status {
	return fuse.EPERM
}

// Link does not exist.
func (r *raw) Link(cancel <-chan struct{}, input *fuse.LinkIn, name string, out *fuse.EntryOut) fuse.Status {
	return fuse.EPERM
}

const xattrUser = "user."

// Read hands on whether the kernel reads for its cache in place of the caller's user, which nothing
// here reads: the node interface has no other place for it. See calls.IsForCache. What passes the cache
// by names the owner of locks (kernel fact 25).
func (r *raw) Read(cancel <-chan struct{}, input *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	input.Uid = input.ReadFlags & fuse.READ_LOCKOWNER
	return r.RawFileSystem.Read(cancel, input, buf)
}

// Writev hands on whether the descriptor appends at this moment, in place of the caller's user that
// nothing here reads: the node interface has no other place for it. See isAppending.
func (r *raw) Writev(
	cancel <-chan struct{}, input *fuse.WriteIn, data [][]byte,
) (uint32, fuse.Status) {
	input.Uid = input.Flags & syscall.O_APPEND
	return r.RawFileSystem.Writev(cancel, input, data)
}

// Flush hands on the owner of the locks that go with the closed descriptor (kernel fact 16) in
// place of the caller's ids, which nothing here reads: the node interface has no other place for
// it. See calls.LockOwner.
func (r *raw) Flush(cancel <-chan struct{}, input *fuse.FlushIn) fuse.Status {
	input.Uid, input.Gid = uint32(input.LockOwner), uint32(input.LockOwner>>32)
	return r.RawFileSystem.Flush(cancel, input)
}
