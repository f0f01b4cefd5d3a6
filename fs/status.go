package fs

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/zkfs/zkfs/internal/printable"
)

// status is the file /.status: what this mount knows, and what the servers say. It is written anew for each open.
type status struct {
	fusefs.Inode
	fs *FS
}

// statusTimeout bounds how long the servers are waited for: the file must be there when nothing else is.
const statusTimeout = 2 * time.Second

// newStatus makes the inode of /.status, which lives as long as the mount.
func (f *FS) newStatus() *fusefs.Inode {
	f.nodes.mu.Lock()
	defer f.nodes.mu.Unlock()
	return f.root.NewPersistentInode(context.Background(), &status{fs: f}, f.nodes.identity("/\x00"+nameStatus))
}

func (f *FS) lookupStatus(out *fuse.EntryOut) *fusefs.Inode {
	f.statusAttr(&out.Attr)
	out.SetEntryTimeout(f.o.MaxAge)
	return f.status
}

func (f *FS) statusAttr(out *fuse.Attr) {
	out.Mode = fuse.S_IFREG | 0o444&^f.o.Umask
	out.Nlink = 1
	out.Uid, out.Gid = f.o.UID, f.o.GID
	out.Blksize = f.o.blockSize()
	now := time.Now()
	out.SetTimes(&now, &now, &now)
}

// Getattr implements stat(2). The size is not known before the file is opened.
func (s *status) Getattr(ctx context.Context, _ fusefs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	s.fs.statusAttr(&out.Attr)
	return 0
}

// Open writes the report.
func (s *status) Open(ctx context.Context, flags uint32) (fusefs.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY {
		return nil, 0, syscall.EACCES
	}
	var b bytes.Buffer
	s.fs.report(&b)
	if len(s.fs.o.Servers) > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), statusTimeout)
		defer cancel()
		var words strings.Builder
		s.fs.o.Words.Report(ctx, &words, s.fs.o.Servers) // into memory
		b.WriteString("\n" + printable.Lines(words.String()))
	}
	return report(b.Bytes()), fuse.FOPEN_DIRECT_IO | fuse.FOPEN_NOFLUSH, 0
}

// report is what an open /.status reads as.
type report []byte

func (r report) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	return fuse.ReadResultData(dest[:copyFrom(dest, r, off)]), 0
}

// report writes what the mount knows by itself.
func (f *FS) report(b *bytes.Buffer) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(b, "%-16s %s\n", name, printable.Line(fmt.Sprintf(format, args...)))
	}
	n := f.ensemble.Numbers()
	lost, last := f.failures.list()
	line("source", "%s", f.o.FsName)
	line("servers", "%s", strings.Join(f.o.Servers, ","))
	line("connected", "%s", f.ensemble.Server())
	line("state", "%v", f.ensemble.State())
	line("session", "%#x", uint64(f.ensemble.SessionID()))
	line("timeout", "%v", f.ensemble.SessionTimeout())
	line("last zxid", "%#x", uint64(f.ensemble.LastZxid()))
	line("mounted since", "%s", f.start.Format(time.RFC3339))
	line("process", "%d", os.Getpid())
	line("cache", "%d znodes, %d bytes", n.Znodes, n.Bytes)
	line("watch", "%v, %d one-shot, %d events", n.Watch, n.Watches, n.Events)
	line("locks held", "%d", f.locks.count())
	leaving := f.locks.leavingLines()
	line("locks leaving", "%d", len(leaving))
	for _, text := range leaving {
		line("", "%s", text)
	}
	line("failed commits", "%d", lost)
	for _, failure := range last {
		line("", "%s %s: %v", failure.when.Format(time.RFC3339), failure.path, failure.err)
	}
}
