package fs

import (
	"slices"

	"github.com/zkfs/zkfs/internal/ensemble"
)

// A program that lists the second directory of several that lie side by side is probably on a walk
// of the tree. The next ones are then fetched before they are asked for, some more with each that
// is, whatever the order: programs that sort by inode number walk in none.
//
// What is fetched is bounded by what was used: as long as the directories fetched ahead are not
// listed, no others are. A single ls fetches nothing but its own directory.
const (
	aheadDirs   = 16   // directories of one parent that no program has listed yet
	aheadZnodes = 4096 // that are fetched at once
)

// walk is what a directory remembers about who walks through it. Guarded by node.mu.
type walk struct {
	last   string          // the child that was listed last
	listed int             // how many children were listed
	issued map[string]bool // children that were fetched ahead and not yet listed
}

// step notes that the child called name is being listed, and returns how many of its siblings may be fetched ahead: none if it was known
// already, other than by being fetched ahead, for then they probably are too.
func (w *walk) step(name string, unknown bool) int {
	if !unknown && !w.issued[name] {
		return 0
	}
	if w.last != name {
		w.last = name
		w.listed++
	}
	delete(w.issued, name)
	if w.listed < 2 {
		return 0
	}
	window := aheadDirs
	if w.listed < 5 {
		window = 1 << (w.listed - 1)
	}
	if room := window - len(w.issued); 2*room >= window {
		return room
	}
	return 0
}

// walked sends for the siblings of a directory that is being listed. unknown says that the servers were asked for its names.
func (f *FS) walked(d *dir, unknown bool) {
	_, inode := d.Parent()
	if inode == nil {
		return
	}
	parent, ok := inode.Operations().(*dir)
	if !ok {
		return
	}
	above, name := ensemble.Split(d.where())
	parent.mu.Lock()
	defer parent.mu.Unlock()
	if room := parent.walk.step(name, unknown); room > 0 && parent.path == above {
		f.fetchSiblings(parent, name, room)
	}
}

// fetchSiblings sends for up to room directories that follow the child called name and are not known. The mutex of parent is held.
func (f *FS) fetchSiblings(parent *dir, name string, room int) {
	s, ok := f.ensemble.Peek(parent.path)
	if !ok || s.Children == nil {
		return
	}
	all := s.Children.All()
	at, _ := slices.BinarySearch(all, name)
	var dirs, names []string
	znodes := 0
	for i := 1; i < min(len(all), 4*aheadDirs) && len(dirs) < room; i++ {
		sibling := all[(at+i)%len(all)]
		path := ensemble.Join(parent.path, sibling)
		s, ok := f.ensemble.Peek(path)
		if !ok || s.Stat == nil || s.Children != nil || s.Stat.NumChildren == 0 || parent.walk.issued[sibling] || f.kindOf(path, s.Stat) != kindDir {
			continue
		}
		if znodes += int(s.Stat.NumChildren); znodes > aheadZnodes {
			break
		}
		dirs, names = append(dirs, path), append(names, sibling)
	}
	if len(dirs) == 0 || !f.ensemble.FetchDirs(dirs) {
		return
	}
	if parent.walk.issued == nil {
		parent.walk.issued = map[string]bool{}
	}
	for _, sibling := range names {
		parent.walk.issued[sibling] = true
	}
}
