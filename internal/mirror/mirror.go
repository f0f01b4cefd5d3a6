package mirror

import (
	"errors"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"syscall"

	"github.com/zkfs/zkfs/internal/checkout"
	"github.com/zkfs/zkfs/internal/cut"
	"github.com/zkfs/zkfs/internal/names"
	"github.com/zkfs/zkfs/zk/znode"
)

// The names at the top that are no links to files.
const (
	current = "..data"
	next    = "..data_tmp" // becomes current
)

// treeName is what a folder with a tree is called.
var treeName = regexp.MustCompile(`^\.\.\d{4}(_\d\d){5}\.\d{9}$`)

var (
	// ErrForeign says that a directory has files that no mirror has made.
	ErrForeign = errors.New("the directory is not empty, and zkfs mirror has not written it")

	// ErrGone says that the znode at the root of the tree is gone. The last tree stays.
	ErrGone = errors.New("the znode is gone")

	// ErrTaken says that a directory is that of another mirror.
	ErrTaken = errors.New("another zkfs mirror writes to the directory")
)

// A Mirror is a directory that follows a tree. It is not to be used by several goroutines.
type Mirror struct {
	// Remark is told what can not be done.
	Remark func(file, why string)

	root *os.Root
	lock *os.File // the directory
	tree *checkout.Tree
	last string // the folder that ..data leads to, "" if there is none
}

// Open makes a directory a mirror, or goes on with one that is. It is locked until Close.
func Open(dir string) (*Mirror, error) {
	if err := os.Mkdir(dir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	lock, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	m := &Mirror{Remark: func(string, string) {}, root: root, lock: lock}
	if err := m.take(); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// Close lets another mirror have the directory.
func (m *Mirror) Close() error { return errors.Join(m.root.Close(), m.lock.Close()) }

// take locks the directory, and sees to it that it is empty or that of a mirror.
func (m *Mirror) take() error {
	err := syscall.Flock(int(m.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrTaken
	}
	if err != nil {
		return err
	}
	last, err := m.root.Readlink(current)
	switch {
	case err == nil && treeName.MatchString(last):
		m.last = last
		return nil
	case err == nil:
		return ErrForeign
	case !errors.Is(err, fs.ErrNotExist):
		return errors.Join(ErrForeign, err)
	}
	entries, err := fs.ReadDir(m.root.FS(), ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !treeName.MatchString(e.Name()) && e.Name() != next && e.Name() != "lost+found" {
			return ErrForeign
		}
	}
	return nil
}

// Begin switches to the tree of a cut.
func (m *Mirror) Begin(state *cut.Cut) error {
	tree := &checkout.Tree{Layout: checkout.Mirrored, Mortal: true}
	if err := tree.ReadTree(state.Records()); err != nil {
		return err
	}
	m.tree = nil // until all of it is there
	g, err := m.generation(tree)
	if err != nil {
		return err
	}
	for r, err := range state.Records() {
		if err == nil {
			err = g.write(r)
		}
		if err != nil {
			return errors.Join(err, g.discard())
		}
	}
	if err := g.done(); err != nil {
		return err
	}
	m.tree = tree
	return nil
}

// Apply switches to a later state, and reports whether a file differs in it. After an error only
// Begin leads on.
func (m *Mirror) Apply(changes *cut.Changes) (switched bool, err error) {
	before := m.tree
	if before == nil {
		return false, errors.New("no tree to apply changes to")
	}
	m.tree = nil
	tree := before.Clone()
	tree.Change(changes)
	if tree.Znodes["/"] == nil {
		return false, ErrGone
	}
	if !differs(before, tree, changes) {
		m.tree = tree
		return false, nil
	}
	g, err := m.generation(tree)
	if err != nil {
		return false, err
	}
	changed := map[string]*cut.Record{}
	for i := range changes.Records {
		changed[changes.Records[i].Path] = &changes.Records[i]
	}
	for _, path := range tree.Paths() {
		z, old := tree.At(path), before.At(path)
		switch r := changed[path]; {
		case z == nil:
		case old != nil && old.Sum == z.Sum && checkout.IsDir(path, old) == checkout.IsDir(path, z):
			err = g.keep(path)
		case r == nil:
			err = errors.New("a change was not heard of: " + path)
		default:
			err = g.write(r)
		}
		if err != nil {
			return false, errors.Join(err, g.discard())
		}
	}
	if err := g.done(); err != nil {
		return false, err
	}
	m.tree = tree
	return true, nil
}

// differs reports whether the files of two trees differ.
func differs(a, b *checkout.Tree, changes *cut.Changes) bool {
	shown := func(path string) bool {
		x, y := a.At(path), b.At(path)
		if x == nil || y == nil {
			return x != y
		}
		return x.Sum != y.Sum || checkout.IsDir(path, x) != checkout.IsDir(path, y)
	}
	for _, path := range changes.Gone {
		if shown(path) {
			return true
		}
	}
	for i := range changes.Records {
		if shown(changes.Records[i].Path) {
			return true
		}
	}
	return false
}

// tops returns the names at the top of a tree.
func tops(tree *checkout.Tree, rootHasData bool) map[string]bool {
	all := map[string]bool{}
	for path, z := range tree.Znodes {
		if parent, _ := znode.Split(path); z.Out == "" && parent == "/" && path != "/" {
			all[tree.Layout.File(path)] = true
		}
	}
	if rootHasData {
		all[names.Data] = true
	}
	return all
}

// link returns what the symbolic link of a name leads to.
func link(name string) string { return current + "/" + name }

// isLink reports whether an entry is the link of its name.
func (m *Mirror) isLink(e fs.DirEntry) bool {
	if e.Type() != fs.ModeSymlink || strings.HasPrefix(e.Name(), "..") {
		return false
	}
	to, err := m.root.Readlink(e.Name())
	return err == nil && to == link(e.Name())
}
