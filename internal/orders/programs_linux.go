package orders

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"

	"golang.org/x/sys/unix"
)

// programCall makes a call that only these tests need.
func programCall(files map[string]*os.File, call string, args []string) (string, error) {
	switch call {
	case "room":
		var st unix.Statfs_t
		if err := unix.Statfs(args[0], &st); err != nil {
			return "", err
		}
		free := "not all"
		if st.Bfree == st.Blocks && st.Bavail == st.Blocks && st.Ffree == st.Files && st.Files > 0 {
			free = "all"
		}
		return fmt.Sprintf("%dTiB of %d, %s free", st.Blocks*uint64(st.Frsize)>>40, st.Bsize, free), nil
	case "blksize":
		var st unix.Stat_t
		err := unix.Lstat(args[0], &st)
		return strconv.FormatInt(int64(st.Blksize), 10), err
	case "lseek": // ID data|hole OFFSET
		off, _ := strconv.ParseInt(args[2], 10, 64)
		whence := map[string]int{"data": unix.SEEK_DATA, "hole": unix.SEEK_HOLE}[args[1]]
		off, err := unix.Seek(int(files[args[0]].Fd()), off, whence)
		if err != nil {
			return "", err
		}
		return strconv.FormatInt(off, 10), nil
	case "setxattrflags": // PATH NAME VALUE create|replace
		flags := map[string]int{"create": unix.XATTR_CREATE, "replace": unix.XATTR_REPLACE}
		return "", unix.Lsetxattr(args[0], args[1], []byte(args[2]), flags[args[3]])
	case "catch": // SIGNAL...
		c := make(chan os.Signal, 1)
		for _, name := range args {
			signal.Notify(c, unix.SignalNum("SIG"+name))
		}
		return "", nil
	case "descriptor": // ID: the path that the kernel shows for it
		return os.Readlink(fmt.Sprintf("/proc/self/fd/%d", files[args[0]].Fd()))
	case "exec": // PATH
		return "", unix.Exec(args[0], args, nil)
	case "getflags":
		_, err := unix.IoctlGetInt(int(files[args[0]].Fd()), unix.FS_IOC_GETFLAGS)
		return "", err
	}
	return "", fmt.Errorf("unknown call %q", call)
}
