package poke

import (
	"maps"
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
