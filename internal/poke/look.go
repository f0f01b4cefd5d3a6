package poke

import (
	"context"
	"os"
	"strconv"
	"syscall"
)

// initialPIDs is the inode number of the first PID namespace (PROC_PID_INIT_INO, linux/proc_ns.h).
const initialPIDs = "pid:[4026531836]"

// Looker looks at the descriptors of all processes for what they watch of a mount. It is for one
// goroutine.
//
// To ask of each descriptor what it is takes most of the time. So a process that watched nothing is
// only asked how many descriptors it has, and looked at if their number differs.
type Looker struct {
	proc  string
	mount Mount
	looks int
	known map[string]process // by its name in proc
}

// process is what a look has found.
type process struct {
	id      uint64 // of its table of descriptors: no two processes that live have the same
	fds     int64  // how many it has
	since   int    // the look that found it first
	watches bool   // it has a descriptor for watches
	unseen  bool   // it is another user's
}

// A process is looked at whatever it was at the looks of its youth, in which it opens and closes
// much, and then at each look of that period: the number of its descriptors stays the same if it
// closes another one when it begins to watch.
const (
	youth  = 3
	Period = 10
)

// NewLooker returns a looker for m.
func NewLooker(m Mount) *Looker {
	return &Looker{proc: "/proc", mount: m, known: map[string]process{}}
}

// Look looks at all processes. It ends early with ctx.
func (l *Looker) Look(ctx context.Context) (Watched, error) {
	w := Watched{Inodes: map[Handle]bool{}}
	folder, err := os.Open(l.proc)
	if err != nil {
		return w, err
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	if err != nil {
		return w, err
	}
	if space, err := os.Readlink(l.proc + "/self/ns/pid"); err != nil || space != initialPIDs {
		w.Partial = true
	}
	if _, err := os.Stat(l.proc + "/1"); err != nil { // of root: processes of other users are hidden
		w.Unseen++
	}
	self, err := os.Lstat(l.proc + "/self/fd")
	counts := err == nil && self.Size() > 0 // from Linux 6.2 on
	l.looks++
	seen := make(map[string]process, len(l.known))
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return w, err
		}
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		p, ended := l.process(name)
		if ended {
			continue
		}
		isTurn := (l.looks+pid)%Period == 0 || l.looks-p.since < youth
		if !counts || p.fds > 0 && (isTurn || p.watches || l.known[name] != p) {
			p.watches, p.unseen = w.lookAt(l.proc+"/"+name, l.mount)
		}
		if p.unseen {
			w.Unseen++
		}
		seen[name] = p
	}
	l.known = seen
	return w, nil
}

// process returns what is known of a process without a look at its descriptors.
func (l *Looker) process(name string) (p process, ended bool) {
	info, err := os.Lstat(l.proc + "/" + name + "/fd")
	if err != nil {
		return p, true
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return p, true
	}
	p = process{id: stat.Ino, fds: info.Size(), since: l.looks}
	if before, ok := l.known[name]; ok && before.id == p.id {
		p.since, p.watches, p.unseen = before.since, before.watches, before.unseen
	}
	return p, false
}

// lookAt adds what one process watches. It reports whether the process has a descriptor for watches,
// of this mount or not, and whether its descriptors cannot be seen.
func (w *Watched) lookAt(process string, m Mount) (watches, unseen bool) {
	folder, err := os.Open(process + "/fd")
	if err != nil {
		return false, os.IsPermission(err) // or it has ended
	}
	fds, err := folder.Readdirnames(-1)
	folder.Close()
	if err != nil {
		return false, os.IsPermission(err)
	}
	for _, fd := range fds {
		target, err := os.Readlink(process + "/fd/" + fd)
		if err != nil || target != "anon_inode:inotify" && target != "anon_inode:[fanotify]" {
			continue
		}
		watches = true
		if text, err := os.ReadFile(process + "/fdinfo/" + fd); err == nil {
			w.add(text, m)
		}
	}
	return watches, false
}
