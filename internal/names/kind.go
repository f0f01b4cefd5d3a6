// Package names is the rule by which a znode becomes an entry of a directory: what kind of entry it
// is, and under what name it is shown.
package names

import (
	"strings"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/zk"
)

// Kind is how a znode is shown.
type Kind uint8

// The kinds.
const (
	KindDir Kind = iota
	KindFile
	KindLock // a file whose znode is a lock: its children are contenders, never entries
)

// Kinds knows how the znodes of a mount are shown.
type Kinds struct {
	LockSuffix string // Options.LockSuffix; empty: no znode is a lock
}

// KindOf returns the kind of the znode at path.
func (k Kinds) KindOf(path string, st *zk.Stat) Kind {
	if path == "/" {
		return KindDir
	}
	_, name := ensemble.Split(path)
	return KindOf(name, st, k.LockSuffix)
}

// KindOf is the whole rule of what is a file and what is a directory. It depends on the znode's
// name and Stat alone, so that every mount shows the same types, after a remount too.
// The root of a mount is a directory and is not asked for.
func KindOf(name string, st *zk.Stat, lockSuffix string) Kind {
	switch {
	case IsLockName(name, lockSuffix) && isLockDir(st):
		return KindDir
	case IsLockName(name, lockSuffix):
		return KindLock
	case st.EphemeralOwner != 0:
		return KindFile
	case st.NumChildren > 0 || st.Cversion != 0: // has children, or ever had one
		return KindDir
	case st.DataLength > 0 || st.Version > 0: // has data, or ever had some
		return KindFile
	default: // empty and untouched
		return KindDir
	}
}

// IsLockName reports whether a znode of that name is shown as a lock file. An empty suffix makes
// none.
func IsLockName(name, suffix string) bool {
	return suffix != "" && len(name) > len(suffix) && strings.HasSuffix(name, suffix)
}

// IsLockPath reports whether the znode at path has the name of a lock file.
func (k Kinds) IsLockPath(path string) bool {
	_, name := ensemble.Split(path)
	return IsLockName(name, k.LockSuffix)
}

// LockedBy returns the path of the file whose lock the znode at path is.
func (k Kinds) LockedBy(path string) string { return strings.TrimSuffix(path, k.LockSuffix) }

// IsIdleLock reports whether the znode at path is a lock for which no process contends, and nothing
// else.
func (k Kinds) IsIdleLock(path string, st *zk.Stat) bool {
	return k.KindOf(path, st) == KindLock && st.EphemeralOwner == 0 && st.NumChildren == 0 && Fleeting(st)
}

// Fleeting reports whether a lock's znode is there for its contenders only: no client has written
// to it.
func Fleeting(st *zk.Stat) bool { return st.Version == 0 && st.DataLength <= 0 }

// Programs lock F by mkdir(2) of F.lock. Such a directory takes no children, because they would
// contend for the lock F.lock. Every mount knows it by its Stat: a child of it has come and gone in
// the transaction that made it, as no contender does.

// isLockDir reports whether a znode with the name of a lock file is such a directory.
func isLockDir(st *zk.Stat) bool {
	return st.Cversion == 2 && st.NumChildren == 0 && st.Pzxid == st.Czxid &&
		st.Version > 0 && st.DataLength <= 0
}

// IsLockDir is isLockDir for any znode, by its path.
func IsLockDir(path, suffix string, st *zk.Stat) bool {
	_, name := ensemble.Split(path)
	return IsLockName(name, suffix) && isLockDir(st)
}
