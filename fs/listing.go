package fs

import (
	"context"
	"slices"
	"strings"
	"syscall"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/names"
)

// listing is an open directory: its names, in an order that stays the same, and what is known about them, fetched some
// entries ahead of the reader.
//
// The names are those of the moment when reading began at the start, not of the open: the kernel
// keeps what it reads as long as it knows of no change since then (kernel fact 3).
type listing struct {
	dir     *dir
	entries []listed      // nil: not begun
	next    int           // go-fuse calls one method at a time
	fetched int           // entries before this one are fetched
	batch   int           // how many to fetch at once next time
	last    int           // the entry that Readdirent returned last
	flying  uint64        // the generation of the node that Lookup returned last
	until   time.Duration // after FS.start: so long the kernel trusts all that it was told of the entries
}

// listed is one entry of a listing.
type listed struct {
	name  string // as shown
	path  string // of the znode; empty for "." and ".."
	local *file  // not, or not yet, in ZooKeeper
	data  bool   // the data of the directory's own znode
	s     ensemble.Snapshot
}

// OpendirHandle implements opendir(3). It asks for the names already, because programs look at its errors.
func (d *dir) OpendirHandle(ctx context.Context, _ uint32) (fusefs.FileHandle, uint32, syscall.Errno) {
	ctx, cancel := d.fs.limits.Bound(ctx)
	defer cancel()
	d.fs.ensemble.Await(ctx, d.where())
	s, err := d.state(ctx)
	if err == nil && s.Children == nil && d.removed() == nil { // of which the kernel lists nothing
		_, err = d.fs.ensemble.List(ctx, d.where())
	}
	if err != nil {
		return nil, 0, d.fs.errno("list", d.where(), err)
	}
	d.fs.walked(d, s.Children == nil)
	var flags uint32
	if d.mayKeepListing() { // go-fuse knows the two together only
		flags = fuse.FOPEN_CACHE_DIR | fuse.FOPEN_KEEP_CACHE
	}
	return &listing{dir: d, batch: d.fs.ensemble.FirstBatch()}, flags, 0
}

// mayKeepListing reports whether the kernel may answer from the last listing. When it does not
// trust any more what that told it of the entries, it would ask for each of them (kernel fact 4);
// in a new one it gets all with few requests (kernel fact 2).
func (d *dir) mayKeepListing() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.listedUntil == 0 || time.Since(d.fs.start) < d.listedUntil
}

// told notes for how long the kernel may trust what it was told of an entry.
func (l *listing) told(d time.Duration) {
	if at := time.Since(l.dir.fs.start) + d; d > 0 && (l.until == 0 || at < l.until) {
		l.until = at
	}
}

// end notes that all was listed.
func (l *listing) end() {
	l.dir.mu.Lock()
	defer l.dir.mu.Unlock()
	l.dir.listedUntil = l.until
}

// begin learns the names, unless they are known.
func (l *listing) begin(ctx context.Context) syscall.Errno {
	if l.entries != nil {
		return 0
	}
	ctx, cancel := l.dir.fs.limits.Bound(ctx)
	defer cancel()
	return l.dir.fs.errno("list", l.dir.where(), l.names(ctx))
}

func (l *listing) names(ctx context.Context) error {
	d := l.dir
	if _, err := d.state(ctx); err != nil {
		return err
	}
	path := d.where()
	pending := d.locals() // before the servers are asked: what is committed meanwhile is here or there
	s, all, whole := d.fs.ensemble.Entries(ctx, path)
	if !whole {
		var err error
		if s, err = d.fs.ensemble.List(ctx, path); err != nil {
			return err
		}
	}
	l.entries = make([]listed, 0, s.Children.Len()+4)
	l.entries = append(l.entries, listed{name: "."}, listed{name: ".."})
	for i, name := range s.Children.All() {
		shown := names.Shown(name, d.isRoot())
		if len(shown) > d.fs.longestName() {
			d.fs.log.Warn("list: left out a name that the kernel can not take", "path", path, "bytes", len(shown))
			continue
		}
		delete(pending, shown)
		e := listed{name: shown, path: ensemble.Join(path, name)}
		if whole {
			e.s = all[i]
		}
		l.entries = append(l.entries, e)
	}
	own := len(l.entries)
	hasData := s.Stat.DataLength > 0 && pending[names.Data] == nil
	for name, f := range pending {
		l.entries = append(l.entries, listed{name: name, path: path, local: f})
	}
	if hasData {
		l.entries = append(l.entries, listed{name: names.Data, path: path, data: true, s: s})
	}
	if d.isRoot() && d.fs.o.ShowStatus {
		l.entries = append(l.entries, listed{name: names.Status})
	}
	if whole {
		l.fetched = len(l.entries)
	}
	slices.SortFunc(l.entries[own:], func(a, b listed) int { return strings.Compare(a.name, b.name) })
	return nil
}

// longestName returns how many bytes a name may have for the kernel. One name with more would make
// the whole listing fail (kernel fact 5).
func (f *FS) longestName() int {
	if f.server.KernelSettings().Minor >= 42 { // Linux 6.14
		return 4095
	}
	return 1024
}

