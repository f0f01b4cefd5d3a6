package fs

import (
	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// What the kernel can ask for. Deliberately missing, with what callers get:
//
//	Link, Symlink           EPERM, in raw: znodes have one name and no such type
//	CopyFileRange           ENOSYS, in raw: the kernel copies by itself, and does not ask again
//	Tmpfile                 EOPNOTSUPP: programs fall back to a name
//	Access                  never asked: default_permissions lets the kernel check the mode bits
//	Ioctl, poll             ENOTTY, and always ready: answered by go-fuse
//	Lseek                   SEEK_DATA and SEEK_HOLE: answered by go-fuse and raw, a file is one piece of data
var (
	_ fuse.RawFileSystem = (*raw)(nil)

	_ fusefs.NodeGetattrer      = (*dir)(nil)
	_ fusefs.NodeSetattrer      = (*dir)(nil)
	_ fusefs.NodeLookuper       = (*dir)(nil)
	_ fusefs.NodeStatxer        = (*dir)(nil)
	_ fusefs.NodeOpendirHandler = (*dir)(nil)
	_ fusefs.NodeMkdirer        = (*dir)(nil)
	_ fusefs.NodeRmdirer        = (*dir)(nil)
	_ fusefs.NodeUnlinker       = (*dir)(nil)
	_ fusefs.NodeCreater        = (*dir)(nil)
	_ fusefs.NodeMknoder        = (*dir)(nil)
	_ fusefs.NodeRenamer        = (*dir)(nil)
	_ fusefs.NodeStatfser       = (*dir)(nil)
	_ fusefs.NodeOnForgetter    = (*dir)(nil)
	_ fusefs.NodeGetxattrer     = (*dir)(nil)
	_ fusefs.NodeListxattrer    = (*dir)(nil)
	_ fusefs.NodeSetxattrer     = (*dir)(nil)
	_ fusefs.NodeRemovexattrer  = (*dir)(nil)

	_ fusefs.FileReaddirenter = (*listing)(nil)
	_ fusefs.FileLookuper     = (*listing)(nil)
	_ fusefs.FileSeekdirer    = (*listing)(nil)
	_ fusefs.FileFsyncdirer   = (*listing)(nil)

	_ fusefs.NodeGetattrer     = (*file)(nil)
	_ fusefs.NodeSetattrer     = (*file)(nil)
	_ fusefs.NodeOpener        = (*file)(nil)
	_ fusefs.NodeStatxer       = (*file)(nil)
	_ fusefs.NodeGetlker       = (*file)(nil)
	_ fusefs.NodeSetlker       = (*file)(nil)
	_ fusefs.NodeSetlkwer      = (*file)(nil)
	_ fusefs.NodeStatfser      = (*file)(nil)
	_ fusefs.NodeOnForgetter   = (*file)(nil)
	_ fusefs.NodeGetxattrer    = (*file)(nil)
	_ fusefs.NodeListxattrer   = (*file)(nil)
	_ fusefs.NodeSetxattrer    = (*file)(nil)
	_ fusefs.NodeRemovexattrer = (*file)(nil)

	_ fusefs.FileReader    = (*handle)(nil)
	_ fusefs.FileWriter    = (*handle)(nil)
	_ fusefs.FileFlusher   = (*handle)(nil)
	_ fusefs.FileFsyncer   = (*handle)(nil)
	_ fusefs.FileReleaser  = (*handle)(nil)
	_ fusefs.FileAllocater = (*handle)(nil)

	_ fusefs.NodeGetattrer = (*status)(nil)
	_ fusefs.NodeOpener    = (*status)(nil)
	_ fusefs.FileReader    = report(nil)
)
