package mirror_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/internal/bubble"
	"github.com/zkfs/zkfs/internal/cut"
	"github.com/zkfs/zkfs/internal/mirror"
	"github.com/zkfs/zkfs/zk"
)

// files shows a folder: "name=data", "dir/", "link>target".
func files(w *bubble.World, dir string) (all []string) {
	w.Helper()
	w.OK(fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		switch d.Type() {
		case fs.ModeDir:
			all = append(all, name+"/")
			if strings.HasPrefix(name, "..2") {
				return fs.SkipDir
			}
		case fs.ModeSymlink:
			to, err := os.Readlink(filepath.Join(dir, name))
			w.OK(err)
			all = append(all, name+">"+to)
		default:
			data, err := os.ReadFile(filepath.Join(dir, name))
			w.OK(err)
			all = append(all, name+"="+string(data))
		}
		return nil
	}))
	return all
}

// content is files of the current tree.
func content(w *bubble.World, dir string) []string {
	w.Helper()
	real, err := filepath.EvalSymlinks(filepath.Join(dir, "..data"))
	w.OK(err)
	return files(w, real)
}

// tops is the names at the top without a tree's own.
func tops(w *bubble.World, dir string) (names []string) {
	w.Helper()
	for _, line := range files(w, dir) {
		if name, to, ok := strings.Cut(line, ">"); ok && name != "..data" {
			if to != "..data/"+name {
				w.Errorf("%s leads to %s", name, to)
			}
			names = append(names, name)
		}
	}
	return names
}

func same(w *bubble.World, what string, got, want []string) {
	w.Helper()
	if !slices.Equal(got, want) {
		w.Errorf("%s\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// set makes or sets znodes, "path=data".
func set(w *bubble.World, c *zk.Conn, changes ...string) {
	w.Helper()
	for _, text := range changes {
		path, data, _ := strings.Cut(text, "=")
		_, err := c.Create(path, []byte(data), zk.FlagPersistent, bubble.ACL)
		if errors.Is(err, zk.ErrNodeExists) {
			_, err = c.Set(path, []byte(data), -1)
		}
		w.OK(err)
	}
}

// begin opens a mirror of /t, until the test ends.
func begin(w *bubble.World, c *zk.Conn, dir string) (*mirror.Mirror, *cut.Cut) {
	w.Helper()
	m, err := mirror.Open(dir)
	w.OK(err)
	w.Cleanup(func() { m.Close() })
	state, err := cut.Take(w.Context(), c, "/t", cut.Options{})
	w.OK(err)
	w.Cleanup(func() { state.Close() })
	w.OK(m.Begin(state))
	return m, state
}

// Each change of a tree becomes one of the directory, and the tree before it stays.
func TestMirror(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		c, dir := w.Connect(), filepath.Join(w.TempDir(), "m")
		set(w, c, "/t=", "/t/a=1", "/t/d=", "/t/d/x=1", "/t/d/y=1", "/t/..data=2", "/t/x.lock=")
		m, state := begin(w, c, dir)
		same(w, "at first", content(w, dir), []string{"%2E.data=2", "a=1", "d/", "d/x=1", "d/y=1"})
		same(w, "at the top", tops(w, dir), []string{"%2E.data", "a", "d"})
		for _, tt := range []struct {
			name   string
			change func()
			want   []string // nil: no switch
			tops   string
		}{
			{"set", func() { set(w, c, "/t/d/x=2") }, []string{"%2E.data=2", "a=1", "d/", "d/x=2",
				"d/y=1"}, "%2E.data a d"},
			{"the same data", func() { set(w, c, "/t/d/x=2") }, nil, ""},
			{"a lock", func() { set(w, c, "/t/x.lock/c=1") }, nil, ""},
			{"create", func() { set(w, c, "/t/n=3") }, []string{"%2E.data=2", "a=1", "d/", "d/x=2",
				"d/y=1", "n=3"}, "%2E.data a d n"},
			{"delete", func() { w.OK(c.Delete("/t/..data", -1)) }, []string{"a=1", "d/", "d/x=2",
				"d/y=1", "n=3"}, "a d n"},
			{"file to directory", func() { set(w, c, "/t/a/b=4") },
				[]string{"a/", "a/.data=1", "a/b=4", "d/", "d/x=2", "d/y=1", "n=3"}, "a d n"},
			{"data of directories", func() { set(w, c, "/t=5", "/t/d=6") },
				[]string{".data=5", "a/", "a/.data=1", "a/b=4", "d/", "d/.data=6", "d/x=2", "d/y=1",
					"n=3"}, ".data a d n"},
			{"a transaction", func() {
				_, err := c.Multi(&zk.DeleteRequest{Path: "/t/a/b", Version: -1},
					&zk.DeleteRequest{Path: "/t/a", Version: -1},
					&zk.DeleteRequest{Path: "/t/n", Version: -1}, &zk.SetDataRequest{Path: "/t", Version: -1},
					&zk.CreateRequest{Path: "/t/e", Data: []byte("7"), Flags: zk.FlagEphemeral, Acl: bubble.ACL})
				w.OK(err)
			}, []string{"d/", "d/.data=6", "d/x=2", "d/y=1", "e=7"}, "d e"},
		} {
			before, old := content(w, dir), current(w, dir)
			tt.change()
			for state.Waiting() { // events of this client have come before its replies
				changes, err := state.Next(w.Context())
				w.OK(err)
				_, err = m.Apply(changes)
				w.OK(err)
			}
			if tt.want == nil {
				same(w, tt.name, []string{current(w, dir)}, []string{old})
				continue
			}
			same(w, tt.name, content(w, dir), tt.want)
			same(w, tt.name+": at the top", tops(w, dir), strings.Fields(tt.tops))
			if tt.name != "data of directories" { // which are two transactions
				same(w, tt.name+": the tree before", files(w, filepath.Join(dir, old)), before)
			}
			trees, err := filepath.Glob(filepath.Join(dir, "..2*"))
			w.OK(err)
			if len(trees) != 2 {
				w.Errorf("%s: trees %q", tt.name, trees)
			}
		}
	})
}

func current(w *bubble.World, dir string) string {
	w.Helper()
	to, err := os.Readlink(filepath.Join(dir, "..data"))
	w.OK(err)
	return to
}

// A tree that is deleted as a whole stays in the directory.
func TestMirrorOfWhatIsGone(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		c, dir := w.Connect(), w.TempDir()
		set(w, c, "/t=", "/t/a=1")
		m, state := begin(w, c, dir)
		_, err := c.Multi(&zk.DeleteRequest{Path: "/t/a", Version: -1}, &zk.DeleteRequest{Path: "/t", Version: -1})
		w.OK(err)
		changes, err := state.Next(w.Context())
		w.OK(err)
		if _, err := m.Apply(changes); !errors.Is(err, mirror.ErrGone) {
			w.Errorf("error %v", err)
		}
		same(w, "the directory has", content(w, dir), []string{"a=1"})
	})
}

