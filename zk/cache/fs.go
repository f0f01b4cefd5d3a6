package cache

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// dataName is the file in a directory that holds the data of the directory's own znode.
const dataName = ".data"

// FS returns the cache as a file system whose root is the root of the cache, for fs.WalkDir,
// template.ParseFS or http.FS. Nothing in it costs a request.
//
// A znode that has, or ever had, children is a directory, as is an untouched one without data; any
// other is a file. The data of a directory, if it has any, is its file ".data". A mount by zkfs
// shows the same. An opened file keeps its content; a directory lists what it holds at the first
// ReadDir. Left out are names that fs.ValidPath refuses, and a znode of the name ".data".
//
// Errors wrap fs.ErrNotExist where the znode is missing, and [ErrNotHeld] where the cache cannot
// tell.
func (t *Cache) FS() fs.FS { return files{t} }

type files struct{ t *Cache }

// Open opens a file or a directory.
func (f files) Open(name string) (fs.File, error) {
	i, err := f.find("open", name)
	if err != nil {
		return nil, err
	}
	if i.IsDir() {
		return &dir{info: i}, nil
	}
	return &file{info: i, Reader: bytes.NewReader(i.data)}, nil
}

// Stat returns what is known about a file without its content.
func (f files) Stat(name string) (fs.FileInfo, error) { return f.find("stat", name) }

// ReadFile returns the content of a file, which the caller may change.
func (f files) ReadFile(name string) ([]byte, error) {
	i, err := f.find("read", name)
	if err != nil {
		return nil, err
	}
	if i.IsDir() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("is a directory")}
	}
	return append([]byte{}, i.data...), nil
}

// ReadDir lists a directory.
func (f files) ReadDir(name string) ([]fs.DirEntry, error) {
	i, err := f.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if !i.IsDir() {
		return nil, notDir(name)
	}
	return i.entries()
}

func notDir(name string) error {
	return &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a directory")}
}

// find returns what is at name.
func (f files) find(op, name string) (*info, error) {
	whole := name
	fail := func(err error) (*info, error) {
		return nil, &fs.PathError{Op: op, Path: whole, Err: err}
	}
	if !fs.ValidPath(name) {
		return fail(fs.ErrInvalid)
	}
	at, base := f.t.root, path.Base(name)
	own := name != "." && base == dataName
	if own {
		name = path.Dir(name)
	}
	if name != "." {
		if strings.Contains("/"+name+"/", "/"+dataName+"/") {
			return fail(fs.ErrNotExist)
		}
		at = znode.Join(at, name)
	}
	data, stat, err := f.t.Get(at)
	switch {
	case errors.Is(err, zk.ErrNoNode):
		return fail(fs.ErrNotExist)
	case errors.Is(err, zk.ErrNoAuth):
		return fail(fs.ErrPermission)
	case err != nil:
		return fail(err)
	}
	dir := at == f.t.root || isDir(stat)
	i := &info{t: f.t, path: at, name: base, stat: stat, data: data, dir: dir}
	if own {
		if !i.dir || len(data) == 0 {
			return fail(fs.ErrNotExist)
		}
		i.dir = false
	}
	return i, nil
}

// isDir tells a directory by the Stat alone, so that every view of an ensemble shows the same.
func isDir(s *zk.Stat) bool {
	switch {
	case s.EphemeralOwner != 0:
		return false
	case s.NumChildren != 0 || s.Cversion != 0:
		return true
	}
	return s.DataLength == 0 && s.Version == 0
}

// info is a file, a directory, or an entry of one.
type info struct {
	t    *Cache
	path string // of the znode
	name string
	stat *zk.Stat
	data []byte
	dir  bool
}

func (i *info) Name() string               { return i.name }
func (i *info) IsDir() bool                { return i.dir }
func (i *info) ModTime() time.Time         { return time.UnixMilli(i.stat.Mtime) }
func (i *info) Info() (fs.FileInfo, error) { return i, nil }
func (i *info) Type() fs.FileMode          { return i.Mode().Type() }
func (i *info) String() string             { return fs.FormatFileInfo(i) }

// Sys returns the *zk.Stat.
func (i *info) Sys() any { return i.stat }

func (i *info) Size() int64 {
	if i.dir {
		return 0
	}
	return int64(len(i.data))
}

func (i *info) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

// entries lists a directory, by name.
func (i *info) entries() ([]fs.DirEntry, error) {
	var list []fs.DirEntry
	if len(i.data) > 0 {
		own := *i
		own.name, own.dir = dataName, false
		list = append(list, &own)
	}
	i.t.mu.RLock()
	if n := i.t.findLocked(i.path); n != nil {
		for name, kid := range n.kids {
			if !fs.ValidPath(name) || name == dataName {
				continue
			}
			list = append(list, &info{t: i.t, path: znode.Join(i.path, name), name: name,
				stat: kid.stat, data: kid.data, dir: isDir(kid.stat)})
		}
	}
	i.t.mu.RUnlock()
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, nil
}

// file is an open file.
type file struct {
	info *info
	*bytes.Reader
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }

// dir is an open directory.
type dir struct {
	info   *info
	listed bool
	rest   []fs.DirEntry // owned by the one goroutine that reads, as of any fs.ReadDirFile
}

func (d *dir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *dir) Close() error               { return nil }

func (d *dir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.name, Err: errors.New("is a directory")}
}

func (d *dir) ReadDir(n int) ([]fs.DirEntry, error) {
	if !d.listed {
		all, err := d.info.entries()
		if err != nil {
			return nil, err
		}
		d.rest, d.listed = all, true
	}
	if n <= 0 {
		all := d.rest
		d.rest = nil
		return all, nil
	}
	if len(d.rest) == 0 {
		return nil, io.EOF
	}
	some := d.rest[:min(n, len(d.rest))]
	d.rest = d.rest[len(some):]
	return some, nil
}
