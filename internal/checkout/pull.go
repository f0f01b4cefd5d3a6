package checkout

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"

	"github.com/zkfs/zkfs/internal/cut"
	"github.com/zkfs/zkfs/zk/znode"
)

// ErrNotPulled says that a directory has files, and is not one that was pulled.
var ErrNotPulled = errors.New("the directory is not empty, and zkfs pull has not written it")

// A Conflict is a znode that another client has changed, and the directory too or not.
type Conflict struct{ Path, Why string }

func (c Conflict) String() string { return c.Path + " " + c.Why }

// A ConflictError says that nothing was changed, and why.
type ConflictError struct{ Conflicts []Conflict }

func (e *ConflictError) Error() string {
	return e.Conflicts[0].String()
}

// A Pull writes a tree to a directory.
type Pull struct {
	Root   *os.Root
	Source string // as the command line named it
	Cut    *cut.Cut

	// Set by Run.
	Tree             *Tree
	Written, Removed int // files and directories, for people

	local map[string]*Local
	known map[string]Known
	inner map[string]bool // znodes with children in the directory as it will be
}

// Run pulls. A directory that was pulled before becomes as the tree is, but for what was changed in
// it alone.
func (p *Pull) Run(ctx context.Context) error {
	p.Tree = &Tree{Layout: Pulled}
	if err := p.Tree.ReadTree(p.Cut.Records()); err != nil {
		return err
	}
	state, err := LoadState(p.Root)
	if err != nil {
		return err
	}
	if p.local, err = ReadDir(p.Root, Pulled); err != nil {
		return err
	}
	if state == nil {
		if len(p.local) > 1 || p.local["/"].Data {
			return ErrNotPulled
		}
		state = p.state() // so that a pull that was broken off can be done again
		state.Known = map[string]Known{}
		if err := state.Save(p.Root); err != nil {
			return err
		}
	} else if err := state.matches(p.Cut.Root, p.Tree); err != nil {
		return err
	}
	p.known = state.Known
	take, err := p.decide()
	if err != nil {
		return err
	}
	if err := p.write(ctx, take); err != nil {
		return err
	}
	return p.state().Save(p.Root)
}

// An OtherError says that a directory is that of another tree.
type OtherError struct{ Source, Root string }

func (e *OtherError) Error() string {
	return "the directory was pulled from " + e.Source + " (" + e.Root + "), which is another tree"
}

func (s *State) matches(root string, t *Tree) error {
	if s.Root != root || s.Czxid != t.Znodes["/"].Stat.Czxid {
		return &OtherError{s.Source, s.Root}
	}
	return nil
}

// state returns what is known of the tree.
func (p *Pull) state() *State {
	s := &State{Source: p.Source, Root: p.Cut.Root, Czxid: p.Tree.Znodes["/"].Stat.Czxid, Known: map[string]Known{}}
	for path, z := range p.Tree.Znodes {
		if z.Out == "" {
			s.Known[path] = knownOf(z)
		}
	}
	return s
}

// decide returns the paths of which the directory gets what the tree has.
func (p *Pull) decide() (map[string]bool, error) {
	var conflicts ConflictError
	take := map[string]bool{}
	p.inner = map[string]bool{}
	for _, path := range p.paths() {
		l, z := p.local[path], p.Tree.At(path)
		keep, why := p.keeps(path, l, z)
		if why != "" {
			conflicts.Conflicts = append(conflicts.Conflicts, Conflict{path, why})
		}
		take[path] = !keep
		if parent, _ := znode.Split(path); path != "/" && (keep && l != nil || !keep && z != nil) {
			p.inner[parent] = true
		}
	}
	if len(conflicts.Conflicts) > 0 {
		return nil, &conflicts
	}
	return take, nil
}

// paths returns those of the directory and of the tree.
func (p *Pull) paths() []string {
	all := map[string]bool{}
	for path := range p.local {
		all[path] = true
	}
	for path, z := range p.Tree.Znodes {
		all[path] = all[path] || z.Out == ""
	}
	maps.DeleteFunc(all, func(_ string, in bool) bool { return !in })
	return slices.SortedFunc(maps.Keys(all), cut.Compare)
}

// keeps reports whether the directory keeps what it has of a znode, or why it can do neither.
func (p *Pull) keeps(path string, l *Local, z *Znode) (keep bool, why string) {
	k, was := p.known[path]
	changedHere := (l != nil) != was || was && l.Sum != k.Sum
	changedThere := (z != nil) != was || was && !k.of(z)
	switch {
	case l != nil && z != nil && l.Sum == z.Sum:
		return true, ""
	case !changedHere, path == "/" && !was && !l.Data: // there is always a directory
		return false, ""
	case !changedThere:
		return true, ""
	case l == nil:
		return false, ""
	case z == nil:
		return true, "was changed in the directory, and deleted by another client"
	case !was:
		return true, "was made in the directory and by another client"
	}
	return true, "was changed in the directory and by another client"
}

// write makes the directory as it was decided.
func (p *Pull) write(ctx context.Context, take map[string]bool) error {
	for _, path := range slices.Backward(p.paths()) {
		if l := p.local[path]; take[path] && l != nil && p.Tree.At(path) == nil && !p.inner[path] {
			if err := p.remove(path, l); err != nil {
				return err
			}
		}
	}
	for r, err := range p.Cut.Records() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		z, l := p.Tree.At(r.Path), p.local[r.Path]
		if z == nil {
			continue
		}
		want := Local{Dir: IsDir(r.Path, z) || p.inner[r.Path], Data: true, Sum: z.Sum}
		data := r.Data
		if !take[r.Path] {
			if l == nil || l.Dir == want.Dir || !want.Dir {
				continue
			}
			if data, err = l.data(p.Root, Pulled, r.Path); err != nil {
				return err
			}
			want.Sum = l.Sum
		}
		want.Data = !want.Dir || len(data) > 0
		if err := p.put(r.Path, l, &want, data); err != nil {
			return err
		}
	}
	return nil
}

// remove removes what the directory has of a znode.
func (p *Pull) remove(path string, l *Local) error {
	p.Removed++
	if l.Dir && l.Data {
		if err := p.Root.Remove(Pulled.DataFile(path, true)); err != nil {
			return err
		}
	}
	return p.Root.Remove(Pulled.File(path))
}

// put lets the directory have a znode.
func (p *Pull) put(path string, l, want *Local, data []byte) error {
	if l != nil && l.Dir == want.Dir && l.Data == want.Data && l.Sum == want.Sum {
		return nil
	}
	p.Written++
	if l != nil && l.Dir != want.Dir {
		if err := p.remove(path, l); err != nil {
			return err
		}
		p.Removed--
	}
	if want.Dir && path != "/" {
		if err := p.Root.Mkdir(Pulled.File(path), 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	file := Pulled.DataFile(path, want.Dir)
	if want.Data {
		return replace(p.Root, file, 0o666, func(w io.Writer) error {
			_, err := w.Write(data)
			return err
		})
	}
	if l != nil && l.Dir && l.Data {
		return p.Root.Remove(file)
	}
	return nil
}
