package fs

import (
	"strings"

	"github.com/zkfs/zkfs/internal/ensemble"
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
		case rest == "" && (name == nameData || name == nameLock):
			return znode, true
		case reserved(name, root) || !validName(name):
			return "", false
		}
		znode = ensemble.Join(znode, znodeName(name, root))
	}
	return znode, true
}

// LockPath returns the path of the znode that flock(2) locks on a file of a mount: that of the file
// if its name ends in suffix, that of the directory for its file .lock, else that of the lock file
// beside it. suffix is Options.LockSuffix, ".lock" if it is empty.
func LockPath(file, suffix string) (znode string, ok bool) {
	if suffix == "" {
		suffix = nameLock
	}
	znode, ok = ZnodePath(file)
	_, name := ensemble.Split(file)
	switch {
	case !ok || name == "":
		return "", false
	case name == nameLock:
		return znode, true
	case name == nameData:
		return ensemble.Join(znode, nameData+suffix), true
	}
	if _, name := ensemble.Split(znode); isLockName(name, suffix) {
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
		file = ensemble.Join(file, shownName(name, file == "/"))
	}
	return file
}