// Readdirent returns the next entry, nil at the end.
func (l *listing) Readdirent(ctx context.Context) (*fuse.DirEntry, syscall.Errno) {
	l.dir.fs.nodes.land(l.flying) // go-fuse has taken it before it asks for the next entry
	if errno := l.begin(ctx); errno != 0 {
		return nil, errno
	}
	for l.next < len(l.entries) {
		if l.next >= l.fetched {
			if errno := l.fetch(ctx); errno != 0 {
				return nil, errno
			}
		}
		e := &l.entries[l.next]
		l.last = l.next
		l.next++
		ent := fuse.DirEntry{Name: e.name, Off: uint64(l.next)}
		switch {
		case e.path == "" && e.name == names.Status:
			ent.Mode, ent.Ino = syscall.S_IFREG, l.dir.fs.status.StableAttr().Ino
		case e.path == "":
			ent.Mode, ent.Ino = syscall.S_IFDIR, l.dir.StableAttr().Ino
		case e.local != nil:
			ent.Mode, ent.Ino = syscall.S_IFREG, e.local.StableAttr().Ino
		case e.data:
			ent.Mode, ent.Ino = syscall.S_IFREG, l.dir.fs.nodes.numberOf(idOf(e.path, roleData))
		case e.s.Denied:
			ent.Mode = syscall.S_IFREG // as good a guess as any; stat(2) tells why there is no answer
			ent.Ino = l.dir.fs.nodes.numberOf(e.path)
		case e.s.Stat == nil, l.dir.fs.o.NoEphemerals && e.s.Stat.EphemeralOwner != 0:
			continue // deleted since, or hidden
		case l.dir.fs.kinds.IsIdleLock(e.path, e.s.Stat) && l.hides(ctx, e):
			continue
		default:
			ent.Mode, ent.Ino = syscall.S_IFREG, l.dir.fs.nodes.numberOf(e.path)
			if l.dir.fs.kinds.KindOf(e.path, e.s.Stat) == names.KindDir {
				ent.Mode = syscall.S_IFDIR
			}
		}
		return &ent, 0
	}
	l.end()
	return nil, 0
}

// hides reports whether an entry is the idle lock of a file.
func (l *listing) hides(ctx context.Context, e *listed) bool {
	ctx, cancel := l.dir.fs.limits.Bound(ctx)
	defer cancel()
	return l.dir.fs.hides(ctx, e.path, e.s.Stat)
}

// fetch learns about the next entries.
func (l *listing) fetch(ctx context.Context) syscall.Errno {
	ctx, cancel := l.dir.fs.limits.Bound(ctx)
	defer cancel()
	end := min(len(l.entries), l.next+l.batch)
	paths, at := l.znodes(l.next, end)
	if len(paths) > 0 {
		l.dir.fs.ensemble.Await(ctx, paths[0])
	}
	size, err := l.dir.fs.ensemble.Many(ctx, paths, func(i int, s ensemble.Snapshot) { l.entries[at[i]].s = s })
	if err != nil {
		return l.dir.fs.errno("list", l.dir.where(), err)
	}
	l.fetched = end
	l.batch = ensemble.NextBatch(l.batch, size)
	if paths, _ := l.znodes(end, min(len(l.entries), end+l.batch)); len(paths) > 0 { // for the next call
		l.dir.fs.ensemble.FetchEntries(paths, l.batch)
	}
	return 0
}

// znodes returns the paths of the entries from begin to end that are znodes, and where they are.
func (l *listing) znodes(begin, end int) (paths []string, at []int) {
	paths, at = make([]string, 0, end-begin), make([]int, 0, end-begin)
	for i := begin; i < end; i++ {
		if e := &l.entries[i]; e.path != "" && e.local == nil && !e.data {
			paths = append(paths, e.path)
			at = append(at, i)
		}
	}
	return paths, at
}

// Lookup returns the inode of the entry that Readdirent returned last, with what was fetched about it.
func (l *listing) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fusefs.Inode, syscall.Errno) {
	e := &l.entries[l.last]
	if e.name != name || e.local == nil && e.s.Stat == nil {
		return l.dir.Lookup(ctx, name, out)
	}
	var z znode
	switch {
	case e.local != nil:
		z = e.local
		l.dir.fs.nodes.lend(e.local)
	case e.data:
		z = l.dir.reservedFile(ctx, e.path, roleData, e.s.Stat)
	default:
		z = l.dir.child(ctx, e.path, e.s.Stat)
	}
	l.flying = z.EmbeddedInode().StableAttr().Gen
	l.dir.fs.setEntry(out, z, e.s)
	if e.local == nil && !e.data {
		l.told(out.EntryTimeout())
	}
	return z.EmbeddedInode(), 0
}

// Seekdir goes on behind the entry at off.
func (l *listing) Seekdir(ctx context.Context, off uint64) syscall.Errno {
	if off == 0 {
		l.entries, l.next, l.fetched, l.until = nil, 0, 0, 0
		return 0
	}
	if errno := l.begin(ctx); errno != 0 {
		return errno
	}
	if off > uint64(len(l.entries)) {
		return syscall.EINVAL
	}
	l.next = int(off)
	l.fetched = min(l.fetched, l.next)
	return 0
}

// Fsyncdir implements fsync(2) of a directory: what is listed or looked up next is as new as this call.
func (l *listing) Fsyncdir(ctx context.Context, _ uint32) syscall.Errno {
	ctx, cancel := l.dir.fs.limits.Bound(ctx)
	defer cancel()
	path := l.dir.where()
	return l.dir.fs.errno("fsync", path, l.dir.fs.ensemble.Sync(ctx, path))
}
