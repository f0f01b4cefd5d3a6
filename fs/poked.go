package fs

import (
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/zkfs/zkfs/internal/poke"
)

// poked answers the poker. Requests of programs pass it by.
//
// What the poker creates or deletes is a ghost: an inode that only the kernel knows, and that no
// program finds. Its name has no lifetime, so the kernel looks the name up again for each program
// (kernel fact 58). So nothing that is real gets or loses a name by a poke.
type poked struct {
	fuse.RawFileSystem // of programs
	raw                *raw
	pokes              *announced
	secret             string // see poke.Mount
	uid, gid           uint32
	ghosts             atomic.Uint64
}

// ghostBit is set in the numbers by which the kernel asks for ghosts. go-fuse counts from 1.
const ghostBit = 1 << 62

// pokeHandle is the handle of what the poker has open.
const pokeHandle = 1 << 62

// stale answers what is asked about a ghost; see realOnly.
const stale = fuse.Status(syscall.ESTALE)

func isGhost(header *fuse.InHeader) bool { return header.NodeId&ghostBit != 0 }

// ghost answers with a new ghost.
func (p *poked) ghost(out *fuse.EntryOut) fuse.Status {
	*out = fuse.EntryOut{NodeId: ghostBit | p.ghosts.Add(1)}
	out.Generation = out.NodeId
	p.ghostAttr(&out.Attr, out.NodeId)
	out.SetAttrTimeout(untilOpen)
	return fuse.OK
}

func (p *poked) ghostAttr(out *fuse.Attr, nodeid uint64) {
	*out = fuse.Attr{Ino: nodeid, Mode: fuse.S_IFREG | 0o600, Nlink: 1}
	out.Uid, out.Gid = p.uid, p.gid
	if p.pokes.isDir() {
		out.Mode = fuse.S_IFDIR | 0o700
	}
}

// opened answers an open: the kernel keeps the pages that it has (kernel fact 57).
func (p *poked) opened(out *fuse.OpenOut) fuse.Status {
	*out = fuse.OpenOut{Fh: pokeHandle, OpenFlags: fuse.FOPEN_KEEP_CACHE | fuse.FOPEN_NOFLUSH}
	return fuse.OK
}

// made is the answer to a call of the poker that a node was asked about: granted is success, and no
// call succeeds that is not announced.
func made(status fuse.Status) fuse.Status {
	switch status {
	case fuse.Status(granted):
		return fuse.OK
	case fuse.OK:
		return fuse.EPERM
	}
	return status
}

// named is made for a call that gives a ghost a name.
func (p *poked) named(status fuse.Status, out *fuse.EntryOut) fuse.Status {
	if status = made(status); status == fuse.OK {
		return p.ghost(out)
	}
	return status
}

// Lookup proves to the poker that this is the mount, and finds ghosts.
func (p *poked) Lookup(
	cancel <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut,
) fuse.Status {
	switch {
	case !p.pokes.isPoker(header.Pid):
		return p.RawFileSystem.Lookup(cancel, header, name, out)
	case name == p.secret && header.NodeId == fuse.FUSE_ROOT_ID:
		return fuse.Status(poke.Proof)
	}
	status := p.raw.Lookup(cancel, header, name, out)
	if status == fuse.Status(granted) {
		return p.ghost(out)
	}
	return status
}

// Forget needs nothing for ghosts: only the kernel knows them.
func (p *poked) Forget(nodeid, nlookup uint64) {
	if nodeid&ghostBit == 0 {
		p.RawFileSystem.Forget(nodeid, nlookup)
	}
}

// GetAttr says whether a ghost is a file.
func (p *poked) GetAttr(
	cancel <-chan struct{}, input *fuse.GetAttrIn, out *fuse.AttrOut,
) fuse.Status {
	switch poker := p.pokes.isPoker(input.Pid); {
	case poker && isGhost(&input.InHeader):
		p.ghostAttr(&out.Attr, input.NodeId)
		return fuse.OK
	case poker:
		return p.raw.GetAttr(cancel, input, out)
	}
	return p.RawFileSystem.GetAttr(cancel, input, out)
}