// What a process that was killed has begun is gone after the next switch, and files of other
// programs stay.
func TestMirrorAfterAKill(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		c, dir := w.Connect(), w.TempDir()
		set(w, c, "/t=", "/t/a=1")
		for _, name := range []string{"..2026_12_01_03_04_05.123456789", "..2026_12_01_03_04_06.123456789"} {
			w.OK(os.Mkdir(filepath.Join(dir, name), 0o755))
			w.OK(os.WriteFile(filepath.Join(dir, name, "half"), nil, 0o444))
		}
		w.OK(os.Symlink("..2026_12_01_03_04_05.123456789", filepath.Join(dir, "..data_tmp")))
		state, err := cut.Take(w.Context(), c, "/t", cut.Options{})
		w.OK(err)
		defer state.Close()
		m, err := mirror.Open(dir)
		w.OK(err)
		w.OK(m.Begin(state))
		if _, err := mirror.Open(dir); !errors.Is(err, mirror.ErrTaken) {
			w.Errorf("a second mirror: %v", err)
		}
		w.OK(m.Close())
		now := current(w, dir)
		same(w, "the directory has", files(w, dir), []string{now + "/", "..data>" + now, "a>..data/a"})

		w.OK(os.WriteFile(filepath.Join(dir, "mine"), nil, 0o644))
		w.OK(os.Symlink("..data/other", filepath.Join(dir, "link")))
		w.OK(os.Symlink("..data/gone", filepath.Join(dir, "gone")))
		m, err = mirror.Open(dir)
		w.OK(err)
		defer m.Close()
		w.OK(m.Begin(state))
		again := current(w, dir)
		same(w, "then", files(w, dir), []string{now + "/", again + "/", "..data>" + again, "a>..data/a",
			"link>..data/other", "mine="})
	})
}

func TestMirrorOfOtherDirectories(t *testing.T) {
	for name, make := range map[string]func(dir string) error{
		"a file":         func(dir string) error { return os.WriteFile(dir+"/f", nil, 0o644) },
		"a foreign link": func(dir string) error { return os.Symlink("/etc", dir+"/..data") },
		"no link":        func(dir string) error { return os.Mkdir(dir+"/..data", 0o755) },
	} {
		dir := t.TempDir()
		if err := make(dir); err != nil {
			t.Fatal(err)
		}
		if m, err := mirror.Open(dir); !errors.Is(err, mirror.ErrForeign) {
			t.Errorf("%s: %v, error %v", name, m, err)
		}
	}
}
