package fs

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// What only Linux has, or has under a name of its own. system_other.go is its counterpart.
const (
	kernelDropsPrivileges = fuse.CAP_HANDLE_KILLPRIV_V2 // the kernel takes set-user-id away, and does not ask for it
	readOnlyMount         = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_RDONLY

	openDSync  = syscall.O_DSYNC
	openDirect = syscall.O_DIRECT

	renameNoReplace = unix.RENAME_NOREPLACE
	renameExchange  = unix.RENAME_EXCHANGE

	xattrCreate  = unix.XATTR_CREATE
	xattrReplace = unix.XATTR_REPLACE
	seekHole     = unix.SEEK_HOLE

	statxBasic = unix.STATX_BASIC_STATS
	statxBirth = unix.STATX_BTIME
)

// apart calls f on a thread that shares no descriptor with the rest of the process. A thread that
// waits for an answer of its own process would else keep the mount's device open when that is
// killed: the kernel ends the connection when the last thread is gone (kernel fact 51), and this
// one would wait for it, whatever signal comes (kernel fact 52).
func apart(f func() error) error {
	done := make(chan error)
	go func() { // ends with f, and its thread, which stays locked, with it
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() { // the runtime does not let the first thread end
			defer runtime.UnlockOSThread()
			done <- apart(f)
			return
		}
		if unix.Unshare(unix.CLONE_FILES) == nil { // else the companion of the process has to help
			closeShared()
		}
		done <- f()
	}()
	return <-done
}

// closeShared closes all descriptors of the calling thread but those by which the runtime polls.
func closeShared() {
	const folder = "/proc/thread-self/fd/"
	entries, _ := os.ReadDir(folder)
	for _, entry := range entries {
		target, err := os.Readlink(folder + entry.Name())
		if fd, _ := strconv.Atoi(entry.Name()); err == nil && !strings.HasPrefix(target, "anon_inode:") {
			unix.Close(fd)
		}
	}
}

// ending returns a channel that is closed when a process has ended. stop must be called when
// nothing waits for that any more.
func ending(process uint32) (ended <-chan struct{}, stop func(), err error) {
	fd, err := unix.PidfdOpen(int(process), unix.PIDFD_NONBLOCK)
	if err != nil {
		return nil, nil, err
	}
	file := os.NewFile(uintptr(fd), "pidfd")
	raw, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	done := make(chan struct{})
	go func() { // ends with the process, or with stop
		tries := 0
		if raw.Read(func(uintptr) bool { tries++; return tries > 1 }) == nil { // it can be read when the process has ended
			close(done)
		}
	}()
	return done, func() { file.Close() }, nil
}

// closeOnExec keeps descriptors of the file called name from programs that this one starts. go-fuse
// opens its device without that. A program that lives longer would keep the connection of a mount
// alive when its process is gone (kernel fact 51).
func closeOnExec(name string) {
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, entry := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil && target == name {
			if fd, err := strconv.Atoi(entry.Name()); err == nil {
				unix.CloseOnExec(fd)
			}
		}
	}
}

// unmountLazily takes a mount point away from under the processes that use it.
func unmountLazily(point string) error { return unix.Unmount(point, unix.MNT_DETACH) }
