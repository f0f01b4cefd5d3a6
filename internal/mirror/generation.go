package mirror

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/zkfs/zkfs/internal/checkout"
	"github.com/zkfs/zkfs/internal/cut"
)

// A generation is a tree that is being written.
type generation struct {
	m       *Mirror
	tree    *checkout.Tree
	folder  string
	dirs    []string // that were made, to be brought to the disk
	hasData bool     // the root has data
}

// generation makes the folder of a new tree.
func (m *Mirror) generation(tree *checkout.Tree) (*generation, error) {
	for at := time.Now().UTC(); ; at = at.Add(time.Nanosecond) {
		folder := at.Format("..2006_01_02_15_04_05.000000000")
		switch err := m.root.Mkdir(folder, 0o777); {
		case err == nil:
			return &generation{m: m, tree: tree, folder: folder, dirs: []string{folder}}, nil
		case !errors.Is(err, fs.ErrExist):
			return nil, err
		}
	}
}

// write writes a znode. Parents come before their children.
func (g *generation) write(r *cut.Record) error {
	z := g.tree.At(r.Path)
	if z == nil {
		return nil
	}
	isDir := checkout.IsDir(r.Path, z)
	if err := g.dir(r.Path, isDir); err != nil {
		return err
	}
	if isDir && len(r.Data) == 0 {
		return nil
	}
	return g.file(g.tree.Layout.DataFile(r.Path, isDir), r.Data)
}

// dir makes the directory of a znode that is one.
func (g *generation) dir(path string, isDir bool) error {
	if path == "/" {
		z := g.tree.Znodes[path]
		g.hasData = z.Stat.DataLength > 0
		return nil
	}
	if !isDir {
		return nil
	}
	dir := g.folder + "/" + g.tree.Layout.File(path)
	g.dirs = append(g.dirs, dir)
	return g.m.root.Mkdir(dir, 0o777)
}

// file writes a file, to the disk.
func (g *generation) file(name string, data []byte) error {
	f, err := g.m.root.OpenFile(g.folder+"/"+name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// keep lets a znode be as in the last tree, in the same file if the file system has hard links.
func (g *generation) keep(path string) error {
	z := g.tree.At(path)
	isDir := checkout.IsDir(path, z)
	if err := g.dir(path, isDir); err != nil {
		return err
	}
	if isDir && z.Stat.DataLength <= 0 {
		return nil
	}
	name := g.tree.Layout.DataFile(path, isDir)
	old := g.m.last + "/" + name
	if g.m.root.Link(old, g.folder+"/"+name) == nil {
		return nil
	}
	data, err := g.m.root.ReadFile(old)
	if err != nil {
		return err
	}
	return g.file(name, data)
}

// done switches to the tree.
func (g *generation) done() error {
	m := g.m
	for _, dir := range slices.Backward(g.dirs) {
		if err := m.sync(dir); err != nil {
			return errors.Join(err, g.discard())
		}
	}
	if err := m.root.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, g.discard())
	}
	if err := m.root.Symlink(g.folder, next); err != nil {
		return errors.Join(err, g.discard())
	}
	if err := m.root.Rename(next, current); err != nil {
		return errors.Join(err, g.discard())
	}
	last := m.last
	m.last = g.folder
	if err := errors.Join(m.sync("."), m.tidy(tops(g.tree, g.hasData), last)); err != nil {
		m.Remark(current, err.Error()) // it is switched all the same
	}
	return nil
}

// sync brings the entries of a directory to the disk.
func (m *Mirror) sync(dir string) error {
	f, err := m.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// discard removes what was written. It was not switched to.
func (g *generation) discard() error { return g.m.root.RemoveAll(g.folder) }

// tidy lets each name at the top of the tree have its link, and removes all else that mirrors have
// made but the current tree and the one before.
func (m *Mirror) tidy(want map[string]bool, last string) error {
	entries, err := fs.ReadDir(m.root.FS(), ".")
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		name := e.Name()
		switch {
		case treeName.MatchString(name) && name != m.last && name != last:
			errs = append(errs, m.root.RemoveAll(name))
		case want[name] && m.isLink(e):
			delete(want, name)
		case want[name]:
			delete(want, name)
			m.Remark(name, "is in the way: no link leads to what the tree has of that name")
		case m.isLink(e):
			errs = append(errs, m.root.Remove(name))
		}
	}
	for name := range want {
		errs = append(errs, m.root.Symlink(link(name), name))
	}
	return errors.Join(errs...)
}
