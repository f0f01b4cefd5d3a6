package fs

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/internal/life"
)

// livesAs makes the file /f or /f~ in a life, which the agent has open as 1. The flags are added to
// those that it needs.
func (w *world) livesAs(l life.Life, flags string) *file {
	w.t.Helper()
	name, made := "f", "rw+creat"+flags
	switch l {
	case life.Grown, life.Removed, life.Vanished:
		w.create("/f", "old")
		w.eventually("ok file 0644 size=3 nlink=1", "stat", "f")
		made = "rw" + flags
	case life.Newborn:
		made += "+excl"
	case life.Scratch:
		name = "f~"
	}
	w.want("ok", "open", "1", name, made)
	f := w.fileAt(name)
	switch l {
	case life.Removed:
		w.want("ok", "unlink", "f")
	case life.Vanished:
		w.remove("/f")
		w.eventually("ENOENT", "stat", "f")
	}
	w.lives(f, l, "it was made")
	return f
}

// fileAt returns the file of that name in the root.
func (w *world) fileAt(name string) *file {
	w.t.Helper()
	f, ok := w.fs.nodes.find("/" + name).(*file)
	if !ok {
		w.t.Fatalf("no file %s", name)
	}
	return f
}

// lives waits until f lives so.
func (w *world) lives(f *file, l life.Life, since string) {
	w.t.Helper()
	w.until(func() (wrong, most int) {
		if f.lifeNow() != l {
			wrong = 1
		}
		return wrong, 0
	}, fmt.Sprintf("lives that are not %v since %s", l, since))
}

// sound fails the test if a file is not what its life says, or an event was impossible.
func (f *FS) sound(t *testing.T) {
	t.Helper()
	if n := f.impossible.Load(); n != 0 {
		t.Errorf("%d events were impossible", n)
	}
	for _, z := range f.known() {
		if f, ok := z.(*file); ok {
			f.mu.Lock()
			l, d, given := f.life, f.draft, f.given != nil
			f.mu.Unlock()
			switch {
			case l.IsHere() && (d == nil || d.exists()),
				(l == life.Grown || l == life.Newborn) && d != nil && !d.exists():
				t.Errorf("%s, %v, has the draft %v", f.where(), l, d)
			case given && l != life.Newborn && l != life.Vanished:
				t.Errorf("%s, %v, was given an ACL", f.where(), l)
			}
		}
	}
}

// Every event is applied to every life, of a file that the kernel knows: as the table says, or it
// changes nothing and is in the log.
func TestEveryEventOfEveryLife(t *testing.T) {
	t.Parallel()
	for l := range life.Table {
		for e := range life.Events {
			var log bytes.Buffer
			errors := slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError})
			w := newWorld(t, Options{Logger: slog.New(errors)})
			f := w.livesAs(l, "")
			known := w.fs.nodes.find(f.where()) == znode(f)
			want, ok := life.Table[l][e]
			logged, impossible := "", int64(0)
			if !ok {
				want, impossible = l, 1
				logged = fmt.Sprintf("path=%s life=%v event=%v", f.where(), l, e)
			}
			if now := f.pass(e); now != want || f.lifeNow() != want {
				t.Errorf("%v after %v: %v, want %v", l, e, now, want)
			}
			if n := w.fs.impossible.Swap(0); n != impossible {
				t.Errorf("%v after %v: %d impossible events, want %d", l, e, n, impossible)
			}
			if got := strings.ReplaceAll(log.String(), `"`, ""); !strings.Contains(got, logged) {
				t.Errorf("no %q in the log %q", logged, got)
			}
			if still := w.fs.nodes.find(f.where()) == znode(f); still != (known && !want.IsGone()) {
				t.Errorf("%v after %v: a name leads to it: %v", l, e, still)
			}
			f.mu.Lock()
			f.life = life.Removed // what is left of it is no file's
			f.mu.Unlock()
		}
	}
}

// What a life promises to a program that has the file open, and to one that comes by its name.
func TestWhatALifePromises(t *testing.T) {
	for _, test := range []struct {
		life         life.Life
		stat, fstat  string // by the name and by the descriptor
		reopen       string // by /proc/self/fd
		fsync        string // after a write
		znode, after string // then, and the data of the znode before, if there is one
		then         life.Life
	}{
		{
			life.Grown, "file 0644 size=3 nlink=1", "size=3 nlink=1", "ok", "ok", "old", "new 1",
			life.Grown,
		},
		{
			life.Pending, "file 0644 size=0 nlink=1", "size=0 nlink=1", "ok", "ok", "-", "new 0",
			life.Grown,
		},
		{
			life.Newborn, "file 0644 size=0 nlink=1", "size=0 nlink=1", "ok", "ok", "", "new 2",
			life.Grown,
		},
		{
			life.Scratch, "file 0600 size=0 nlink=1", "size=0 nlink=1", "ok", "ok", "-", "-",
			life.Scratch,
		},
		{life.Removed, "", "size=3 nlink=0", "ok", "ok", "-", "-", life.Removed},
		{life.Vanished, "", "size=3 nlink=0", "ok", "ESTALE", "-", "-", life.Vanished},
	} {
		t.Run(test.life.String(), func(t *testing.T) {
			w := newWorld(t, Options{})
			f := w.livesAs(test.life, "")
			name, stat := strings.TrimPrefix(f.where(), "/"), "ok "+test.stat
			if test.stat == "" {
				stat = "ENOENT"
			}
			is := func(want string) {
				t.Helper()
				data, st, err := w.other.Get(f.where())
				got := "-"
				if err == nil && want == string(data) {
					got = want
				} else if err == nil {
					got = fmt.Sprint(string(data), " ", st.Version)
				}
				if got != want {
					t.Errorf("the znode holds %q, want %q", got, want)
				}
			}
			is(test.znode)
			w.want(stat, "stat", name)
			w.want("ok "+test.fstat, "fstat", "1")
			w.want(test.reopen, "reopen", "2", "1", "r")
			w.want("ok", "close", "2")
			w.want("ok", "write", "1", "new")
			w.want(`ok "new"`, "pread", "1", "0", "100")
			w.want(test.fsync, "fsync", "1")
			is(test.after)
			w.lives(f, test.then, "fsync")
			w.want("ok", "close", "1")
			is(test.after)
		})
	}
}
