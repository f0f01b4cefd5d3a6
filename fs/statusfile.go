package fs

import (
	"bytes"
	"context"
	"strings"
	"syscall"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/zkfs/zkfs/internal/printable"
)

// status is the file /.status: what this mount knows, and what the servers say. It is written anew
// for each open.
type status struct {
	fusefs.Inode
	o     *Options
	write func(*bytes.Buffer) // what the mount knows by itself
}

// statusTimeout bounds how long the servers are waited for: the file must be there when nothing
// else is.
const statusTimeout = 2 * time.Second

// entry fills out for a look-up of the file.
func (s *status) entry(out *fuse.EntryOut) *fusefs.Inode {
	s.attr(&out.Attr)
	out.SetEntryTimeout(s.o.MaxAge)
	return &s.Inode
}

func (s *status) attr(out *fuse.Attr) {
	out.Mode = fuse.S_IFREG | 0o444&^s.o.Umask
	out.Nlink = 1
	out.Uid, out.Gid = s.o.UID, s.o.GID
	out.Blksize = s.o.blockSize()
	now := time.Now()
	out.SetTimes(&now, &now, &now)
}

// Getattr implements stat(2). The size is not known before the file is opened.
func (s *status) Getattr(ctx context.Context, _ fusefs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	s.attr(&out.Attr)
	return 0
}

// Open writes the report.
func (s *status) Open(ctx context.Context, flags uint32) (fusefs.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY {
		return nil, 0, syscall.EACCES
	}
	var b bytes.Buffer
	s.write(&b)
	if len(s.o.Servers) > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), statusTimeout)
		defer cancel()
		var words strings.Builder
		s.o.Words.Report(ctx, &words, s.o.Servers) // into memory
		b.WriteString("\n" + printable.Lines(words.String()))
	}
	return report(b.Bytes()), fuse.FOPEN_DIRECT_IO | fuse.FOPEN_NOFLUSH, 0
}
