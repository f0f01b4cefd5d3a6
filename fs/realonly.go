package fs

import "github.com/hanwen/go-fuse/v2/fuse"

// realOnly keeps from go-fuse what is about a ghost, or about what the poker has open. go-fuse knows
// neither, and ends the process for that. A program may have a ghost: by fanotify, or because it
// took a name at the moment in which the poker used it. ESTALE makes the kernel look the name up
// again. Only the poker, which poked answers, has pokeHandle.
type realOnly struct{ fuse.RawFileSystem }

// isReal reports whether go-fuse knows what a request is about.
func isReal(header *fuse.InHeader, handle uint64) bool {
	return !isGhost(header) && handle != pokeHandle
}

// Lookup is of what is real.
func (r realOnly) Lookup(
	cancel <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut,
) fuse.Status {
	if !isReal(header, 0) {
		return stale
	}
	return r.RawFileSystem.Lookup(cancel, header, name, out)
}

// GetAttr is of what is real.
func (r realOnly) GetAttr(
	cancel <-chan struct{}, input *fuse.GetAttrIn, out *fuse.AttrOut,
) fuse.Status {
	if !isReal(&input.InHeader, input.Fh()) {
		return stale
	}
	return r.RawFileSystem.GetAttr(cancel, input, out)
}

// SetAttr is of what is real.
func (r realOnly) SetAttr(
	cancel <-chan struct{}, input *fuse.SetAttrIn, out *fuse.AttrOut,
) fuse.Status {
	if !isReal(&input.InHeader, input.Fh) {
		return stale
	}
	return r.RawFileSystem.SetAttr(cancel, input, out)
}

// Mknod is of what is real.
func (r realOnly) Mknod(
	cancel <-chan struct{}, input *fuse.MknodIn, name string, out *fuse.EntryOut,
) fuse.Status {
	if !isReal(&input.InHeader, 0) {
		return stale
	}
	return r.RawFileSystem.Mknod(cancel, input, name, out)
}

// Mkdir is of what is real.
func (r realOnly) Mkdir(
	cancel <-chan struct{}, input *fuse.MkdirIn, name string, out *fuse.EntryOut,
) fuse.Status {
	if !isReal(&input.InHeader, 0) {
		return stale
	}
	return r.RawFileSystem.Mkdir(cancel, input, name, out)
}

// Unlink is of what is real.
func (r realOnly) Unlink(cancel <-chan struct{}, header *fuse.InHeader, name string) fuse.Status {
	if !isReal(header, 0) {
		return stale
	}
	return r.RawFileSystem.Unlink(cancel, header, name)
}

// Rmdir is of what is real.
func (r realOnly) Rmdir(cancel <-chan struct{}, header *fuse.InHeader, name string) fuse.Status {
	if !isReal(header, 0) {
		return stale
	}
	return r.RawFileSystem.Rmdir(cancel, header, name)
}

// Rename is of what is real.
func (r realOnly) Rename(
	cancel <-chan struct{}, input *fuse.RenameIn, oldName, newName string,
) fuse.Status {
	if !isReal(&input.InHeader, 0) || input.Newdir&ghostBit != 0 {
		return stale
	}
	return r.RawFileSystem.Rename(cancel, input, oldName, newName)
}

// Link is of what is real.
func (r realOnly) Link(
	cancel <-chan struct{}, input *fuse.LinkIn, name string, out *fuse.EntryOut,
) fuse.Status {
	if !isReal(&input.InHeader, 0) || input.Oldnodeid&ghostBit != 0 {
		return stale
	}
	return r.RawFileSystem.Link(cancel, input, name, out)
}

// Symlink is of what is real.
func (r realOnly) Symlink(
	cancel <-chan struct{}, header *fuse.InHeader, target, name string, out *fuse.EntryOut,
) fuse.Status {
	if !isReal(header, 0) {
		return stale
	}
	return r.RawFileSystem.Symlink(cancel, header, target, name, out)
}

// Access is of what is real.
func (r realOnly) Access(cancel <-chan struct{}, input *fuse.AccessIn) fuse.Status {
	if !isReal(&input.InHeader, 0) {
		return stale
	}
	return r.RawFileSystem.Access(cancel, input)
}

// SetXAttr is of what is real.
func (r realOnly) SetXAttr(
	cancel <-chan struct{}, input *fuse.SetXAttrIn, attr string, data []byte,
) fuse.Status {
	if !isReal(&input.InHeader, 0) {
		return stale
	}
	return r.RawFileSystem.SetXAttr(cancel, input, attr, data)
}

