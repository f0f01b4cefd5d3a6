package fs

import (
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/zkfs/zkfs/internal/poke"
)

// announced is the one call that the poker may make now. Nothing that the poker asks reaches
// ZooKeeper: what is announced is answered from memory, and all else that would change something is
// refused, for as long as its thread can be taken for no other; see poke.Process.Thread.
//
// The methods of a nil *announced are those of a mount without a poker.
type announced struct {
	thread atomic.Uint32 // of the poker that lives; 0: none

	mu    sync.Mutex // guards the following
	kind  poke.Kind  // "": nothing is announced
	path  string     // of the file or directory in the mount
	ghost bool       // the kernel was told of one that stands for it
	spent bool       // the call was made
}

// granted is the error by which a node answers a call that is announced. It never reaches the
// kernel: poked answers in its place.
const granted = syscall.Errno(511)

// isPoker reports whether a request comes from the poker.
func (a *announced) isPoker(thread uint32) bool {
	return a != nil && thread != 0 && a.thread.Load() == thread
}

// announce lets the poker make the call of that kind once.
func (a *announced) announce(kind poke.Kind, path string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.kind, a.path, a.ghost, a.spent = kind, path, false, false
}

// withdraw ends announce. It is safe once the poker has answered or ended.
func (a *announced) withdraw() { a.announce("", "") }

// looked returns the answer to a LOOKUP of path by the poker, where no node stands for it: a ghost,
// if the call is about what is there or was there, and else that nothing is there.
func (a *announced) looked(path string) syscall.Errno {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case path != a.path:
	case a.kind == poke.FileDeleted || a.kind == poke.DirDeleted:
		a.ghost = true
		return granted
	case a.kind == poke.Modified: // in a directory that is watched
		return granted
	}
	return syscall.ENOENT
}

// grant answers a call of one of these kinds about path, which must be announced and is then spent.
// What is deleted must be a ghost: the kernel may know another file by now that has the name.
func (a *announced) grant(path string, kinds ...poke.Kind) syscall.Errno {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, kind := range kinds {
		deletes := kind == poke.FileDeleted || kind == poke.DirDeleted
		if kind == a.kind && path == a.path && !a.spent && a.ghost == deletes {
			a.spent = true
			return granted
		}
	}
	return syscall.EPERM
}

// isDir reports whether the call is about a directory.
func (a *announced) isDir() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.kind == poke.DirCreated || a.kind == poke.DirDeleted
}

// isWriting reports whether the call is one that opens a file for writing.
func (a *announced) isWriting() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.kind == poke.Modified || a.kind == poke.DataCreated
}
