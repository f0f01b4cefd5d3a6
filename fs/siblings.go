package fs

import (
	"slices"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/names"
)

// walked sends for the siblings of a directory that is being listed. unknown says that the servers
// were asked for its names.
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

// fetchSiblings sends for up to room directories that follow the child called name and are not
// known. The mutex of parent is held.
func (f *FS) fetchSiblings(parent *dir, name string, room int) {
	s, ok := f.ensemble.Peek(parent.path)
	if !ok || s.Children == nil {
		return
	}
	all := s.Children.All()
	at, _ := slices.BinarySearch(all, name)
	var dirs, fetched []string
	znodes := 0
	for i := 1; i < min(len(all), 4*aheadDirs) && len(dirs) < room; i++ {
		sibling := all[(at+i)%len(all)]
		path := ensemble.Join(parent.path, sibling)
		s, ok := f.ensemble.Peek(path)
		switch {
		case !ok, s.Stat == nil, s.Children != nil, parent.walk.issued[sibling]:
			continue
		case s.Stat.NumChildren == 0, f.kinds.KindOf(path, s.Stat) != names.KindDir:
			continue
		}
		if znodes += int(s.Stat.NumChildren); znodes > aheadZnodes {
			break
		}
		dirs, fetched = append(dirs, path), append(fetched, sibling)
	}
	if len(dirs) == 0 || !f.ensemble.FetchDirs(dirs) {
		return
	}
	if parent.walk.issued == nil {
		parent.walk.issued = map[string]bool{}
	}
	for _, sibling := range fetched {
		parent.walk.issued[sibling] = true
	}
}