// Open lets the poker open the file that it is to tell of.
func (p *poked) Open(cancel <-chan struct{}, input *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	status := fuse.Status(granted)
	switch poker, ghost := p.pokes.isPoker(input.Pid), isGhost(&input.InHeader); {
	case !poker:
		return p.RawFileSystem.Open(cancel, input, out)
	case ghost && !p.pokes.isWriting():
		return stale
	case !ghost:
		status = p.raw.Open(cancel, input, out)
	}
	if status = made(status); status == fuse.OK {
		return p.opened(out)
	}
	return status
}

// Create makes a ghost and opens it.
func (p *poked) Create(
	cancel <-chan struct{}, input *fuse.CreateIn, name string, out *fuse.CreateOut,
) fuse.Status {
	if !p.pokes.isPoker(input.Pid) {
		return p.RawFileSystem.Create(cancel, input, name, out)
	}
	status := made(p.raw.Create(cancel, input, name, out))
	if status == fuse.OK {
		p.ghost(&out.EntryOut)
		p.opened(&out.OpenOut)
	}
	return status
}

// Mknod makes a ghost.
func (p *poked) Mknod(
	cancel <-chan struct{}, input *fuse.MknodIn, name string, out *fuse.EntryOut,
) fuse.Status {
	if !p.pokes.isPoker(input.Pid) {
		return p.RawFileSystem.Mknod(cancel, input, name, out)
	}
	return p.named(p.raw.Mknod(cancel, input, name, out), out)
}

// Mkdir makes a ghost.
func (p *poked) Mkdir(
	cancel <-chan struct{}, input *fuse.MkdirIn, name string, out *fuse.EntryOut,
) fuse.Status {
	if !p.pokes.isPoker(input.Pid) {
		return p.RawFileSystem.Mkdir(cancel, input, name, out)
	}
	return p.named(p.raw.Mkdir(cancel, input, name, out), out)
}

// Unlink takes a ghost away.
func (p *poked) Unlink(cancel <-chan struct{}, header *fuse.InHeader, name string) fuse.Status {
	if !p.pokes.isPoker(header.Pid) {
		return p.RawFileSystem.Unlink(cancel, header, name)
	}
	return made(p.raw.Unlink(cancel, header, name))
}

// Rmdir takes a ghost away.
func (p *poked) Rmdir(cancel <-chan struct{}, header *fuse.InHeader, name string) fuse.Status {
	if !p.pokes.isPoker(header.Pid) {
		return p.RawFileSystem.Rmdir(cancel, header, name)
	}
	return made(p.raw.Rmdir(cancel, header, name))
}

// Fallocate is how the poker says that a file has changed.
func (p *poked) Fallocate(cancel <-chan struct{}, input *fuse.FallocateIn) fuse.Status {
	switch {
	case !p.pokes.isPoker(input.Pid):
		return p.RawFileSystem.Fallocate(cancel, input)
	case input.Fh == pokeHandle && p.pokes.isWriting():
		return fuse.OK
	}
	return fuse.EPERM
}

// SetXAttr is how the poker says that attributes have changed.
func (p *poked) SetXAttr(
	cancel <-chan struct{}, input *fuse.SetXAttrIn, attr string, data []byte,
) fuse.Status {
	if !p.pokes.isPoker(input.Pid) {
		return p.RawFileSystem.SetXAttr(cancel, input, attr, data)
	}
	return made(p.raw.SetXAttr(cancel, input, attr, data))
}

// Flush comes from kernels that do not know FOPEN_NOFLUSH, which are those before 5.16.
func (p *poked) Flush(cancel <-chan struct{}, input *fuse.FlushIn) fuse.Status {
	if input.Fh == pokeHandle {
		return fuse.OK
	}
	return p.RawFileSystem.Flush(cancel, input)
}

// Release ends what the poker had open. Any thread may send it.
func (p *poked) Release(cancel <-chan struct{}, input *fuse.ReleaseIn) {
	if input.Fh != pokeHandle {
		p.RawFileSystem.Release(cancel, input)
	}
}
