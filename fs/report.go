package fs

import (
	"context"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// report is the content of a file that is written anew for each open: /.status, and the queue of a
// lock.
type report []byte

// Read implements read(2).
func (r report) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	return fuse.ReadResultData(dest[:copyFrom(dest, r, off)]), 0
}

// copyFrom fills dest with data from off on.
func copyFrom(dest, data []byte, off int64) int {
	if off >= int64(len(data)) {
		return 0
	}
	return copy(dest, data[off:])
}
