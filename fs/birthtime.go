package fs

import (
	"context"
	"syscall"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/zkfs/zkfs/zk"
)

// Statx is Getattr with a time of birth, which is that of the znode's creation.
func (d *dir) Statx(ctx context.Context, fh fusefs.FileHandle, _, _ uint32, out *fuse.StatxOut) syscall.Errno {
	var a fuse.AttrOut
	errno := d.Getattr(ctx, fh, &a)
	d.mu.Lock()
	defer d.mu.Unlock()
	return statx(&a, errno, d.last, out)
}

// Statx is Getattr with a time of birth, which is that of the znode's creation.
func (f *file) Statx(ctx context.Context, fh fusefs.FileHandle, _, _ uint32, out *fuse.StatxOut) syscall.Errno {
	var a fuse.AttrOut
	errno := f.Getattr(ctx, fh, &a)
	f.mu.Lock()
	defer f.mu.Unlock()
	return statx(&a, errno, f.shown.stat, out)
}

// statx fills out with what Getattr found. A znode that does not exist yet was not born.
func statx(a *fuse.AttrOut, errno syscall.Errno, st *zk.Stat, out *fuse.StatxOut) syscall.Errno {
	if errno != 0 {
		return errno
	}
	out.SetTimeout(a.Timeout())
	out.Mask = statxBasic
	out.Mode = uint16(a.Mode)
	out.Nlink, out.Uid, out.Gid = a.Nlink, a.Uid, a.Gid
	out.Size, out.Blocks, out.Blksize = a.Size, a.Blocks, a.Blksize
	out.Mtime = fuse.SxTime{Sec: a.Mtime, Nsec: a.Mtimensec}
	out.Ctime, out.Atime = out.Mtime, out.Mtime
	if st != nil {
		born := time.UnixMilli(st.Ctime)
		out.Mask |= statxBirth
		out.Btime = fuse.SxTime{Sec: uint64(born.Unix()), Nsec: uint32(born.Nanosecond())}
	}
	return 0
}
