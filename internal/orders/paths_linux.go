package orders

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// pathCall makes a call that names files.
func pathCall(files map[string]*os.File, call string, args []string) (string, error) {
	switch call {
	case "cat":
		data, err := os.ReadFile(args[0])
		return strconv.Quote(string(data)), err
	case "put": // PATH DATA, as a shell does
		return "", os.WriteFile(args[0], []byte(args[1]), 0o666)
	case "create": // PATH DATA
		f, err := os.OpenFile(args[0], os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if err != nil {
			return "", err
		}
		_, err = f.WriteString(args[1])
		return "", errors.Join(err, f.Close())
	case "append": // PATH DATA
		f, err := os.OpenFile(args[0], os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
		if err != nil {
			return "", err
		}
		_, err = f.WriteString(args[1])
		return "", errors.Join(err, f.Close())
	case "ls":
		d, err := os.Open(args[0])
		if err != nil {
			return "", err
		}
		defer d.Close()
		names, err := d.Readdirnames(-1)
		sort.Strings(names)
		return strings.Join(names, " "), err
	case "stat":
		var st unix.Stat_t
		if err := unix.Lstat(args[0], &st); err != nil {
			return "", err
		}
		kind := map[uint32]string{unix.S_IFREG: "file", unix.S_IFDIR: "dir"}[st.Mode&unix.S_IFMT]
		return fmt.Sprintf("%s %04o size=%d nlink=%d", kind, st.Mode&0o7777, st.Size, st.Nlink), nil
	case "modes": // DIRECTORY NAME..., listed and then asked for
		return modes(args[0], args[1:])
	case "access": // PATH r|w|x
		how := map[string]uint32{"r": unix.R_OK, "w": unix.W_OK, "x": unix.X_OK}
		return "", unix.Access(args[0], pick(how, args[1]))
	case "setuid":
		id := int(number(args[0]))
		return "", errors.Join(syscall.Setgroups(nil), syscall.Setgid(id), syscall.Setuid(id))
	case "born": // in milliseconds
		var st unix.Statx_t
		err := unix.Statx(unix.AT_FDCWD, args[0], 0, unix.STATX_BTIME, &st)
		return strconv.FormatInt(st.Btime.Sec*1000+int64(st.Btime.Nsec)/1e6, 10), err
	case "ino":
		var st unix.Stat_t
		err := unix.Lstat(args[0], &st)
		return strconv.FormatUint(st.Ino, 10), err
	case "mkdir":
		return "", unix.Mkdir(args[0], 0o777)
	case "rmdir":
		return "", unix.Rmdir(args[0])
	case "unlink":
		return "", unix.Unlink(args[0])
	case "rename":
		return "", unix.Rename(args[0], args[1])
	case "rename2": // OLD NEW noreplace|exchange|whiteout, joined by +
		how := map[string]uint{
			"noreplace": unix.RENAME_NOREPLACE, "exchange": unix.RENAME_EXCHANGE,
			"whiteout": unix.RENAME_WHITEOUT,
		}
		flags := uint(0)
		for _, name := range strings.Split(args[2], "+") {
			flags |= pick(how, name)
		}
		return "", unix.Renameat2(unix.AT_FDCWD, args[0], unix.AT_FDCWD, args[1], flags)
	case "truncate":
		return "", unix.Truncate(args[0], number(args[1]))
	case "touch":
		return "", unix.UtimesNanoAt(unix.AT_FDCWD, args[0], nil, 0)
	case "chmod":
		mode := uint32(0o600)
		if len(args) > 1 {
			mode = octal(args[1])
		}
		return "", unix.Chmod(args[0], mode)
	case "symlink":
		return "", unix.Symlink(args[0], args[1])
	case "link":
		return "", unix.Link(args[0], args[1])
	case "mkfifo":
		return "", unix.Mkfifo(args[0], 0o666)
	case "getxattr":
		buf := make([]byte, 65536)
		n, err := unix.Lgetxattr(args[0], args[1], buf)
		return string(buf[:max(n, 0)]), err
	case "mknod":
		return "", unix.Mknod(args[0], unix.S_IFREG|0o666, 0)
	case "setxattr":
		return "", unix.Lsetxattr(args[0], args[1], []byte(args[2]), 0)
	case "removexattr":
		return "", unix.Lremovexattr(args[0], args[1])
	case "listxattr":
		buf := make([]byte, 65536)
		n, err := unix.Llistxattr(args[0], buf)
		return strings.ReplaceAll(strings.TrimRight(string(buf[:max(n, 0)]), "\x00"), "\x00", " "), err
	}
	return ruleCall(files, call, args)
}

// modes lists a directory and returns the modes of some of its entries.
func modes(dir string, names []string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var found []string
	for _, e := range entries {
		if !slices.Contains(names, e.Name()) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return "", err
		}
		found = append(found, fmt.Sprintf("%s=%04o", e.Name(), info.Mode().Perm()))
	}
	return strings.Join(found, " "), nil
}
