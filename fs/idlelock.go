package fs

import (
	"context"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/names"
	"github.com/zkfs/zkfs/zk"
)

// The lock of a file F is the znode F.lock. While processes contend for it, F.lock is a name in the
// directory: a process that wants to create F.lock as its own lock finds that F is locked.
//
// Without contenders the znode stays until the servers remove it, and means nothing: then there is
// no such name beside F. A file or directory called F.lock takes its place in one transaction,
// which fails if a contender has come. See replaceIdle.

// hides reports whether the znode at path is the idle lock of a file beside it, which is no name in
// the directory.
func (f *FS) hides(ctx context.Context, path string, st *zk.Stat) bool {
	if !f.kinds.IsIdleLock(path, st) {
		return false
	}
	locked := f.kinds.LockedBy(path)
	s, err := f.ensemble.Know(ctx, locked)
	return err == nil && f.kinds.KindOf(locked, s.Stat) == names.KindFile
}

// removeLock removes the znode at path if it is the idle lock of a file that this mount has
// removed. The servers would do it later. Data, or a contender that comes meanwhile, keeps it.
func (f *FS) removeLock(ctx context.Context, path string) {
	s, err := f.ensemble.Know(ctx, path)
	if err != nil || !f.kinds.IsIdleLock(path, s.Stat) {
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
	if d.fs.kinds.LockSuffix == "" {
		return false
	}
	_, lock := ensemble.Split(path + d.fs.kinds.LockSuffix)
	if s, ok := d.fs.ensemble.Peek(d.where()); ok && s.Children != nil {
		return s.Children.Has(lock)
	}
	f, ok := d.fs.nodes.find(path).(*file)
	return ok && f.wasAsked()
}
