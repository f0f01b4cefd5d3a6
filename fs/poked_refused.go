package fs

import "github.com/hanwen/go-fuse/v2/fuse"

// What the poker never asks, and would change something: it is refused, whatever made the poker ask.

// SetAttr is refused.
func (p *poked) SetAttr(
	cancel <-chan struct{}, input *fuse.SetAttrIn, out *fuse.AttrOut,
) fuse.Status {
	if p.pokes.isPoker(input.Pid) {
		return fuse.EPERM
	}
	return p.RawFileSystem.SetAttr(cancel, input, out)
}

// Rename is refused.
func (p *poked) Rename(
	cancel <-chan struct{}, input *fuse.RenameIn, oldName, newName string,
) fuse.Status {
	if p.pokes.isPoker(input.Pid) {
		return fuse.EPERM
	}
	return p.RawFileSystem.Rename(cancel, input, oldName, newName)
}

// Writev is refused.
func (p *poked) Writev(
	cancel <-chan struct{}, input *fuse.WriteIn, data [][]byte,
) (uint32, fuse.Status) {
	if p.pokes.isPoker(input.Pid) {
		return 0, fuse.EPERM
	}
	return p.RawFileSystem.Writev(cancel, input, data)
}

// RemoveXAttr is refused.
func (p *poked) RemoveXAttr(
	cancel <-chan struct{}, header *fuse.InHeader, attr string,
) fuse.Status {
	if p.pokes.isPoker(header.Pid) {
		return fuse.EPERM
	}
	return p.RawFileSystem.RemoveXAttr(cancel, header, attr)
}

// SetLk is refused.
func (p *poked) SetLk(cancel <-chan struct{}, input *fuse.LkIn) fuse.Status {
	if p.pokes.isPoker(input.Pid) {
		return fuse.EPERM
	}
	return p.RawFileSystem.SetLk(cancel, input)
}

// SetLkw is refused.
func (p *poked) SetLkw(cancel <-chan struct{}, input *fuse.LkIn) fuse.Status {
	if p.pokes.isPoker(input.Pid) {
		return fuse.EPERM
	}
	return p.RawFileSystem.SetLkw(cancel, input)
}
