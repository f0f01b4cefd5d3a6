package fs

import (
	"strings"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/names"
	"github.com/zkfs/zkfs/zk"
)

// ZnodePath returns the path of the znode that a file or directory of a mount shows. Both paths
// begin with a slash, at the root of the mount. The files .data and .lock of a directory belong to
// its znode; ok is false for /.status and for names that no znode can have.
func ZnodePath(file string) (znode string, ok bool) {
	znode = "/"
	for rest := strings.TrimPrefix(file, "/"); rest != ""; {
		var name string
		name, rest = cut(rest)
		root := znode == "/"
		switch {
		case rest == "" && (name == names.Data || name == names.Lock):
			return znode, true
		case names.Reserved(name, root) || !names.Valid(name):
			return "", false
		}
		znode = ensemble.Join(znode, names.Znode(name, root))
	}
	return znode, true
}

// LockPath returns the path of the znode that flock(2) locks on a file of a mount: that of the file
// if its name ends in suffix, that of the directory for its file .lock, else that of the lock file
// beside it. suffix is Options.LockSuffix, ".lock" if it is empty.
func LockPath(file, suffix string) (znode string, ok bool) {
	if suffix == "" {
		suffix = names.Lock
	}
	znode, ok = ZnodePath(file)
	_, name := ensemble.Split(file)
	switch {
	case !ok || name == "":
		return "", false
	case name == names.Lock:
		return znode, true
	case name == names.Data:
		return ensemble.Join(znode, names.Data+suffix), true
	}
	if _, name := ensemble.Split(znode); names.IsLockName(name, suffix) {
		return znode, true
	}
	return znode + suffix, true
}

// FilePath returns the path of the file or directory of a mount that shows a znode. Both begin with
// a slash, at the root of the mount.
func FilePath(znode string) string {
	file := "/"
	for rest := strings.TrimPrefix(znode, "/"); rest != ""; {
		var name string
		name, rest = cut(rest)
		file = ensemble.Join(file, names.Shown(name, file == "/"))
	}
	return file
}

// cut splits off the first name of a path without its leading slash.
func cut(path string) (name, rest string) {
	name, rest, _ = strings.Cut(path, "/")
	return name, rest
}

// IsLockDir reports whether the znode at path, with that Stat, is a directory that another program
// has made as its lock, on mounts with that suffix. The lock of that name must not be taken.
func IsLockDir(path, suffix string, st *zk.Stat) bool { return names.IsLockDir(path, suffix, st) }
