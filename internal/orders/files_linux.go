package orders

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"sort"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

var flagsByName = map[string]int{
	"r": os.O_RDONLY, "w": os.O_WRONLY, "rw": os.O_RDWR,
	"creat": os.O_CREATE, "excl": os.O_EXCL, "trunc": os.O_TRUNC, "append": os.O_APPEND,
	"directory": unix.O_DIRECTORY, "nofollow": unix.O_NOFOLLOW, "nonblock": unix.O_NONBLOCK,
	"sync": unix.O_SYNC, "direct": unix.O_DIRECT,
}

// openFlags reads FLAG+FLAG...
func openFlags(names string) (flags int) {
	for _, name := range strings.Split(names, "+") {
		flags |= pick(flagsByName, name)
	}
	return flags
}

// fileCall makes one call. Files are named by the second word of open.
func fileCall(files map[string]*os.File, call string, args []string) (string, error) {
	var f *os.File
	if len(args) > 0 {
		f = files[args[0]]
	}
	switch call {
	case "open": // ID PATH FLAG+FLAG...
		opened, err := os.OpenFile(args[1], openFlags(args[2]), 0o666)
		files[args[0]] = opened
		return "", err
	case "write":
		_, err := f.WriteString(args[1])
		return "", err
	case "fill": // ID BYTES
		_, err := f.Write(make([]byte, number(args[1])))
		return "", err
	case "read":
		data, err := io.ReadAll(f)
		return strconv.Quote(string(data)), err
	case "pread": // ID OFFSET LENGTH
		buf := make([]byte, number(args[2]))
		n, err := f.ReadAt(buf, number(args[1]))
		if err == io.EOF {
			err = nil
		}
		return strconv.Quote(string(buf[:n])), err
	case "seek":
		_, err := f.Seek(number(args[1]), io.SeekStart)
		return "", err
	case "ftruncate":
		return "", f.Truncate(number(args[1]))
	case "fsync":
		return "", f.Sync()
	case "fstat":
		info, err := f.Stat()
		if err != nil {
			return "", err
		}
		st := info.Sys().(*syscall.Stat_t)
		return fmt.Sprintf("size=%d nlink=%d", st.Size, st.Nlink), nil
	case "readdir": // of an open directory
		names, err := f.Readdirnames(-1)
		sort.Strings(names)
		return strings.Join(names, " "), err
	case "close":
		return "", f.Close()
	case "dupclose": // what a shell does before it writes
		fd, err := unix.Dup(int(f.Fd()))
		if err != nil {
			return "", err
		}
		return "", unix.Close(fd)
	case "flock": // ID sh|ex|un|sh+nb|ex+nb
		how := map[string]int{
			"sh": unix.LOCK_SH, "ex": unix.LOCK_EX, "un": unix.LOCK_UN, "nb": unix.LOCK_NB,
		}
		flags := 0
		for _, name := range strings.Split(args[1], "+") {
			flags |= pick(how, name)
		}
		return "", unix.Flock(int(f.Fd()), flags)
	case "lend": // ID FIFO: to a child that lives until the FIFO is written to
		child := exec.Command("/bin/sh", "-c", `read x < "$1"`, "sh", args[1])
		child.ExtraFiles = []*os.File{f}
		return "", child.Start()
	case "setlk": // ID TYPE START LENGTH
		types := map[string]int16{"r": unix.F_RDLCK, "w": unix.F_WRLCK, "u": unix.F_UNLCK}
		return "", unix.FcntlFlock(f.Fd(), unix.F_SETLK, &unix.Flock_t{
			Type: pick(types, args[1]), Start: number(args[2]), Len: number(args[3]),
		})
	case "setlkw": // ID r|w
		types := map[string]int16{"r": unix.F_RDLCK, "w": unix.F_WRLCK}
		return "", unix.FcntlFlock(f.Fd(), unix.F_SETLKW, &unix.Flock_t{Type: pick(types, args[1])})
	case "getlk": // ID r|w
		types := map[string]int16{"r": unix.F_RDLCK, "w": unix.F_WRLCK}
		lk := unix.Flock_t{Type: pick(types, args[1])}
		err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, &lk)
		names := map[int16]string{unix.F_RDLCK: "r", unix.F_WRLCK: "w", unix.F_UNLCK: "u"}
		return fmt.Sprintf("%s pid=%d", names[lk.Type], lk.Pid), err
	}
	if value, err, ok := pageCall(files, call, args); ok {
		return value, err
	}
	if value, err, ok := watchCall(call, args); ok {
		return value, err
	}
	return pathCall(files, call, args)
}
