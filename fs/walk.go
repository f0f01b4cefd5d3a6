package fs

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

// walk is what a directory remembers about the walks through it. Guarded by node.mu.
type walk struct {
	last   string          // the child that was listed last
	listed int             // how many children were listed
	issued map[string]bool // children that were fetched ahead and not yet listed
}

// step notes that the child called name is being listed, and returns how many of its siblings may
// be fetched ahead: none if it was known already, other than by being fetched ahead, for then they
// probably are too.
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
