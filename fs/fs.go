package fs

import (
	"context"
	"log/slog"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/zkfs/zkfs/internal/acls"
	"github.com/zkfs/zkfs/internal/calls"
	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/errno"
	"github.com/zkfs/zkfs/internal/names"
)

// FS is a mounted ensemble. The order of its locks, and its goroutines, stand in concurrency.go.
type FS struct {
	// immutable after Mount
	o          Options
	ensemble   *ensemble.Ensemble
	limits     calls.Limits
	kinds      names.Kinds
	acls       acls.Policy
	notify     *notifier
	server     *fuse.Server
	mountpoint string // absolute
	root       *dir
	nodes      *nodes
	status     *status
	log        *slog.Logger
	start      time.Time

	operations operations
	pokes      *pokes // nil: programs are not told of changes by others
	announced  announced
	failures   failures
	locks      locks
	lookers    lookers
	scratch    scratchBytes
	impossible atomic.Int64 // counts the events that no life of a node has; see life.Table
	renaming   atomic.Int32 // renames under way: what is missing may be on its way to another path
}

// errno returns the error number of err for the system call op on path, and logs what no table
// foresaw.
func (f *FS) errno(op, path string, err error) syscall.Errno {
	errno := errno.Of(err)
	if errno == syscall.EIO {
		f.log.Error(op, "path", path, "err", err)
	}
	return errno
}

// mayChange returns errno.ErrReadOnly if nothing may be changed through this mount.
func (f *FS) mayChange() error {
	if f.o.ReadOnly {
		return errno.ErrReadOnly
	}
	return nil
}

// tellTime is how long a request that changes what a file looks like waits until the kernel has
// been told. The kernel holds the lock of the file meanwhile, and a process that unlinks the file
// holds that of the directory and waits for this one (kernel fact 11): so the wait must end.
const tellTime = time.Second

// showChange lets the next stat(2) of the files of a znode show what this request changed.
func (f *FS) showChange(ctx context.Context, path string, what ensemble.News) {
	f.ensemble.AskAnew(path)
	f.notify.tell(path, what)
	ctx, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	_ = f.notify.settle(ctx) // an error is only that it took too long
}
