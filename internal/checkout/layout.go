package checkout

import (
	"strings"

	"github.com/zkfs/zkfs/internal/names"
)

// The files of a pulled directory that are no znodes, at its top.
const (
	StateName = ".zkfs-pull"      // see [State]
	partName  = ".zkfs-pull.part" // a file that is being written, left if that was broken off
)

// maxName is how long the name of a file can be.
const maxName = 255

// A Layout says which file stands for a znode.
type Layout struct {
	top names.Reserve // names at the top that stand for no znode
}

var (
	// Pulled is the layout of a directory that [Pull] writes.
	Pulled = Layout{func(name string) bool {
		return names.Reserved(name, true) || name == StateName || name == partName
	}}

	// Mirrored is the layout of a directory at the top of which names that begin with two dots
	// are taken.
	Mirrored = Layout{func(name string) bool {
		return names.Reserved(name, true) || strings.HasPrefix(name, "..")
	}}
)

func below(name string) bool { return names.Reserved(name, false) }

// File returns the file of the znode at a path, "." for the root.
func (l Layout) File(path string) string {
	if path == "/" {
		return "."
	}
	parts := strings.Split(path[1:], "/")
	for i, name := range parts {
		parts[i] = l.reserve(i).Shown(name)
	}
	return strings.Join(parts, "/")
}

func (l Layout) reserve(depth int) names.Reserve {
	if depth == 0 {
		return l.top
	}
	return below
}

// Path is the inverse of File. It is not to be asked about a reserved name.
func (l Layout) Path(file string) string {
	if file == "." {
		return "/"
	}
	parts := strings.Split(file, "/")
	for i, shown := range parts {
		parts[i] = l.reserve(i).Znode(shown)
	}
	return "/" + strings.Join(parts, "/")
}

// DataFile returns the file with the data of a znode.
func (l Layout) DataFile(path string, isDir bool) string {
	file := l.File(path)
	switch {
	case !isDir:
		return file
	case file == ".":
		return names.Data
	}
	return file + "/" + names.Data
}

// holds reports whether the name of a znode can be that of a file.
func (l Layout) holds(name string, depth int) bool {
	return names.Valid(name) && len(l.reserve(depth).Shown(name)) <= maxName
}
