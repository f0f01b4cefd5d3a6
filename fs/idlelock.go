package fs

import (
	"context"
	"strings"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/zk"
)

// The lock of a file F is the znode F.lock. While processes contend for it, F.lock is a name in the
// directory: a process that wants to create F.lock as its own lock finds that F is locked.
//
// Without contenders the znode stays until the servers remove it, and means nothing: then there is
// no such name beside F. A file or directory called F.lock takes its place in one transaction,
// which fails if a contender has come. See replaceIdle.

// isIdleLock reports whether the znode at path is a lock for which no process contends, and nothing
// else.
func (f *FS) isIdleLock(path string, st *zk.Stat) bool {
	return f.kindOf(path, st) == kindLock && st.EphemeralOwner == 0 && st.NumChildren == 0 && fleeting(st)
}

// fleeting reports whether a lock's znode is there for its contenders only: no client has written
// to it.
func fleeting(st *zk.Stat) bool { return st.Version == 0 && st.DataLength <= 0 }

// hides reports whether the znode at path is the idle lock of a file beside it, which is no name in
// the directory.
func (f *FS) hides(ctx context.Context, path string, st *zk.Stat) bool {
	if !f.isIdleLock(path, st) {
		return false
	}
	locked := f.lockedBy(path)
	s, err := f.ensemble.Know(ctx, locked)
	return err == nil && f.kindOf(locked, s.Stat) == kindFile
}

// removeLock removes the znode at path if it is the idle lock of a file that this mount has
// removed. The servers would do it later. Data, or a contender that comes meanwhile, keeps it.
func (f *FS) removeLock(ctx context.Context, path string) {
	s, err := f.ensemble.Know(ctx, path)
	if err != nil || !f.isIdleLock(path, s.Stat) {
		return
	}
	f.remove(ctx, path, func() error {
		_, err := f.ensemble.Do(ctx, ensemble.Deletion{Path: path, Seen: s.Stat})
		return err
	})
}

// mayHaveLock reports whether the file at path in d may have a lock's znode beside it, as far as
// that is known.
func (d *dir) mayHaveLock(path string) bool {
	if d.fs.o.LockSuffix == "" {
		return false
	}
	_, lock := ensemble.Split(path + d.fs.o.LockSuffix)
	if s, ok := d.fs.ensemble.Peek(d.where()); ok && s.Children != nil {
		return s.Children.Has(lock)
	}
	f, ok := d.fs.nodes.find(path).(*file)
	return ok && f.wasAsked()
}

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

// isLockPath reports whether the znode at path has the name of a lock file.
func (f *FS) isLockPath(path string) bool {
	_, name := ensemble.Split(path)
	return isLockName(name, f.o.LockSuffix)
}

// lockedBy returns the path of the file whose lock the znode at path is.
func (f *FS) lockedBy(path string) string { return strings.TrimSuffix(path, f.o.LockSuffix) }

// takesChildren reports whether something can be created in d.
func (d *dir) takesChildren() bool {
	return d.isRoot() || !d.fs.isLockPath(d.where())
}
