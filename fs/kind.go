package fs

import (
	"strings"

	"github.com/zkfs/zkfs/zk"
)

// kind is how a znode is shown.
type kind uint8

const (
	kindDir kind = iota
	kindFile
	kindLock // a file whose znode is a lock: its children are contenders, never entries
)

// kindOf is the whole rule of what is a file and what is a directory. It depends on the znode's
// name and Stat alone, so that every mount shows the same types, after a remount too.
// The root of a mount is a directory and is not asked for.
func kindOf(name string, st *zk.Stat, lockSuffix string) kind {
	switch {
	case isLockName(name, lockSuffix) && isLockDir(st):
		return kindDir
	case isLockName(name, lockSuffix):
		return kindLock
	case st.EphemeralOwner != 0:
		return kindFile
	case st.NumChildren > 0 || st.Cversion != 0: // has children, or ever had one
		return kindDir
	case st.DataLength > 0 || st.Version > 0: // has data, or ever had some
		return kindFile
	default: // empty and untouched
		return kindDir
	}
}

// isLockName reports whether a znode of that name is shown as a lock file. An empty suffix makes none.
func isLockName(name, suffix string) bool {
	return suffix != "" && len(name) > len(suffix) && strings.HasSuffix(name, suffix)
}
