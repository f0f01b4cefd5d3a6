package fs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// agentPageCall makes a call that reads a file in another way than by read(2), or by another name.
func agentPageCall(files map[string]*os.File, call string, args []string) (value string, err error, ok bool) {
	switch call {
	case "reopen": // NEW ID FLAG+FLAG..., by what the process calls the descriptor
		f, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", agentFd(files[args[1]])), openFlags(args[2]), 0)
		files[args[0]] = f
		return "", err, true
	case "map": // ID LENGTH
		n, _ := strconv.Atoi(args[1])
		b, err := unix.Mmap(int(files[args[0]].Fd()), 0, n, unix.PROT_READ, unix.MAP_SHARED)
		if err != nil {
			return "", err, true
		}
		agentMaps[args[0]] = b
		return "", nil, true
	case "mapped": // ID OFFSET LENGTH, of what map has mapped
		off, _ := strconv.Atoi(args[1])
		n, _ := strconv.Atoi(args[2])
		return runs(agentMaps[args[0]][off : off+n]), nil, true
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
		return runs(data), err, true
	}
	return "", nil, false
}

var agentMaps = map[string][]byte{}

// runs describes data: "3*a 2*b" is "aaabb".
func runs(data []byte) string {
	var words []string
	for i := 0; i < len(data); {
		n := 1
		for i+n < len(data) && data[i+n] == data[i] {
			n++
		}
		words = append(words, fmt.Sprintf("%d*%s", n, strings.Trim(strconv.Quote(string(data[i])), `"`)))
		i += n
	}
	return strings.Join(words, " ")
}

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

// text returns n bytes of which every piece names their owner.
func text(n int, of string) string { return strings.Repeat(of, n/len(of)+1)[:n] }

// A program that has a file open keeps it, whatever takes its place: however large it is, however
// it is open, whatever client removes it, and however the mount learns of it.
func TestOpenFileIsKept(t *testing.T) {
	t.Parallel()
	ends := []struct {
		name string
		by   func(w *world)
		kept bool // under another name
	}{
		{"rm and create", func(w *world) {
			w.want("ok", "unlink", "f")
			w.want("ok", "put", "f", "NEW")
		}, false},
		{"rm and create of O_EXCL", func(w *world) {
			w.want("ok", "unlink", "f")
			w.want("ok", "create", "f", "NEW")
		}, false},
		{"rename over it", func(w *world) {
			w.want("ok", "put", "t", "NEW")
			w.want("ok", "rename", "t", "f")
		}, false},
		{"save of an editor", func(w *world) {
			w.want("ok", "put", "f~", "NEW")
			w.want("ok", "rename", "f~", "f")
		}, false},
		{"exchange", func(w *world) {
			w.want("ok", "put", "t", "NEW")
			w.want("ok", "rename2", "t", "f", "exchange")
		}, true},
		{"rename away", func(w *world) {
			w.want("ok", "rename", "f", "t")
			w.want("ok", "put", "f", "NEW")
		}, true},
		{"rename of its directory", func(w *world) {
			w.want("ok", "rename", "../d", "../e")
			w.want("ok", "mkdir", "../d")
			w.want("ok", "put", "../d/f", "NEW")
			w.want("ok", "chdir", "../d")
		}, true},
		{"others", func(w *world) {
			w.remove("/d/f")
			w.create("/d/f", "NEW")
		}, false},
		{"others, as a directory", func(w *world) {
			w.remove("/d/f")
			w.create("/d/f", "")
			w.create("/d/f/sub", "")
		}, false},
	}
	for _, mode := range []WatchMode{WatchTree, WatchNode, WatchOff} {
		for _, end := range ends {
			t.Run(mode.String()+" "+end.name, func(t *testing.T) {
				w := newWorld(t, Options{Watch: mode, MaxAge: 20 * time.Millisecond, write: maxWrite})
				w.want("ok", "mkdir", "d")
				w.want("ok", "chdir", "d")
				sizes := []int{0, 1, 4096, oneRead, oneRead + 1, 1_000_000}
				if end.name == "rename of its directory" {
					sizes = sizes[:5] // which must fit in one transaction
				}
				for i, size := range sizes {
					w.keeps(size, end.by, end.kept)
					w.want("ok", "chdir", w.dir)
					w.removeAll("/d")
					w.removeAll("/e")
					w.eventually("ENOENT", "stat", "d")
					if i < len(sizes)-1 {
						w.want("ok", "mkdir", "d")
						w.want("ok", "chdir", "d")
					}
				}
			})
		}
	}
}

// removeAll removes a subtree as another client, if it is there.
func (w *world) removeAll(path string) {
	w.t.Helper()
	list, _, err := w.other.Children(path)
	if err != nil {
		return
	}
	for _, name := range list {
		w.removeAll(path + "/" + name)
	}
	w.remove(path)
}

// keeps opens the file f of the size in several ways, lets it be replaced, and fails the test
// unless what is open is what it was.
func (w *world) keeps(size int, replace func(w *world), kept bool) {
	w.t.Helper()
	old := text(size, "old ")
	w.create("/d/f", "x")
	w.set("/d/f", old) // or it would be a directory
	w.eventually(fmt.Sprintf("ok file 0644 size=%d nlink=1", size), "stat", "f")
	ways := []string{"r", "rw", "r+direct", "rw+direct", "w"}
	for _, flags := range ways {
		w.want("ok", "open", flags, "f", flags)
	}
	if size > 0 {
		w.want("ok", "open", "map", "f", "r")
		w.want("ok", "map", "map", fmt.Sprint(size))
	}
	replace(w)
	n := min(size, 3)
	tail := fmt.Sprint(size - n)
	links := 0
	if kept {
		links = 1
	}
	for range 2 {
		for _, flags := range ways {
			w.eventually(fmt.Sprintf("ok size=%d nlink=%d", size, links), "fstat", flags)
			if flags == "w" {
				continue
			}
			w.want(fmt.Sprintf("ok %q", old[:n]), "pread", flags, "0", fmt.Sprint(n))
			w.want(fmt.Sprintf("ok %q", old[size-n:]), "pread", flags, tail, "100")
			w.want(strings.TrimSpace("ok "+runs([]byte(old[:n]))), "sendfile", flags, "0", fmt.Sprint(n))
			if !kept {
				w.want("ok", "reopen", "again", flags, "r")
				w.want(fmt.Sprintf("ok %q", old[:n]), "pread", "again", "0", fmt.Sprint(n))
				w.want(fmt.Sprintf("ok %q", old[size-n:]), "pread", "again", tail, "100")
				w.want("ok", "close", "again")
			}
		}
		if size > 0 {
			w.want("ok "+runs([]byte(old[:n])), "mapped", "map", "0", fmt.Sprint(n))
			w.want("ok "+runs([]byte(old[size-n:])), "mapped", "map", tail, fmt.Sprint(n))
		}
		if _, st, _ := w.other.Exists("/d/f"); st != nil && st.NumChildren > 0 {
			w.eventually("ok sub", "ls", "f")
		} else {
			w.eventually(`ok "NEW"`, "cat", "f")
		}
		w.fs.ensemble.ForgetAll()
	}
	for _, flags := range ways {
		w.want("ok", "close", flags)
	}
	if size > 0 {
		w.want("ok", "close", "map")
	}
}

// agentFd returns the descriptor of a file, or -1 if it could not be opened.
func agentFd(f *os.File) int {
	if f == nil {
		return -1
	}
	return int(f.Fd())
}
