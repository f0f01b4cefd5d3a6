package fs

import (
	"context"
	"fmt"
	"testing"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"

	"github.com/zkfs/zkfs/flw"
)

// inodes returns how many inodes go-fuse holds for the kernel.
func inodes(inode *fusefs.Inode) int {
	n := 1
	if inode.IsDir() {
		for _, child := range inode.Children() {
			n += inodes(child)
		}
	}
	return n
}

// watching returns how many watches the server has.
func (w *world) watching() int {
	w.t.Helper()
	text, err := flw.Ask(context.Background(), w.server.Addr(), "wchs")
	if err != nil {
		w.t.Fatal(err)
	}
	wchs, err := flw.ParseWchs(text)
	if err != nil {
		w.t.Fatal(err)
	}
	return int(wchs.Watches)
}

// until waits for a condition that a goroutine of the mount brings about.
func (w *world) until(what func() (got, limit int), text string) {
	w.t.Helper()
	for deadline := time.Now().Add(hang); ; {
		got, limit := what()
		if got <= limit {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%s: %d, want %d or less", text, got, limit)
		}
		w.do("stat", ".") // gives the mount time
	}
}

// A mount with a small cache that has seen many znodes knows few, as does the kernel, and the server watches few. What it sees is true.
func TestEviction(t *testing.T) {
	const dirs, files, room = 20, 25, 60
	for _, kernel := range []struct {
		name       string
		lacksPrune bool
	}{{"", false}, {"-before-6.18", true}} {
		for _, mode := range []WatchMode{WatchTree, WatchNode} {
			t.Run(mode.String()+kernel.name, func(t *testing.T) {
				w := newWorld(t, Options{Watch: mode, CacheSize: room * 890})
				w.fs.notify.lacksPrune = kernel.lacksPrune // before there is anything to forget
				for d := range dirs {
					w.create(fmt.Sprintf("/d%d", d), "")
					for f := range files {
						w.create(fmt.Sprintf("/d%d/f%d", d, f), "one")
					}
				}
				w.want("ok", "open", "1", "d0/f0", "r")
				w.want(`ok "one"`, "pread", "1", "0", "9")
				for d := range dirs {
					w.do("ls", fmt.Sprintf("d%d", d))
					w.want("ENOENT", "stat", fmt.Sprintf("d%d/none", d))
					for f := range files {
						w.want("ok file 0644 size=3 nlink=1", "stat", fmt.Sprintf("d%d/f%d", d, f))
					}
				}
				limit := 2 * room
				if kernel.lacksPrune {
					limit += dirs
				}
				w.until(func() (int, int) { return inodes(&w.fs.root.Inode), limit }, "inodes")
				w.until(func() (int, int) {
					return w.fs.Stats().CachedZnodes, limit
				}, "entries")
				w.until(func() (int, int) {
					return w.fs.Stats().CachedBytes, w.fs.o.CacheSize
				}, "bytes")
				w.until(func() (int, int) { return w.watching(), 1 + 2*limit }, "watches of the server")
				w.until(func() (int, int) {
					return w.fs.Stats().Watches, 2 * limit
				}, "watches of the mount")

				asked := w.fs.Stats().Operations["GETATTR"].Count
				w.want("ok size=3 nlink=1", "fstat", "1")
				if mode == WatchNode && w.fs.Stats().Operations["GETATTR"].Count == asked {
					t.Error("the kernel trusts what it knows of a file that nothing watches")
				}
				w.set("/d0/f0", "another")
				w.eventually(`ok "another"`, "pread", "1", "0", "9")
				w.set("/d1/f1", "two")
				w.eventually(`ok "two"`, "cat", "d1/f1")
				w.set("/d1/f1", "three")
				w.eventually(`ok "three"`, "cat", "d1/f1")
				w.create("/d2/none", "now")
				w.eventually(`ok "now"`, "cat", "d2/none")
				w.remove("/d3/f3")
				w.eventually("ENOENT", "stat", "d3/f3")
			})
		}
	}
}
