package fs

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

// allLives are the lives in their order, and bornWith those in which a node is made.
var (
	allLives = []life{lifeGrown, lifePending, lifeNewborn, lifeScratch, lifeRemoved, lifeVanished}
	bornWith = []life{lifeGrown, lifePending, lifeNewborn, lifeScratch}
)

// Each life is reached from those in which a node is made, each event happens in some life, and
// what is gone stays gone.
func TestLives(t *testing.T) {
	names := map[string]bool{}
	for _, l := range allLives {
		if len(lives[l]) == 0 {
			t.Errorf("no event ends or keeps the life %v", l)
		}
		names[l.String()] = true
	}
	for e := range lifeEvents {
		names[e.String()] = true
		if !slices.ContainsFunc(allLives, func(l life) bool { _, ok := lives[l][e]; return ok }) {
			t.Errorf("no life has the event %v", e)
		}
	}
	if l, e := life(99).String(), lifeEvent(99).String(); l != "life(99)" || e != "lifeEvent(99)" {
		t.Errorf("what is neither a life nor an event is %s and %s", l, e)
	}
	if len(names) != len(allLives)+int(lifeEvents) || len(lives) != len(allLives) {
		t.Errorf("%d names: %v; %d rows", len(names), names, len(lives))
	}
	reached := reachedFrom(bornWith...)
	for _, l := range allLives {
		if !reached[l] {
			t.Errorf("nothing leads to %v", l)
		}
		if !reachedFrom(l)[lifeRemoved] {
			t.Errorf("%v does not end", l)
		}
		for e, now := range lives[l] {
			if l.isGone() && !now.isGone() {
				t.Errorf("%v is %v after %v", l, now, e)
			}
			if now.isKept() && now != l {
				t.Errorf("%v after %v is kept, and its inode was not made to be", now, e)
			}
		}
	}
	if r := reachedFrom(lifeRemoved); len(r) != 1 {
		t.Errorf("what is removed becomes %v", r)
	}
}

func reachedFrom(from ...life) map[life]bool {
	reached := map[life]bool{}
	for len(from) > 0 {
		l := from[0]
		from = from[1:]
		if reached[l] {
			continue
		}
		reached[l] = true
		for _, now := range lives[l] {
			from = append(from, now)
		}
	}
	return reached
}

// livesAs makes the file /f or /f~ in a life, which the agent has open as 1. The flags are added to
// those that it needs.
func (w *world) livesAs(l life, flags string) *file {
	w.t.Helper()
	name, made := "f", "rw+creat"+flags
	switch l {
	case lifeGrown, lifeRemoved, lifeVanished:
		w.create("/f", "old")
		w.eventually("ok file 0644 size=3 nlink=1", "stat", "f")
		made = "rw" + flags
	case lifeNewborn:
		made += "+excl"
	case lifeScratch:
		name = "f~"
	}
	w.want("ok", "open", "1", name, made)
	f := w.fileAt(name)
	switch l {
	case lifeRemoved:
		w.want("ok", "unlink", "f")
	case lifeVanished:
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
func (w *world) lives(f *file, l life, since string) {
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
			case l.isHere() && (d == nil || d.exists()),
				(l == lifeGrown || l == lifeNewborn) && d != nil && !d.exists():
				t.Errorf("%s, %v, has the draft %v", f.where(), l, d)
			case given && l != lifeNewborn && l != lifeVanished:
				t.Errorf("%s, %v, was given an ACL", f.where(), l)
			}
		}
	}
}

// Every event is applied to every life, of a file that the kernel knows: as the table says, or it
// changes nothing and is in the log.
func TestEveryEventOfEveryLife(t *testing.T) {
	t.Parallel()
	for _, l := range allLives {
		for e := range lifeEvents {
			var log bytes.Buffer
			errors := slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError})
			w := newWorld(t, Options{Logger: slog.New(errors)})
			f := w.livesAs(l, "")
			known := w.fs.nodes.find(f.where()) == znode(f)
			want, ok := lives[l][e]
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
			if still := w.fs.nodes.find(f.where()) == znode(f); still != (known && !want.isGone()) {
				t.Errorf("%v after %v: a name leads to it: %v", l, e, still)
			}
			f.mu.Lock()
			f.life = lifeRemoved // what is left of it is no file's
			f.mu.Unlock()
		}
	}
}

// What a life promises to a program that has the file open, and to one that comes by its name.
func TestWhatALifePromises(t *testing.T) {
	for _, test := range []struct {
		life         life
		stat, fstat  string // by the name and by the descriptor
		reopen       string // by /proc/self/fd
		fsync        string // after a write
		znode, after string // then, and the data of the znode before, if there is one
		then         life
	}{
		{lifeGrown, "file 0644 size=3 nlink=1", "size=3 nlink=1", "ok", "ok", "old", "new 1", lifeGrown},
		{lifePending, "file 0644 size=0 nlink=1", "size=0 nlink=1", "ok", "ok", "-", "new 0", lifeGrown},
		{lifeNewborn, "file 0644 size=0 nlink=1", "size=0 nlink=1", "ok", "ok", "", "new 2", lifeGrown},
		{lifeScratch, "file 0600 size=0 nlink=1", "size=0 nlink=1", "ok", "ok", "-", "-", lifeScratch},
		{lifeRemoved, "", "size=3 nlink=0", "ok", "ok", "-", "-", lifeRemoved},
		{lifeVanished, "", "size=3 nlink=0", "ok", "ESTALE", "-", "-", lifeVanished},
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
