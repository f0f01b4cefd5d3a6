// Package calls is what is known of the system calls of programs: which program makes one, how long
// it waits for the servers, and what signals make of that.
package calls

import (
	"bytes"
	"context"
	"os"
	"strconv"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// Caller returns the thread that made the system call, or 0 if it lives where this process can
// not see it.
func Caller(ctx context.Context) uint32 {
	if caller, ok := fuse.FromContext(ctx); ok {
		return caller.Pid
	}
	return 0
}

// Process returns the process of a thread. The kernel names the thread (kernel fact 16).
func Process(thread uint32) uint32 {
	if thread == 0 || leads(thread) { // most programs have one thread
		return thread
	}
	status, err := os.ReadFile("/proc/" + strconv.FormatUint(uint64(thread), 10) + "/status")
	if err != nil {
		return thread
	}
	_, rest, ok := bytes.Cut(status, []byte("\nTgid:"))
	if !ok {
		return thread
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	process, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 10, 32)
	if err != nil {
		return thread
	}
	return uint32(process)
}

// IsForCache reports whether a READ fills pages of the kernel, which are all programs'.
func IsForCache(ctx context.Context) bool {
	caller, ok := fuse.FromContext(ctx)
	return ok && caller.Uid&fuse.READ_LOCKOWNER == 0
}

// IsAppending reports whether a WRITE comes by a descriptor that has O_APPEND now. fcntl(2) may
// have taken it away. A page of a mapping goes to its place, whatever the descriptor has (kernel
// fact 29).
func IsAppending(ctx context.Context) bool {
	caller, ok := fuse.FromContext(ctx)
	return ok && caller.Uid&syscall.O_APPEND != 0
}

// LockOwner returns the owner of the fcntl(2) locks that a FLUSH ends.
func LockOwner(ctx context.Context) uint64 {
	if caller, ok := fuse.FromContext(ctx); ok {
		return uint64(caller.Uid) | uint64(caller.Gid)<<32
	}
	return 0
}
