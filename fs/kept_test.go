package fs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/zkfs/zkfs/internal/orders"
)

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
			w.want(strings.TrimSpace("ok "+orders.RunLengths([]byte(old[:n]))), "sendfile", flags, "0", fmt.Sprint(n))
			if !kept {
				w.want("ok", "reopen", "again", flags, "r")
				w.want(fmt.Sprintf("ok %q", old[:n]), "pread", "again", "0", fmt.Sprint(n))
				w.want(fmt.Sprintf("ok %q", old[size-n:]), "pread", "again", tail, "100")
				w.want("ok", "close", "again")
			}
		}
		if size > 0 {
			w.want("ok "+orders.RunLengths([]byte(old[:n])), "mapped", "map", "0", fmt.Sprint(n))
			w.want("ok "+orders.RunLengths([]byte(old[size-n:])), "mapped", "map", tail, fmt.Sprint(n))
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