// RemoveXAttr is of what is real.
func (r realOnly) RemoveXAttr(
	cancel <-chan struct{}, header *fuse.InHeader, attr string,
) fuse.Status {
	if !isReal(header, 0) {
		return stale
	}
	return r.RawFileSystem.RemoveXAttr(cancel, header, attr)
}

// Create is of what is real.
func (r realOnly) Create(
	cancel <-chan struct{}, input *fuse.CreateIn, name string, out *fuse.CreateOut,
) fuse.Status {
	if !isReal(&input.InHeader, 0) {
		return stale
	}
	return r.RawFileSystem.Create(cancel, input, name, out)
}

// Tmpfile is of what is real.
func (r realOnly) Tmpfile(
	cancel <-chan struct{}, input *fuse.CreateIn, out *fuse.CreateOut,
) fuse.Status {
	if !isReal(&input.InHeader, 0) {
		return stale
	}
	return r.RawFileSystem.Tmpfile(cancel, input, out)
}

// Open is of what is real.
func (r realOnly) Open(cancel <-chan struct{}, input *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	if !isReal(&input.InHeader, 0) {
		return stale
	}
	return r.RawFileSystem.Open(cancel, input, out)
}

// Lseek is of what is real.
func (r realOnly) Lseek(
	cancel <-chan struct{}, input *fuse.LseekIn, out *fuse.LseekOut,
) fuse.Status {
	if !isReal(&input.InHeader, input.Fh) {
		return stale
	}
	return r.RawFileSystem.Lseek(cancel, input, out)
}

// GetLk is of what is real.
func (r realOnly) GetLk(cancel <-chan struct{}, input *fuse.LkIn, out *fuse.LkOut) fuse.Status {
	if !isReal(&input.InHeader, input.Fh) {
		return stale
	}
	return r.RawFileSystem.GetLk(cancel, input, out)
}

// SetLk is of what is real.
func (r realOnly) SetLk(cancel <-chan struct{}, input *fuse.LkIn) fuse.Status {
	if !isReal(&input.InHeader, input.Fh) {
		return stale
	}
	return r.RawFileSystem.SetLk(cancel, input)
}

// SetLkw is of what is real.
func (r realOnly) SetLkw(cancel <-chan struct{}, input *fuse.LkIn) fuse.Status {
	if !isReal(&input.InHeader, input.Fh) {
		return stale
	}
	return r.RawFileSystem.SetLkw(cancel, input)
}

// Flush is of what is real.
func (r realOnly) Flush(cancel <-chan struct{}, input *fuse.FlushIn) fuse.Status {
	if !isReal(&input.InHeader, input.Fh) {
		return stale
	}
	return r.RawFileSystem.Flush(cancel, input)
}

// Fsync is of what is real.
func (r realOnly) Fsync(cancel <-chan struct{}, input *fuse.FsyncIn) fuse.Status {
	if !isReal(&input.InHeader, input.Fh) {
		return stale
	}
	return r.RawFileSystem.Fsync(cancel, input)
}

// Fallocate is of what is real.
func (r realOnly) Fallocate(cancel <-chan struct{}, input *fuse.FallocateIn) fuse.Status {
	if !isReal(&input.InHeader, input.Fh) {
		return stale
	}
	return r.RawFileSystem.Fallocate(cancel, input)
}

// OpenDir is of what is real.
func (r realOnly) OpenDir(
	cancel <-chan struct{}, input *fuse.OpenIn, out *fuse.OpenOut,
) fuse.Status {
	if !isReal(&input.InHeader, 0) {
		return stale
	}
	return r.RawFileSystem.OpenDir(cancel, input, out)
}

// ReadDir is of what is real.
func (r realOnly) ReadDir(
	cancel <-chan struct{}, input *fuse.ReadIn, out *fuse.DirEntryList,
) fuse.Status {
	if !isReal(&input.InHeader, input.Fh) {
		return stale
	}
	return r.RawFileSystem.ReadDir(cancel, input, out)
}

// ReadDirPlus is of what is real.
func (r realOnly) ReadDirPlus(
	cancel <-chan struct{}, input *fuse.ReadIn, out *fuse.DirEntryList,
) fuse.Status {
	if !isReal(&input.InHeader, input.Fh) {
		return stale
	}
	return r.RawFileSystem.ReadDirPlus(cancel, input, out)
}

