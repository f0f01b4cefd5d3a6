package fs

import (
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/zkfs/zkfs/zk"
)

func TestFileAttr(t *testing.T) {
	o := Options{UID: 7, GID: 8, Umask: 0o077}
	var a fuse.Attr
	o.fileAttr(&a, &zk.Stat{Mtime: 1500, Version: 3, DataLength: 10})
	if a.Mode != fuse.S_IFREG|0o600 || a.Size != 10 || a.Nlink != 1 || a.Uid != 7 || a.Gid != 8 || a.Blksize != 4096 {
		t.Errorf("%+v", a)
	}
	if a.Mtime != 1 || a.Mtimensec != 500_000_003 || a.Ctime != 1 || a.Ctimensec != a.Mtimensec {
		t.Errorf("times: %d.%09d, %d.%09d", a.Mtime, a.Mtimensec, a.Ctime, a.Ctimensec)
	}
	o.fileAttr(&a, &zk.Stat{EphemeralOwner: 1})
	if a.Mode&sticky == 0 {
		t.Error("an ephemeral has no sticky bit")
	}
}

// Where each write is a version, cp(1) and others hand over a whole znode at once.
func TestBlockSize(t *testing.T) {
	for commit, want := range map[CommitMode]uint32{CommitClose: 4 << 10, CommitWrite: 1 << 20} {
		if got := (&Options{Commit: commit}).blockSize(); got != want {
			t.Errorf("commit %d: %d, want %d", commit, got, want)
		}
	}
}

func TestDirAttr(t *testing.T) {
	var o Options
	var a, b fuse.Attr
	o.dirAttr(&a, &zk.Stat{NumChildren: 4, Cversion: 6, Version: 1})
	o.dirAttr(&b, &zk.Stat{NumChildren: 4, Cversion: 8, Version: 1})
	if a.Mode != fuse.S_IFDIR|0o755 || a.Size != 4 || a.Nlink != 1 {
		t.Errorf("%+v", a)
	}
	if a.Mtimensec == b.Mtimensec {
		t.Error("a child that came and one that went leave the time as it was")
	}
}

func TestLockAttr(t *testing.T) {
	var o Options
	var a fuse.Attr
	o.lockAttr(&a, &zk.Stat{})
	if a.Mode&sticky == 0 {
		t.Error("a lock file without data has no sticky bit")
	}
	o.lockAttr(&a, &zk.Stat{DataLength: 1})
	if a.Mode&sticky != 0 {
		t.Error("a lock file with data has a sticky bit")
	}
}

// Versions overflow; the time must not leave its millisecond.
func TestTimeStaysInItsMillisecond(t *testing.T) {
	for _, version := range []int64{0, 1, 999_999, 1_000_000, -1, -1 << 31} {
		var a fuse.Attr
		setTime(&a, 1000, version)
		if a.Mtime != 1 || a.Mtimensec > 999_999 {
			t.Errorf("version %d: %d.%09d", version, a.Mtime, a.Mtimensec)
		}
	}
}
