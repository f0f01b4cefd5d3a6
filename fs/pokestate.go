package fs

import (
	"fmt"

	"github.com/zkfs/zkfs/internal/poke"
)

// InotifyMode says which changes by other clients wake programs that watch by inotify or fanotify.
type InotifyMode int

const (
	// InotifyOff wakes none.
	InotifyOff InotifyMode = iota
	// InotifyAuto looks at what the processes of this machine watch, as far as this process can see
	// them, and wakes those.
	InotifyAuto
	// InotifyOn wakes all, whether or not they can be seen. On a read-only mount the kernel then lets
	// changes through, and this process refuses them.
	InotifyOn
)

func (m InotifyMode) String() string { return [...]string{"off", "auto", "on"}[m] }

// pokesState is what .status and the metrics show.
type pokesState struct {
	raised, failed int64
	watched        int    // inodes, as far as that is seen
	blind          string // which programs cannot be seen
	broken         string // why the last poke failed
}

// raised notes a change that was told.
func (p *pokes) raised() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.raised++
	p.state.broken = ""
}

// failed notes a change that was not told.
func (p *pokes) failed(file string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.failed++
	if text := err.Error(); text != p.state.broken {
		p.fs.log.Warn("inotify: programs that watch are not told of a change", "path", file, "err", err)
		p.state.broken = text
	}
}

// seen notes what a look at the processes has found. Programs of other users matter if they may use
// the mount.
func (p *pokes) seen(w poke.Watched, err error) {
	blind := ""
	switch {
	case err != nil:
		blind = "no process can be seen: " + err.Error()
	case w.Partial:
		blind = "programs outside this PID namespace cannot be seen"
	case w.Unseen > 0 && p.fs.o.AllowOther:
		blind = "programs of other users cannot be seen"
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.watched = len(w.Inodes)
	if blind != "" && blind != p.state.blind {
		p.fs.log.Warn("inotify: " + blind + ", and are not told of changes by other clients; --inotify=on tells all")
	}
	p.state.blind = blind
}

// numbers returns what happened so far.
func (p *pokes) numbers() pokesState {
	if p == nil {
		return pokesState{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// inotifyLine is that of .status.
func (f *FS) inotifyLine() string {
	switch {
	case f.pokes == nil && f.o.Inotify == InotifyAuto && f.o.ReadOnly:
		return "off, because the mount is read-only; --inotify=on tells programs all the same"
	case f.pokes == nil:
		return InotifyOff.String()
	}
	n := f.pokes.numbers()
	text := fmt.Sprintf("%v, %d changes told, %d not told", f.o.Inotify, n.raised, n.failed)
	if f.o.Inotify == InotifyAuto {
		text += fmt.Sprintf(", %d inodes watched", n.watched)
	}
	for _, problem := range []string{n.blind, n.broken} {
		if problem != "" {
			text += "; " + problem
		}
	}
	return text
}