// FsyncDir is of what is real.
func (r realOnly) FsyncDir(cancel <-chan struct{}, input *fuse.FsyncIn) fuse.Status {
	if !isReal(&input.InHeader, input.Fh) {
		return stale
	}
	return r.RawFileSystem.FsyncDir(cancel, input)
}

// StatFs is of what is real.
func (r realOnly) StatFs(
	cancel <-chan struct{}, header *fuse.InHeader, out *fuse.StatfsOut,
) fuse.Status {
	if !isReal(header, 0) {
		return stale
	}
	return r.RawFileSystem.StatFs(cancel, header, out)
}

// Statx is of what is real.
func (r realOnly) Statx(
	cancel <-chan struct{}, input *fuse.StatxIn, out *fuse.StatxOut,
) fuse.Status {
	if !isReal(&input.InHeader, input.Fh) {
		return stale
	}
	return r.RawFileSystem.Statx(cancel, input, out)
}

// Readlink is of what is real.
func (r realOnly) Readlink(cancel <-chan struct{}, header *fuse.InHeader) ([]byte, fuse.Status) {
	if !isReal(header, 0) {
		return nil, stale
	}
	return r.RawFileSystem.Readlink(cancel, header)
}

// GetXAttr is of what is real.
func (r realOnly) GetXAttr(
	cancel <-chan struct{}, header *fuse.InHeader, attr string, dest []byte,
) (uint32, fuse.Status) {
	if !isReal(header, 0) {
		return 0, stale
	}
	return r.RawFileSystem.GetXAttr(cancel, header, attr, dest)
}

// ListXAttr is of what is real.
func (r realOnly) ListXAttr(
	cancel <-chan struct{}, header *fuse.InHeader, dest []byte,
) (uint32, fuse.Status) {
	if !isReal(header, 0) {
		return 0, stale
	}
	return r.RawFileSystem.ListXAttr(cancel, header, dest)
}

// Read is of what is real.
func (r realOnly) Read(
	cancel <-chan struct{}, input *fuse.ReadIn, buf []byte,
) (fuse.ReadResult, fuse.Status) {
	if !isReal(&input.InHeader, input.Fh) {
		return nil, stale
	}
	return r.RawFileSystem.Read(cancel, input, buf)
}

// Write is of what is real.
func (r realOnly) Write(
	cancel <-chan struct{}, input *fuse.WriteIn, data []byte,
) (uint32, fuse.Status) {
	if !isReal(&input.InHeader, input.Fh) {
		return 0, stale
	}
	return r.RawFileSystem.Write(cancel, input, data)
}

// Writev is of what is real.
func (r realOnly) Writev(
	cancel <-chan struct{}, input *fuse.WriteIn, data [][]byte,
) (uint32, fuse.Status) {
	if !isReal(&input.InHeader, input.Fh) {
		return 0, stale
	}
	return r.RawFileSystem.Writev(cancel, input, data)
}

// CopyFileRange is of what is real.
func (r realOnly) CopyFileRange(
	cancel <-chan struct{}, input *fuse.CopyFileRangeIn,
) (uint32, fuse.Status) {
	if !isReal(&input.InHeader, input.FhIn) ||
		input.NodeIdOut&ghostBit != 0 || input.FhOut == pokeHandle {
		return 0, stale
	}
	return r.RawFileSystem.CopyFileRange(cancel, input)
}

// Ioctl is of what is real.
func (r realOnly) Ioctl(
	cancel <-chan struct{}, input *fuse.IoctlIn, inbuf []byte, output *fuse.IoctlOut, outbuf []byte,
) fuse.Status {
	if !isReal(&input.InHeader, input.Fh) {
		return stale
	}
	return r.RawFileSystem.Ioctl(cancel, input, inbuf, output, outbuf)
}

// ReleaseDir is of what is real.
func (r realOnly) ReleaseDir(input *fuse.ReleaseIn) {
	if isReal(&input.InHeader, input.Fh) {
		r.RawFileSystem.ReleaseDir(input)
	}
}

// Release is of what is real.
func (r realOnly) Release(cancel <-chan struct{}, input *fuse.ReleaseIn) {
	if isReal(&input.InHeader, input.Fh) {
		r.RawFileSystem.Release(cancel, input)
	}
}
