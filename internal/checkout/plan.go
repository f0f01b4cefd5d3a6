package checkout

import (
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/zkfs/zkfs/internal/cut"
	"github.com/zkfs/zkfs/internal/names"
	"github.com/zkfs/zkfs/zk/znode"
)

// A Change is what a push does to one znode.
type Change struct {
	Kind    ChangeKind
	Path    string
	Version int32  // that the znode must have, of a set or delete
	Data    []byte // that it gets
	Old     []byte // that it has, if that was asked for

	mark bool // it is to be a directory, or an empty file, and its Stat would not say so
	file bool
}

// A ChangeKind is what a change does.
type ChangeKind int

// The kinds, in the order in which a transaction has them.
const (
	Create ChangeKind = iota
	Set
	Delete
)

// A plan is what is to be done to make a tree equal to a directory.
type plan struct {
	changes   []Change
	same      []string // znodes that are as in the directory already
	conflicts []Conflict
}

// A planner compares a directory with a tree.
type planner struct {
	root   *os.Root
	local  map[string]*Local
	tree   *Tree
	known  map[string]Known // the versions that the directory is based on
	denied []string         // what the session may not read
	delete bool             // what is not in the directory
	limit  int64            // the most data of a znode

	inner map[string]bool // znodes with children in the directory
	plan
}

func (p *planner) run() error {
	all := map[string]bool{}
	p.inner = map[string]bool{}
	for path := range p.local {
		all[path] = true
		parent, _ := znode.Split(path)
		p.inner[parent] = true
	}
	for path := range p.tree.Znodes {
		all[path] = true
	}
	for _, path := range slices.SortedFunc(maps.Keys(all), cut.Compare) {
		l, z := p.local[path], p.tree.Znodes[path]
		var err error
		switch {
		case l != nil && z == nil:
			err = p.create(path, l)
		case l == nil && z.Out == "" && p.delete:
			p.remove(path, z)
		case l != nil && z.Out != "" && l.Sum != z.Sum:
			p.conflict(path, z.Out)
		case l != nil && z.Out == "":
			err = p.set(path, l, z)
		}
		if err != nil {
			return err
		}
	}
	p.kept()
	slices.SortStableFunc(p.changes, func(a, b Change) int {
		if a.Kind == Delete && b.Kind == Delete {
			return cut.Compare(b.Path, a.Path) // children first
		}
		return int(a.Kind - b.Kind)
	})
	return nil
}

func (p *planner) conflict(path, why string) {
	p.conflicts = append(p.conflicts, Conflict{path, why})
}

// A TooLargeError says that what is to be written exceeds what a request may have.
type TooLargeError struct {
	Path  string // of the znode that is too large by itself, else ""
	Bytes int64
	Limit int64
}

func (e *TooLargeError) Error() string {
	what := "the transaction"
	if e.Path != "" {
		what = e.Path
	}
	return fmt.Sprintf("%s has %d bytes, and the servers take %d", what, e.Bytes, e.Limit)
}

// data reads the data that a znode is to get.
func (p *planner) data(path string, l *Local) ([]byte, error) {
	if l.Size > p.limit {
		return nil, &TooLargeError{path, l.Size, p.limit}
	}
	return l.data(p.root, Pulled, path)
}

// create is a znode that the tree lacks.
func (p *planner) create(path string, l *Local) error {
	parent, name := znode.Split(path)
	above := p.tree.Znodes[parent]
	switch {
	case slices.ContainsFunc(p.denied, func(at string) bool { return at == path || cut.Below(at, path) }):
		p.conflict(path, "is there, and the session may not read it")
	case above != nil && above.Out != "":
		p.conflict(parent, above.Out)
	case above != nil && above.lock, l.Dir && names.IsLockName(name, lockSuffix), p.inLock(parent):
		p.conflict(path, "would be a lock, or contend for one")
	case p.was(path):
		p.conflict(path, "was deleted by another client")
	default:
		data, err := p.data(path, l)
		if err != nil {
			return err
		}
		p.changes = append(p.changes, Change{Kind: Create, Path: path, Data: data,
			mark: l.Dir && len(data) > 0 && !p.inner[path], file: !l.Dir && len(data) == 0})
	}
	return nil
}

// inLock reports whether a znode that is to be made is a lock.
func (p *planner) inLock(path string) bool {
	_, name := znode.Split(path)
	return p.tree.Znodes[path] == nil && names.IsLockName(name, lockSuffix)
}

func (p *planner) was(path string) bool {
	_, was := p.known[path]
	return was
}

// set is a znode that both have.
func (p *planner) set(path string, l *Local, z *Znode) error {
	switch k, was := p.known[path]; {
	case l.Sum == z.Sum, l.Dir && !l.Data && !p.delete:
		p.same = append(p.same, path)
		return nil
	case !was:
		p.conflict(path, "was made by another client")
		return nil
	case !k.of(z):
		p.changed(path, k, z)
		return nil
	}
	data, err := p.data(path, l)
	if err != nil {
		return err
	}
	p.changes = append(p.changes, Change{Kind: Set, Path: path, Version: z.Stat.Version, Data: data,
		mark: l.Dir && path != "/" && z.Stat.Cversion == 0 && !p.inner[path]})
	return nil
}

// changed is a znode in another version than the directory is based on.
func (p *planner) changed(path string, k Known, z *Znode) {
	why := fmt.Sprintf("was changed by another client: it has version %d, and the directory is based on %d",
		z.Stat.Version, k.Version)
	switch {
	case k.Version == unknown:
		why = fmt.Sprintf("was changed by another client right after the last push: it has version %d", z.Stat.Version)
	case k.Czxid != z.Stat.Czxid:
		why = fmt.Sprintf("was deleted and made again by another client: it has version %d", z.Stat.Version)
	}
	p.conflict(path, why)
}

// remove is a znode that the directory lacks.
func (p *planner) remove(path string, z *Znode) {
	switch k, was := p.known[path]; {
	case !was:
		p.conflict(path, "was made by another client")
	case !k.of(z):
		p.changed(path, k, z)
	default:
		p.changes = append(p.changes, Change{Kind: Delete, Path: path, Version: z.Stat.Version})
	}
}

// kept finds the znodes that can not be deleted for what is below them.
func (p *planner) kept() {
	deleted := map[string]bool{}
	for _, c := range p.changes {
		if c.Kind == Delete {
			deleted[c.Path] = true
		}
	}
	for _, path := range p.tree.Paths() {
		parent, _ := znode.Split(path)
		if z := p.tree.Znodes[path]; z.Out != "" && deleted[parent] {
			p.conflict(path, z.Out+": what it is in can not be deleted")
		}
	}
	for _, path := range p.denied {
		if parent, _ := znode.Split(path); deleted[parent] {
			p.conflict(path, "can not be read: what it is in can not be deleted")
		}
	}
}
