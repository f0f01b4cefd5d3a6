package checkout

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/zkfs/zkfs/internal/names"
)

// A Local is what a directory says that a znode is.
type Local struct {
	Dir  bool
	Data bool // a file says what its data is
	Size int64
	Sum  Sum
}

// A UnfitError names a file that stands for no znode.
type UnfitError struct{ File, Why string }

func (e *UnfitError) Error() string { return e.File + " " + e.Why }

// ReadDir reads a directory, by the paths of the znodes.
func ReadDir(root *os.Root, layout Layout) (map[string]*Local, error) {
	all := map[string]*Local{}
	err := fs.WalkDir(root.FS(), ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if file == StateName || file == partName {
			return nil
		}
		return readEntry(root, layout, all, file, entry)
	})
	return all, err
}

func readEntry(root *os.Root, layout Layout, all map[string]*Local, file string, entry fs.DirEntry) error {
	dir, name := path.Split(file)
	reserve := layout.top
	if dir != "" {
		reserve = below
	}
	isData := name == names.Data
	switch {
	case file == ".":
		all["/"] = &Local{Dir: true, Sum: noData}
		return nil
	case !entry.IsDir() && !entry.Type().IsRegular():
		return &UnfitError{file, "is no file and no directory"}
	case isData && entry.IsDir():
		return &UnfitError{file, "is a directory: the data of a znode is a file"}
	case !isData && reserve(name), !isData && !names.Valid(reserve.Znode(name)):
		return &UnfitError{file, "has a name that no znode can have"}
	case entry.IsDir():
		all[layout.Path(file)] = &Local{Dir: true, Sum: noData}
		return nil
	}
	size, sum, err := hash(root, file)
	if err != nil {
		return err
	}
	if isData {
		l := all[layout.Path(path.Clean(dir))]
		l.Data, l.Size, l.Sum = true, size, sum
		return nil
	}
	all[layout.Path(file)] = &Local{Data: true, Size: size, Sum: sum}
	return nil
}

func hash(root *os.Root, file string) (size int64, sum Sum, err error) {
	f, err := root.Open(file)
	if err != nil {
		return 0, sum, err
	}
	h := sha256.New()
	size, err = io.Copy(h, f)
	h.Sum(sum[:0])
	return size, sum, errors.Join(err, f.Close())
}

// data reads what was hashed before.
func (l *Local) data(root *os.Root, layout Layout, path string) ([]byte, error) {
	if !l.Data {
		return nil, nil
	}
	file := layout.DataFile(path, l.Dir)
	data, err := root.ReadFile(file)
	if err == nil && sha256.Sum256(data) != l.Sum {
		err = fmt.Errorf("%s is being changed", file)
	}
	return data, err
}
