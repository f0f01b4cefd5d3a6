package orders

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// marks are what the agent has noted about files, to compare them later.
var marks = map[string]unix.Stat_t{}

// ruleCall makes a call that only the rules need.
func ruleCall(files map[string]*os.File, call string, args []string) (string, error) {
	switch call {
	case "chdir":
		return "", unix.Chdir(args[0])
	case "openmode": // ID PATH FLAG+FLAG... MODE
		mode := octal(args[3])
		opened, err := os.OpenFile(args[1], openFlags(args[2]), os.FileMode(mode))
		files[args[0]] = opened
		return "", err
	case "mkdirmode":
		return "", unix.Mkdir(args[0], octal(args[1]))
	case "settimes": // PATH SECONDS
		s := number(args[1])
		return "", unix.UtimesNanoAt(unix.AT_FDCWD, args[0], []unix.Timespec{{Sec: s}, {Sec: s}}, 0)
	case "mtime":
		var st unix.Stat_t
		err := unix.Lstat(args[0], &st)
		return strconv.FormatInt(st.Mtim.Sec, 10), err
	case "tick": // waits for the next millisecond, the least by which times of znodes differ
		for now := time.Now().UnixMilli(); time.Now().UnixMilli() == now; {
		}
		return "", nil
	case "statfs":
		var st unix.Statfs_t
		if err := unix.Statfs(args[0], &st); err != nil || st.Blocks == 0 || st.Bavail > 0 {
			return "", err
		}
		return "full", nil
	case "efault": // CALL
		return "", efault(args[0])
	case "mark": // ID PATH
		var st unix.Stat_t
		err := unix.Lstat(args[1], &st)
		marks[args[0]] = st
		return "", err
	case "later", "same", "sameino", "fsame":
		return compare(files, call, args)
	}
	return programCall(files, call, args)
}

// compare compares a file with what was noted about it: later|same|sameino ID PATH, fsame ID
// FILE.
func compare(files map[string]*os.File, call string, args []string) (string, error) {
	before, now := pick(marks, args[0]), unix.Stat_t{}
	if call == "fsame" {
		if err := unix.Fstat(int(files[args[1]].Fd()), &now); err != nil {
			return "", err
		}
		now.Nlink, now.Ctim = before.Nlink, before.Ctim
		return verdict(now == before, "%+v, before %+v", now, before)
	}
	if err := unix.Lstat(args[1], &now); err != nil {
		return "", err
	}
	switch call {
	case "later":
		return verdict(now.Mtim.Nano() > before.Mtim.Nano() && now.Ctim.Nano() > before.Ctim.Nano(),
			"mtime %v, before %v", now.Mtim, before.Mtim)
	case "same":
		return verdict(now.Mtim == before.Mtim && now.Ctim == before.Ctim,
			"mtime %v, before %v", now.Mtim, before.Mtim)
	default:
		return verdict(now.Ino == before.Ino, "number %d, before %d", now.Ino, before.Ino)
	}
}

// verdict is the answer to a comparison.
func verdict(ok bool, format string, args ...any) (string, error) {
	if ok {
		return "", nil
	}
	return fmt.Sprintf(format, args...), nil
}

// efault makes a call with the name of a file that lies nowhere in the memory of the process.
func efault(call string) error {
	const nowhere = 1
	number := pick(map[string]uintptr{
		"open": unix.SYS_OPENAT, "unlink": unix.SYS_UNLINKAT, "mkdir": unix.SYS_MKDIRAT,
		"rmdir": unix.SYS_UNLINKAT, "rename": unix.SYS_RENAMEAT2, "truncate": unix.SYS_TRUNCATE,
	}, call)
	cwd := unix.AT_FDCWD
	var errno syscall.Errno
	switch call {
	case "truncate":
		_, _, errno = unix.Syscall(number, nowhere, 0, 0)
	case "rename":
		_, _, errno = unix.Syscall6(number, uintptr(cwd), nowhere, uintptr(cwd), nowhere, 0, 0)
	case "rmdir":
		_, _, errno = unix.Syscall(number, uintptr(cwd), nowhere, unix.AT_REMOVEDIR)
	default:
		_, _, errno = unix.Syscall(number, uintptr(cwd), nowhere, 0)
	}
	return errno
}
