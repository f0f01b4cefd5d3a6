package fs

import (
	"os"
	"strconv"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// What only Linux has, or has under a name of its own. system_other.go is its counterpart.
const (
	kernelDropsPrivileges = fuse.CAP_HANDLE_KILLPRIV_V2 // the kernel takes set-user-id away, and does not ask for it
	readOnlyMount         = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_RDONLY

	openDSync = syscall.O_DSYNC

	renameNoReplace = unix.RENAME_NOREPLACE
	renameExchange  = unix.RENAME_EXCHANGE

	statxBasic = unix.STATX_BASIC_STATS
	statxBirth = unix.STATX_BTIME
)

// leads reports whether a thread certainly is the first of its process, whose number it then has. It is asked for with no signal at
// all, which costs one system call.
func leads(thread uint32) bool {
	err := unix.Tgkill(int(thread), int(thread), 0)
	return err == nil || err == unix.EPERM
}

// closeOnExec keeps descriptors of the file called name from programs that this one starts. go-fuse opens its device without that;
// a program that lives longer would keep the connection of a mount alive whose process is gone.
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

// unmountLazily takes a mount point away from under whoever uses it.
func unmountLazily(point string) error { return unix.Unmount(point, unix.MNT_DETACH) }
