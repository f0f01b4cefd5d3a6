package cache

import (
	"strings"
	"sync"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// maxHints is how many paths are remembered before everything is looked at instead.
const maxHints = 1 << 17

// A hint is what an event told of a znode. Where each znode has watches it tells which have fired.
type hint uint8

const (
	hintNode hint = 1 << iota // the znode: its data, its Stat, or that it came or went
	hintList                  // its children
)

// hints is what events have told and the worker has not looked at. An event only says where to
// look: what is there then, the worker reads.
type hints struct {
	root  string
	depth int
	wake  chan struct{} // has an element when the worker should look

	mu        sync.Mutex // guards the following; taken by the client's read loop
	recursive bool       // as in Cache
	paths     map[string]hint
	all       bool          // events may be missing: anything may have changed
	dropped   bool          // paths were, because there were too many
	away      bool          // the connection is lost, or was
	quiet     chan struct{} // closed while nothing waits for the worker
	isQuiet   bool
}

func (h *hints) init(root string, depth int) {
	h.root, h.depth = root, depth
	h.wake = make(chan struct{}, 1)
	h.paths = map[string]hint{}
	h.quiet = make(chan struct{})
}

// event takes an event of the client, on its read loop.
func (h *hints) event(e zk.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch e.Type {
	case zk.EventSession:
		switch e.State {
		case zk.StateDisconnected:
			h.away = true
			h.stirLocked()
		case zk.StateHasSession, zk.StateConnectedReadOnly:
			if h.recursive { // the client has one-shot watches tell what they have missed
				h.all = true
				h.stirLocked()
			}
		}
	case zk.EventNodeDataChanged:
		h.addLocked(e.Path, hintNode)
	case zk.EventNodeCreated, zk.EventNodeDeleted:
		what := hintNode
		if e.Type == zk.EventNodeDeleted {
			what |= hintList
		}
		h.addLocked(e.Path, what)
		if parent, _ := znode.Split(e.Path); h.recursive && e.Path != h.root {
			h.addLocked(parent, hintNode) // its Stat has changed
		}
	case zk.EventNotWatching: // the server would not set a watch again
		h.addLocked(e.Path, hintNode)
		h.addLocked(e.Path, hintList)
	case zk.EventNodeChildrenChanged:
		if !h.recursive {
			h.addLocked(e.Path, hintList)
		}
	}
}

func (h *hints) addLocked(path string, what hint) {
	if level(h.root, path, h.depth) < 0 {
		return
	}
	if h.paths[path] |= what; len(h.paths) > maxHints {
		h.all, h.dropped = true, true
		clear(h.paths)
	}
	h.stirLocked()
}

// stirLocked wakes the worker.
func (h *hints) stirLocked() {
	if h.isQuiet {
		h.isQuiet = false
		h.quiet = make(chan struct{})
	}
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// everything makes the worker look at all znodes.
func (h *hints) everything() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = true
	h.stirLocked()
}

// taken is what the worker has taken from hints.
type taken struct {
	paths        map[string]hint
	all, dropped bool
}

// take returns and forgets the hints. If there are none and idle is true, the cache is quiet from
// then on.
func (h *hints) take(idle bool) taken {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := taken{all: h.all, dropped: h.dropped}
	if len(h.paths) > 0 {
		t.paths, h.paths = h.paths, map[string]hint{}
	}
	h.all, h.dropped = false, false
	if idle && !t.all && !h.away && len(t.paths) == 0 && !h.isQuiet {
		h.isQuiet = true
		close(h.quiet)
	}
	return t
}

// wasAway reports whether the connection was lost since it was asked last.
func (h *hints) wasAway() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	away := h.away
	h.away = false
	return away
}

// missed reports whether events may be missing since the last take.
func (h *hints) missed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all
}

func (h *hints) setRecursive(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.recursive = on
}

// whenQuiet returns a channel that is closed as soon as nothing waits for the worker.
func (h *hints) whenQuiet() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.quiet
}

// level returns how far path is below root, -1 if a cache of that depth does not cover it.
func level(root, path string, depth int) int {
	below, ok := relative(root, path)
	if !ok {
		return -1
	}
	n := 0
	if below != "" {
		n = strings.Count(below, "/") + 1
	}
	if depth >= 0 && n > depth {
		return -1
	}
	return n
}

// relative returns path without root and the slash behind it. ok is false if it is not below root.
func relative(root, path string) (below string, ok bool) {
	if path == root {
		return "", true
	}
	if root == "/" {
		return strings.CutPrefix(path, root)
	}
	return strings.CutPrefix(path, root+"/")
}
