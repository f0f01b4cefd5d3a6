package poke

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Handle is an inode as the kernel names it in /proc: the number by which it asks for it, and the
// lower half of its generation.
type Handle struct {
	Node       uint64
	Generation uint32
}

// Watched is what programs watch of a mount.
type Watched struct {
	All     bool // a program watches the whole mount, by fanotify
	Inodes  map[Handle]bool
	Unseen  int  // processes of other users, of which this one cannot see what they watch
	Partial bool // processes outside this PID namespace can not be seen
}

// add reads the watches of one descriptor (proc_pid_fdinfo(5)).
func (w *Watched) add(text []byte, m Mount) {
	device := fmt.Sprintf("sdev:%x", uint64(m.Major)<<20|uint64(m.Minor))
	for line := range bytes.Lines(text) {
		if !bytes.Contains(line, []byte(device)) && !bytes.Contains(line, []byte("mnt_id:")) {
			continue // a watch of another file system: there may be 100,000s of them
		}
		words := strings.Fields(string(line))
		if len(words) == 0 || words[0] != "inotify" && words[0] != "fanotify" {
			continue
		}
		fields := map[string]string{}
		for _, word := range words[1:] {
			key, value, _ := strings.Cut(word, ":")
			fields[key] = value
		}
		ofMount := fields["mnt_id"] != "" && isNumber(fields["mnt_id"], m.ID)
		ofDevice := "sdev:"+fields["sdev"] == device
		handle, isInode := parseHandle(fields)
		switch {
		case ofDevice && isInode:
			w.Inodes[handle] = true
		case ofDevice || ofMount: // an inode without its handle counts too: the kernel was built without
			w.All = true
		}
	}
}

// isNumber reports whether text is n; newer kernels write it in hexadecimal.
func isNumber(text string, n uint64) bool {
	hexadecimal, err := strconv.ParseUint(text, 16, 64)
	decimal, err2 := strconv.ParseUint(text, 10, 64)
	return err == nil && hexadecimal == n || err2 == nil && decimal == n
}

// parseHandle reads the handle of an inode on a FUSE mount: three words of the processor, the halves
// of its number and its generation (fuse_encode_fh, fs/fuse/inode.c).
func parseHandle(fields map[string]string) (h Handle, ok bool) {
	raw, err := hex.DecodeString(fields["f_handle"])
	if err != nil || len(raw) < 12 {
		return h, false
	}
	word := func(i int) uint32 { return binary.NativeEndian.Uint32(raw[4*i:]) }
	return Handle{Node: uint64(word(0))<<32 | uint64(word(1)), Generation: word(2)}, true
}
