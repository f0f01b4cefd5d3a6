package fs

import (
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/zkfs/zkfs/zk"
)

// maxWrite is the most that one WRITE of the kernel brings: a whole znode, as a rule.
const maxWrite = 1 << 20

// block is st_blksize where data is sent at close. gdbm makes a database of four blocks and
// shred(1) fills the last one: a file of so many bytes must not be larger than a znode. How many
// writes bring the data does not matter then.
const block = 4 << 10

// blockSize returns st_blksize. cp, cat and python write in units of it: a whole znode at once,
// where each write is a version.
func (o *Options) blockSize() uint32 {
	if o.Commit == CommitWrite {
		return maxWrite
	}
	return block
}

// What statfs(2) tells. ZooKeeper knows no size, and programs do not write where nothing is free.
const (
	blocksFree = 1 << 40 / block // 1 TiB
	filesFree  = 1 << 30
)

// sticky marks what vanishes by itself: ephemerals, and lock files without data.
const sticky = 0o1000

// fileAttr fills out for a regular file with the data of the znode with that Stat.
func (o *Options) fileAttr(out *fuse.Attr, st *zk.Stat) {
	o.commonAttr(out)
	out.Mode = fuse.S_IFREG | o.mode(0o644)
	if st.EphemeralOwner != 0 {
		out.Mode |= sticky
	}
	out.Size = uint64(max(st.DataLength, 0))
	out.Blocks = (out.Size + 511) / 512
	setTime(out, st.Mtime, int64(st.Version))
}

// dirAttr fills out for a directory. Its size is the number of its children, and its time changes
// with every change of the list of children, so that the kernel's own cache of the listing notices
// (kernel fact 3).
func (o *Options) dirAttr(out *fuse.Attr, st *zk.Stat) {
	o.commonAttr(out)
	out.Mode = fuse.S_IFDIR | o.mode(0o755)
	out.Size = uint64(max(st.NumChildren, 0))
	setTime(out, st.Mtime, int64(st.Version)+int64(st.Cversion))
}

// lockAttr fills out for a lock file: the data of its znode or, without, the queue, whose length is only known when it is read.
func (o *Options) lockAttr(out *fuse.Attr, st *zk.Stat) {
	o.fileAttr(out, st)
	if st.DataLength <= 0 {
		out.Mode |= sticky
	}
}

func (o *Options) commonAttr(out *fuse.Attr) {
	out.Nlink = 1 // of directories too: tools must not guess how many are inside
	out.Uid = o.UID
	out.Gid = o.GID
	out.Blksize = o.blockSize()
}

// mode returns perm as the umask option leaves it.
func (o *Options) mode(perm uint32) uint32 {
	return perm &^ (o.Umask & 0o777)
}

// setTime sets the times to ms after the epoch, with the number of changes below the millisecond:
// two changes within one millisecond still differ, for the kernel's pages too (kernel fact 26).
func setTime(out *fuse.Attr, ms, changes int64) {
	t := time.UnixMilli(ms).Add(time.Duration(((changes % 1e6) + 1e6) % 1e6))
	out.SetTimes(&t, &t, &t)
}
