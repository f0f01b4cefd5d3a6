package fs

import (
	"strings"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/zk"
)

// kind is how a znode is shown.
type kind uint8

const (
	kindDir kind = iota
	kindFile
	kindLock // a file whose znode is a lock: its children are contenders, never entries
)

// kinds knows how the znodes of a mount are shown.
type kinds struct {
	lockSuffix string // Options.LockSuffix; empty: no znode is a lock
}

// kindOf returns the kind of the znode at path.
func (k kinds) kindOf(path string, st *zk.Stat) kind {
	if path == "/" {
		return kindDir
	}
	_, name := ensemble.Split(path)
	return kindOf(name, st, k.lockSuffix)
}

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

// isLockName reports whether a znode of that name is shown as a lock file. An empty suffix makes
// none.
func isLockName(name, suffix string) bool {
	return suffix != "" && len(name) > len(suffix) && strings.HasSuffix(name, suffix)
}

// isLockPath reports whether the znode at path has the name of a lock file.
func (k kinds) isLockPath(path string) bool {
	_, name := ensemble.Split(path)
	return isLockName(name, k.lockSuffix)
}

// lockedBy returns the path of the file whose lock the znode at path is.
func (k kinds) lockedBy(path string) string { return strings.TrimSuffix(path, k.lockSuffix) }

// isIdleLock reports whether the znode at path is a lock for which no process contends, and nothing
// else.
func (k kinds) isIdleLock(path string, st *zk.Stat) bool {
	return k.kindOf(path, st) == kindLock && st.EphemeralOwner == 0 && st.NumChildren == 0 && fleeting(st)
}

// fleeting reports whether a lock's znode is there for its contenders only: no client has written
// to it.
func fleeting(st *zk.Stat) bool { return st.Version == 0 && st.DataLength <= 0 }

// Programs lock F by mkdir(2) of F.lock. Such a directory takes no children, because they would
// contend for the lock F.lock. Every mount knows it by its Stat: a child of it has come and gone in
// the transaction that made it, as no contender does.

// isLockDir reports whether a znode with the name of a lock file is such a directory.
func isLockDir(st *zk.Stat) bool {
	return st.Cversion == 2 && st.NumChildren == 0 && st.Pzxid == st.Czxid &&
		st.Version > 0 && st.DataLength <= 0
}

// IsLockDir reports whether the znode at path, with that Stat, is a directory that another program
// has made as its lock, on mounts with that suffix. The lock of that name must not be taken.
func IsLockDir(path, suffix string, st *zk.Stat) bool {
	_, name := ensemble.Split(path)
	return isLockName(name, suffix) && isLockDir(st)
}
