package poke

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
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

// initialPIDs is the inode number of the first PID namespace (PROC_PID_INIT_INO, linux/proc_ns.h).
const initialPIDs = "pid:[4026531836]"

// Watchers looks at the descriptors of all processes for what they watch of m. It ends early with
// ctx.
func Watchers(ctx context.Context, m Mount) (Watched, error) { return watchersIn(ctx, "/proc", m) }

func watchersIn(ctx context.Context, proc string, m Mount) (Watched, error) {
	w := Watched{Inodes: map[Handle]bool{}}
	folder, err := os.Open(proc)
	if err != nil {
		return w, err
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	if err != nil {
		return w, err
	}
	if space, err := os.Readlink(proc + "/self/ns/pid"); err != nil || space != initialPIDs {
		w.Partial = true
	}
	if _, err := os.Stat(proc + "/1"); err != nil { // of root: processes of other users are hidden
		w.Unseen++
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return w, err
		}
		if _, err := strconv.Atoi(name); err == nil {
			w.lookAt(proc+"/"+name, m)
		}
	}
	return w, nil
}

// lookAt adds what one process watches.
func (w *Watched) lookAt(process string, m Mount) {
	folder, err := os.Open(process + "/fd")
	if os.IsPermission(err) {
		w.Unseen++
	}
	if err != nil {
		return // it has ended
	}
	fds, err := folder.Readdirnames(-1)
	folder.Close()
	if os.IsPermission(err) {
		w.Unseen++
	}
	for _, fd := range fds {
		target, err := os.Readlink(process + "/fd/" + fd)
		if err != nil || target != "anon_inode:inotify" && target != "anon_inode:[fanotify]" {
			continue
		}
		if text, err := os.ReadFile(process + "/fdinfo/" + fd); err == nil {
			w.add(text, m)
		}
	}
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
