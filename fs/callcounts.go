package fs

import (
	"maps"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// counted counts what the kernel asks and how it is answered. Forgotten and released inodes are not
// among it: they have no answer.
type counted struct {
	fuse.RawFileSystem
	ops *operations
}

func (c *counted) answered(o op, s fuse.Status) fuse.Status {
	c.ops.done[o].Add(1)
	if s != fuse.OK {
		c.ops.fail(o, syscall.Errno(s))
	}
	return s
}

// operations are the numbers of a mount.
type operations struct {
	done [opCount]atomic.Int64

	mu     sync.Mutex // guards failed
	failed [opCount]map[syscall.Errno]int64
}

// Operation is one kind of what the kernel asks.
type Operation struct {
	Count  int64                   // answered, errors included
	Errors map[syscall.Errno]int64 // nil if there were none
}

func (ops *operations) fail(o op, errno syscall.Errno) {
	ops.mu.Lock()
	defer ops.mu.Unlock()
	if ops.failed[o] == nil {
		ops.failed[o] = map[syscall.Errno]int64{}
	}
	ops.failed[o][errno]++
}

// list returns what has been asked so far.
func (ops *operations) list() map[string]Operation {
	ops.mu.Lock()
	defer ops.mu.Unlock()
	all := map[string]Operation{}
	for o, name := range opNames {
		if n := ops.done[o].Load(); n > 0 {
			all[name] = Operation{Count: n, Errors: maps.Clone(ops.failed[o])}
		}
	}
	return all
}

// op is an operation of the kernel.
type op uint8

const (
	opLookup op = iota
	opGetAttr
	opSetAttr
	opStatx
	opMknod
	opMkdir
	opUnlink
	opRmdir
	opRename
	opListXAttr
	opGetXAttr
	opSetXAttr
	opRemoveXAttr
	opCreate
	opOpen
	opRead
	opLseek
	opWritev
	opFlush
	opFsync
	opFallocate
	opGetLk
	opSetLk
	opSetLkw
	opOpenDir
	opReadDir
	opReadDirPlus
	opStatFs

	opCount
)

// opNames are the kernel's names (linux/fuse.h).
var opNames = [opCount]string{
	opLookup:      "LOOKUP",
	opGetAttr:     "GETATTR",
	opSetAttr:     "SETATTR",
	opStatx:       "STATX",
	opMknod:       "MKNOD",
	opMkdir:       "MKDIR",
	opUnlink:      "UNLINK",
	opRmdir:       "RMDIR",
	opRename:      "RENAME",
	opListXAttr:   "LISTXATTR",
	opGetXAttr:    "GETXATTR",
	opSetXAttr:    "SETXATTR",
	opRemoveXAttr: "REMOVEXATTR",
	opCreate:      "CREATE",
	opOpen:        "OPEN",
	opRead:        "READ",
	opLseek:       "LSEEK",
	opWritev:      "WRITE",
	opFlush:       "FLUSH",
	opFsync:       "FSYNC",
	opFallocate:   "FALLOCATE",
	opGetLk:       "GETLK",
	opSetLk:       "SETLK",
	opSetLkw:      "SETLKW",
	opOpenDir:     "OPENDIR",
	opReadDir:     "READDIR",
	opReadDirPlus: "READDIRPLUS",
	opStatFs:      "STATFS",
}

func (c *counted) Lookup(cancel <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	return c.answered(opLookup, c.RawFileSystem.Lookup(cancel, header, name, out))
}

func (c *counted) GetAttr(cancel <-chan struct{}, input *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	return c.answered(opGetAttr, c.RawFileSystem.GetAttr(cancel, input, out))
}

func (c *counted) SetAttr(cancel <-chan struct{}, input *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	return c.answered(opSetAttr, c.RawFileSystem.SetAttr(cancel, input, out))
}

func (c *counted) Statx(cancel <-chan struct{}, input *fuse.StatxIn, out *fuse.StatxOut) fuse.Status {
	return c.answered(opStatx, c.RawFileSystem.Statx(cancel, input, out))
}

func (c *counted) Mknod(cancel <-chan struct{}, input *fuse.MknodIn, name string, out *fuse.EntryOut) fuse.Status {
	return c.answered(opMknod, c.RawFileSystem.Mknod(cancel, input, name, out))
}

func (c *counted) Mkdir(cancel <-chan struct{}, input *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	return c.answered(opMkdir, c.RawFileSystem.Mkdir(cancel, input, name, out))
}

func (c *counted) Unlink(cancel <-chan struct{}, header *fuse.InHeader, name string) fuse.Status {
	return c.answered(opUnlink, c.RawFileSystem.Unlink(cancel, header, name))
}

func (c *counted) Rmdir(cancel <-chan struct{}, header *fuse.InHeader, name string) fuse.Status {
	return c.answered(opRmdir, c.RawFileSystem.Rmdir(cancel, header, name))
}

func (c *counted) Rename(cancel <-chan struct{}, input *fuse.RenameIn, oldName, newName string) fuse.Status {
	return c.answered(opRename, c.RawFileSystem.Rename(cancel, input, oldName, newName))
}

func (c *counted) ListXAttr(cancel <-chan struct{}, header *fuse.InHeader, dest []byte) (uint32, fuse.Status) {
	n, s := c.RawFileSystem.ListXAttr(cancel, header, dest)
	return n, c.answered(opListXAttr, s)
}

func (c *counted) GetXAttr(cancel <-chan struct{}, header *fuse.InHeader, attr string, dest []byte) (uint32, fuse.Status) {
	n, s := c.RawFileSystem.GetXAttr(cancel, header, attr, dest)
	return n, c.answered(opGetXAttr, s)
}

func (c *counted) SetXAttr(cancel <-chan struct{}, input *fuse.SetXAttrIn, attr string, data []byte) fuse.Status {
	return c.answered(opSetXAttr, c.RawFileSystem.SetXAttr(cancel, input, attr, data))
}

func (c *counted) RemoveXAttr(cancel <-chan struct{}, header *fuse.InHeader, attr string) fuse.Status {
	return c.answered(opRemoveXAttr, c.RawFileSystem.RemoveXAttr(cancel, header, attr))
}

func (c *counted) Create(cancel <-chan struct{}, input *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	return c.answered(opCreate, c.RawFileSystem.Create(cancel, input, name, out))
}

func (c *counted) Open(cancel <-chan struct{}, input *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	return c.answered(opOpen, c.RawFileSystem.Open(cancel, input, out))
}

func (c *counted) Read(cancel <-chan struct{}, input *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	r, s := c.RawFileSystem.Read(cancel, input, buf)
	return r, c.answered(opRead, s)
}

func (c *counted) Lseek(cancel <-chan struct{}, in *fuse.LseekIn, out *fuse.LseekOut) fuse.Status {
	return c.answered(opLseek, c.RawFileSystem.Lseek(cancel, in, out))
}

func (c *counted) Writev(cancel <-chan struct{}, input *fuse.WriteIn, data [][]byte) (uint32, fuse.Status) {
	n, s := c.RawFileSystem.Writev(cancel, input, data)
	return n, c.answered(opWritev, s)
}

func (c *counted) Flush(cancel <-chan struct{}, input *fuse.FlushIn) fuse.Status {
	return c.answered(opFlush, c.RawFileSystem.Flush(cancel, input))
}

func (c *counted) Fsync(cancel <-chan struct{}, input *fuse.FsyncIn) fuse.Status {
	return c.answered(opFsync, c.RawFileSystem.Fsync(cancel, input))
}

func (c *counted) Fallocate(cancel <-chan struct{}, input *fuse.FallocateIn) fuse.Status {
	return c.answered(opFallocate, c.RawFileSystem.Fallocate(cancel, input))
}

func (c *counted) GetLk(cancel <-chan struct{}, input *fuse.LkIn, out *fuse.LkOut) fuse.Status {
	return c.answered(opGetLk, c.RawFileSystem.GetLk(cancel, input, out))
}

func (c *counted) SetLk(cancel <-chan struct{}, input *fuse.LkIn) fuse.Status {
	return c.answered(opSetLk, c.RawFileSystem.SetLk(cancel, input))
}

func (c *counted) SetLkw(cancel <-chan struct{}, input *fuse.LkIn) fuse.Status {
	return c.answered(opSetLkw, c.RawFileSystem.SetLkw(cancel, input))
}

func (c *counted) OpenDir(cancel <-chan struct{}, input *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	return c.answered(opOpenDir, c.RawFileSystem.OpenDir(cancel, input, out))
}

func (c *counted) ReadDir(cancel <-chan struct{}, input *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	return c.answered(opReadDir, c.RawFileSystem.ReadDir(cancel, input, out))
}

func (c *counted) ReadDirPlus(cancel <-chan struct{}, input *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	return c.answered(opReadDirPlus, c.RawFileSystem.ReadDirPlus(cancel, input, out))
}

func (c *counted) StatFs(cancel <-chan struct{}, input *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	return c.answered(opStatFs, c.RawFileSystem.StatFs(cancel, input, out))
}
