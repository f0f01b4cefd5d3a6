package orders

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// pageCall makes a call that reads a file in another way than by read(2), or by another name.
func pageCall(
	files map[string]*os.File, call string, args []string,
) (value string, err error, ok bool) {
	switch call {
	case "reopen": // NEW ID FLAG+FLAG..., by what the process calls the descriptor
		name := fmt.Sprintf("/proc/self/fd/%d", descriptor(files[args[1]]))
		f, err := os.OpenFile(name, openFlags(args[2]), 0)
		files[args[0]] = f
		return "", err, true
	case "map": // ID LENGTH
		n, _ := strconv.Atoi(args[1])
		b, err := unix.Mmap(int(files[args[0]].Fd()), 0, n, unix.PROT_READ, unix.MAP_SHARED)
		if err != nil {
			return "", err, true
		}
		maps[args[0]] = b
		return "", nil, true
	case "mapped": // ID OFFSET LENGTH, of what map has mapped
		off, _ := strconv.Atoi(args[1])
		n, _ := strconv.Atoi(args[2])
		return RunLengths(maps[args[0]][off : off+n]), nil, true
	case "mapwrite": // ID LENGTH OFFSET DATA, which a page that is mapped takes to the file
		n, _ := strconv.Atoi(args[1])
		off, _ := strconv.Atoi(args[2])
		b, err := unix.Mmap(
			int(files[args[0]].Fd()), 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED,
		)
		if err != nil {
			return "", err, true
		}
		copy(b[off:], args[3])
		return "", errors.Join(unix.Msync(b, unix.MS_SYNC), unix.Munmap(b)), true
	case "setfl": // ID append|none
		flags := map[string]int{"append": unix.O_APPEND, "none": 0}
		_, err := unix.FcntlInt(files[args[0]].Fd(), unix.F_SETFL, pick(flags, args[1]))
		return "", err, true
	case "sendfile", "splice": // ID OFFSET LENGTH
		off, _ := strconv.ParseInt(args[1], 10, 64)
		n, _ := strconv.Atoi(args[2])
		data, err := pipeOut(files[args[0]], call, off, n)
		return RunLengths(data), err, true
	}
	return "", nil, false
}

var maps = map[string][]byte{}

// pipeOut reads up to n bytes of a file without read(2), by one call if a pipe holds them.
func pipeOut(f *os.File, call string, off int64, n int) ([]byte, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	done := make(chan []byte)
	go func() { // ends with the pipe
		data, _ := io.ReadAll(r)
		done <- data
	}()
	for whole := n > 1<<16; n > 0 && err == nil; {
		var sent int
		if call == "splice" {
			var got int64
			got, err = unix.Splice(int(f.Fd()), &off, int(w.Fd()), nil, n, 0)
			sent = int(got)
		} else {
			sent, err = unix.Sendfile(int(w.Fd()), int(f.Fd()), &off, n)
		}
		if n -= sent; sent == 0 || !whole {
			break
		}
	}
	err = errors.Join(err, w.Close())
	return <-done, err
}

// descriptor returns the descriptor of a file, or -1 if it could not be opened.
func descriptor(f *os.File) int {
	if f == nil {
		return -1
	}
	return int(f.Fd())
}
