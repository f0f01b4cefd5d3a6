package fs

import (
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/life"
	"github.com/zkfs/zkfs/zk"
)

// snap is version n of a file, of n bytes, learned in the epoch.
func snap(n int, epoch uint32) ensemble.Snapshot {
	st := &zk.Stat{Czxid: 1, Mzxid: int64(n), Version: int32(n), DataLength: int32(n)}
	return ensemble.Snapshot{Stat: st, Data: make([]byte, n), HasData: true, Epoch: epoch}
}

// An answer that was overtaken on its way does not bring back what was there before, neither for reads nor for stat.
func TestNothingOlderIsShown(t *testing.T) {
	for _, tt := range []struct {
		name        string
		first, then ensemble.Snapshot
		want        int
	}{
		{"newer", snap(1, 1), snap(2, 1), 2},
		{"overtaken", snap(2, 1), snap(1, 1), 2},
		{"overtaken by a reconnect", snap(1, 2), snap(2, 1), 1},
		{"another ensemble", snap(2, 1), snap(1, 2), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := (&FS{}).newFile("/f", roleLeaf, life.Grown)
			h := &handle{file: f}
			f.opened(h, tt.first)
			f.show(tt.then)
			if got := len(f.contentLocked()); got != tt.want {
				t.Errorf("version %d is read, want %d", got, tt.want)
			}
			var out fuse.Attr
			if f.attr(&out, snap(tt.want, 1), time.Second); out.Size != uint64(tt.want) {
				t.Errorf("the size is %d, want %d", out.Size, tt.want)
			}
		})
	}
}

// A look-up that finds another version than the one that reads of an open file are answered from does not tell the
// kernel the size of it: the kernel would cut what is read.
func TestSizeOfWhatIsRead(t *testing.T) {
	f := (&FS{}).newFile("/f", roleLeaf, life.Grown)
	f.opened(&handle{file: f}, snap(10, 1))
	var out fuse.Attr
	if d := f.attr(&out, snap(3, 1), time.Second); out.Size != 10 || d != 0 {
		t.Errorf("size %d for %v, want 10 for no time", out.Size, d)
	}
}

// Whoever reads goes on with the version whose size the kernel knows, until it was told that there is another.
func TestOpenDoesNotChangeWhatOthersRead(t *testing.T) {
	f := (&FS{}).newFile("/f", roleLeaf, life.Grown)
	f.opened(&handle{file: f}, snap(3, 1))
	f.attr(&fuse.Attr{}, snap(3, 1), time.Second)
	if outdated := f.opened(&handle{file: f}, snap(10, 1)); !outdated || len(f.contentLocked()) != 3 {
		t.Errorf("%d bytes are read, the kernel is told: %v", len(f.contentLocked()), outdated)
	}
}
