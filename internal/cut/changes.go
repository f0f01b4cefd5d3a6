package cut

import (
	"sync"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// maxChanged bounds how many changed znodes are remembered, and with them the memory.
const maxChanged = 1 << 18

// changes is what events have told since it was taken last.
type changes struct {
	covers func(path string) bool
	root   string        // that of the watch
	wake   chan struct{} // has an element when something is new

	mu    sync.Mutex // guards the following; taken by the client's read loop
	paths map[string]bool
	err   error // why events are missing, nil if none is
}

// event takes an event of the client, on its read loop: before the reply to any request that the
// server answered behind it.
func (h *changes) event(e zk.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch e.Type {
	case zk.EventSession:
		if e.State == zk.StateDisconnected {
			h.failLocked(ErrLost)
		}
	case zk.EventLost: // the server did not say which znode it was; by now it is known whether it does
		h.failLocked(ErrLost)
	case zk.EventNodeDataChanged:
		h.addLocked(e.Path)
	case zk.EventNodeCreated, zk.EventNodeDeleted:
		h.addLocked(e.Path)
		if e.Path != h.root {
			parent, _ := znode.Split(e.Path)
			h.addLocked(parent) // its Stat has changed
		}
	}
}

func (h *changes) addLocked(path string) {
	if !h.covers(path) {
		return
	}
	if h.paths[path] = true; len(h.paths) > maxChanged {
		h.failLocked(ErrBusy)
	}
	h.stirLocked()
}

func (h *changes) failLocked(err error) {
	if h.err == nil {
		h.err = err
	}
	clear(h.paths)
	h.stirLocked()
}

func (h *changes) stirLocked() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// add makes a znode one that has changed.
func (h *changes) add(path string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.addLocked(path)
}

// take returns and forgets what has changed.
func (h *changes) take() (map[string]bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	paths := h.paths
	h.paths = map[string]bool{}
	return paths, h.err
}

// only reports whether nothing but what is among paths has changed since the last take.
func (h *changes) only(paths map[string]bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil {
		return false
	}
	for p := range h.paths {
		if !paths[p] {
			return false
		}
	}
	return true
}
