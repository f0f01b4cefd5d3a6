package cache_test

import (
	"errors"
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/zkfs/zkfs/internal/bubble"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/cache"
)

func TestFS(t *testing.T) {
	each(t, func(w *bubble.World) {
		c := w.Connect()
		w.Create(c, "/a", "/a/dir", "/a/dir/file", "/a/dir/file2")
		w.Create(c, "/a/.data", "/a/dir/.data", "/a/é")
		for path, flags := range map[string]int32{
			"/a/empty": zk.FlagPersistent, "/a/mortal": zk.FlagEphemeral,
		} {
			_, err := c.Create(path, nil, flags, bubble.ACL)
			w.OK(err)
		}
		tr := cache.OfTree(w.Context(), c, "/a")
		defer tr.Close()
		w.OK(tr.Sync(w.Context()))
		small := cache.OfTree(w.Context(), c, "/a", cache.MaxBytes(1))
		defer small.Close()
		w.OK(small.Sync(w.Context()))
		if _, err := fs.Stat(small.FS(), "dir"); !errors.Is(err, cache.ErrNotHeld) {
			w.Errorf("a file that does not fit: %v", err)
		}
		w.OK(fstest.TestFS(tr.FS(),
			".data", "dir", "dir/.data", "dir/file", "dir/file2", "empty", "mortal", "é"))
		var seen []string
		w.OK(fs.WalkDir(tr.FS(), ".", func(path string, d fs.DirEntry, err error) error {
			seen = append(seen, d.Type().String()[:1]+" "+path)
			return err
		}))
		want := []string{"d .", "- .data", "d dir", "- dir/.data", "- dir/file", "- dir/file2",
			"d empty", "- mortal", "- é"}
		if !slices.Equal(seen, want) {
			w.Errorf("the walk meets %q, want %q", seen, want)
		}
		for path, want := range map[string]error{
			"none": fs.ErrNotExist, "dir/file/.data": fs.ErrNotExist,
			"empty/.data": fs.ErrNotExist, ".data/x": fs.ErrNotExist,
			"dir/.data/x": fs.ErrNotExist, "/a": fs.ErrInvalid, "dir/": fs.ErrInvalid,
		} {
			if _, err := fs.ReadFile(tr.FS(), path); !errors.Is(err, want) {
				w.Errorf("%s: %v, want %v", path, err, want)
			}
		}
		i, err := fs.Stat(tr.FS(), "dir/file")
		w.OK(err)
		stat, ok := i.Sys().(*zk.Stat)
		if !ok || stat.DataLength != 4 || i.ModTime().UnixMilli() != stat.Mtime {
			w.Errorf("%v, %v", i, i.Sys())
		}
	})
}
