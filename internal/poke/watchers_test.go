package poke

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
)

var here = Mount{ID: 0x2f, Major: 0, Minor: 0x2e}

// What counts is what watches this mount, by an inode, by its device, or by its place.
func TestWatchesOfADescriptor(t *testing.T) {
	const inode = "ino:2 sdev:2e mask:fff ignored_mask:0 fhandle-bytes:c fhandle-type:81 "
	handle := Handle{Node: 1<<32 | 4, Generation: 3}
	for text, want := range map[string]Watched{
		"pos:\t0\nflags:\t02000000\n": {},
		"inotify wd:1 " + inode + "f_handle:010000000400000003000000\n": {
			Inodes: map[Handle]bool{handle: true},
		},
		"inotify wd:1 ino:2 sdev:2f mask:fff fhandle-bytes:c f_handle:010000000400000003000000\n": {},
		"inotify wd:1 ino:2 sdev:2e mask:fff ignored_mask:0 \n":                                   {All: true},
		"inotify wd:1 " + inode + "f_handle:0100\n":                                               {All: true},
		"fanotify flags:0 event-flags:0\nfanotify mnt_id:2f mflags:0 mask:3b\n":                   {All: true},
		"fanotify mnt_id:30 mflags:0 mask:3b\n":                                                   {},
		"fanotify sdev:2e mflags:0 mask:3b\n":                                                     {All: true},
		"fanotify " + inode + "f_handle:010000000400000003000000\n": {
			Inodes: map[Handle]bool{handle: true},
		},
	} {
		w := Watched{Inodes: map[Handle]bool{}}
		w.add([]byte(text), here)
		if w.All != want.All || !maps.Equal(w.Inodes, want.Inodes) {
			t.Errorf("%q: %+v, want %+v", text, w, want)
		}
	}
}

// Processes are looked at by their descriptors, and what is no process is not.
func TestWatchersInProc(t *testing.T) {
	proc := t.TempDir()
	for _, name := range []string{"1", "7/fd", "7/fdinfo", "self/ns", "8/fd", "net/fd"} {
		if err := os.MkdirAll(filepath.Join(proc, name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"7/fd/3": "anon_inode:inotify", "7/fd/4": "/dev/null", "net/fd/3": "anon_inode:inotify",
		"self/ns/pid": "pid:[4026531999]",
	} {
		if err := os.Symlink(target, filepath.Join(proc, link)); err != nil {
			t.Fatal(err)
		}
	}
	text := "inotify wd:1 ino:2 sdev:2e mask:fff f_handle:000000000400000003000000\n"
	if err := os.WriteFile(filepath.Join(proc, "7/fdinfo/3"), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	w, err := watchersIn(t.Context(), proc, here)
	if err != nil {
		t.Fatal(err)
	}
	if !w.Partial || len(w.Inodes) != 1 || !w.Inodes[Handle{Node: 4, Generation: 3}] || w.Unseen != 0 {
		t.Errorf("%+v", w)
	}
	// Where processes of other users are hidden, the first process is.
	if err := os.Remove(filepath.Join(proc, "1")); err != nil {
		t.Fatal(err)
	}
	if w, err := watchersIn(t.Context(), proc, here); err != nil || w.Unseen != 1 {
		t.Errorf("without process 1: %+v, %v", w, err)
	}
}
