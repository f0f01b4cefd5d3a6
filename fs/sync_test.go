package fs

import "testing"

// After fsync of a file nothing of it passes for known, though the version is the same: servers
// change some znodes of their own without a new one.
func TestSyncBringsTheSameVersionAgain(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f", "data")
	w.want(`ok "data"`, "cat", "f")
	w.want("ok", "open", "1", "f", "r")
	f := w.fs.root.GetChild("f").Operations().(*file)
	known := func() (told, stored int64, shown bool) {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.told, f.stored, f.shown.hasData
	}
	if told, stored, shown := known(); told == 0 || stored != told || !shown {
		t.Fatalf("the kernel was told of %d and handed %d, %v", told, stored, shown)
	}
	w.want("ok", "fsync", "1")
	if _, stored, shown := known(); stored != 0 || shown {
		t.Errorf("still handed %d, %v", stored, shown)
	}
	s := w.spyOn()
	w.want(`ok "data"`, "cat", "f")
	if asked := s.take(false); len(asked) == 0 {
		t.Error("the servers are not asked")
	}
}
