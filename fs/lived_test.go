package fs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zkfs/zkfs/internal/life"
)

// What programs and other clients do to a file moves it from life to life as the table says.
func TestLivesAreLived(t *testing.T) {
	t.Parallel()
	type events = []life.Event
	small := Options{MaxData: 1000}
	blind := Options{Watch: WatchOff, MaxAge: time.Hour} // no event comes before the commit
	there := func(w *world, f *file) bool {
		ok, _, err := w.other.Exists(f.where())
		if err != nil {
			w.t.Fatal(err)
		}
		return ok
	}
	put := func(w *world, f *file, data string) { // by another client
		if there(w, f) {
			w.set(f.where(), data)
		} else {
			w.create(f.where(), data)
		}
	}
	lived := map[string]bool{}
	for _, test := range []struct {
		doing  string
		flags  string
		o      Options
		do     func(w *world, f *file)
		events map[life.Life]events // a life that is missing is left alone
	}{
		{"fsync", "", Options{}, func(w *world, f *file) {
			w.want("ok", "write", "1", "new")
			w.do("fsync", "1")
		}, map[life.Life]events{
			life.Grown: {life.OnCommit}, life.Pending: {life.OnCommit}, life.Newborn: {life.OnCommit},
			life.Scratch: {},
			life.Removed: {}, life.Vanished: {life.OnDrop},
		}},
		{"an append beside another", "+append", Options{}, func(w *world, f *file) {
			w.want("ok", "write", "1", "mine")
			put(w, f, "theirs ")
			w.want("ok", "fsync", "1")
		}, map[life.Life]events{
			life.Grown: {life.OnRebase, life.OnCommit}, life.Pending: {life.OnRebase, life.OnCommit},
			life.Newborn: {life.OnRebase, life.OnCommit}, life.Scratch: {life.OnVanish}, life.Removed: {},
			life.Vanished: {life.OnRebase, life.OnCommit},
		}},
		{"an append beside too much of another", "+append", small, func(w *world, f *file) {
			w.want("ok", "write", "1", "mine")
			put(w, f, strings.Repeat("x", 1000))
			w.want("EFBIG", "fsync", "1")
		}, map[life.Life]events{
			life.Grown: {life.OnRebase, life.OnDrop}, life.Pending: {life.OnRebase, life.OnDrop},
			life.Newborn: {life.OnRebase, life.OnDrop}, life.Vanished: {life.OnRebase, life.OnDrop},
		}},
		{"an append to what was deleted", "+append", blind, func(w *world, f *file) {
			w.want("ok", "write", "1", "mine")
			w.remove(f.where())
			w.want("ok", "fsync", "1")
		}, map[life.Life]events{
			life.Grown: {life.OnRecreate, life.OnCommit}, life.Newborn: {life.OnRecreate, life.OnCommit},
		}},
		{"an append to what has vanished", "+append", Options{}, func(w *world, f *file) {
			w.want("ok", "write", "1", "mine")
			w.want("ok", "fsync", "1")
		}, map[life.Life]events{life.Vanished: {life.OnRecreate, life.OnCommit}}},
		{"a conflict", "", Options{}, func(w *world, f *file) {
			w.want(`ok "`+f.text()+`"`, "read", "1")
			w.want("ok", "write", "1", "mine")
			put(w, f, "theirs")
			w.want("ESTALE", "fsync", "1")
		}, map[life.Life]events{
			life.Grown: {life.OnDrop}, life.Pending: {life.OnDrop}, life.Newborn: {life.OnDrop},
			life.Vanished: {life.OnDrop},
		}},
		{"close", "", Options{}, func(w *world, f *file) {
			w.want("ok", "close", "1")
		}, map[life.Life]events{
			life.Grown: {life.OnGrowUp}, life.Pending: {life.OnCommit, life.OnGrowUp},
			life.Newborn: {life.OnGrowUp},
			life.Scratch: {life.OnGrowUp}, life.Removed: {life.OnGrowUp}, life.Vanished: {life.OnGrowUp},
		}},
		{"close beside another", "", Options{}, func(w *world, f *file) {
			w.want("ok", "reopen", "2", "1", "rw")
			w.want("ok", "close", "1")
		}, map[life.Life]events{
			life.Grown: {life.OnGrowUp}, life.Pending: {life.OnGrowUp}, life.Newborn: {life.OnGrowUp},
			life.Scratch: {life.OnGrowUp}, life.Removed: {life.OnGrowUp}, life.Vanished: {life.OnGrowUp},
		}},
		{"a rename", "", Options{}, func(w *world, f *file) {
			w.want("ok", "rename", strings.TrimPrefix(f.where(), "/"), "g")
		}, map[life.Life]events{
			life.Grown: {}, life.Pending: {life.OnCommit}, life.Newborn: {}, life.Scratch: {life.OnPublish},
		}},
		{"unlink", "", Options{}, func(w *world, f *file) {
			w.want("ok", "unlink", strings.TrimPrefix(f.where(), "/"))
		}, map[life.Life]events{
			life.Grown: {life.OnRemoval}, life.Pending: {life.OnRemoval}, life.Newborn: {life.OnRemoval},
			life.Scratch: {life.OnRemoval},
		}},
		{"a deletion by another client", "", Options{}, func(w *world, f *file) {
			if !there(w, f) {
				w.create(f.where(), "theirs")
			}
			w.remove(f.where())
			w.quiet()
		}, map[life.Life]events{
			life.Grown: {life.OnVanish}, life.Pending: {life.OnVanish}, life.Newborn: {life.OnVanish},
			life.Scratch: {life.OnVanish},
		}},
	} {
		for l := range life.Table {
			happens, ok := test.events[l]
			if !ok {
				continue
			}
			want := l
			for _, e := range happens {
				lived[fmt.Sprint(want, " ", e)] = true
				now, ok := life.Table[want][e]
				if !ok {
					t.Errorf("%s: %v has no %v", test.doing, want, e)
				}
				want = now
			}
			t.Run(fmt.Sprint(test.doing, ", ", l), func(t *testing.T) {
				w := newWorld(t, test.o)
				f := w.livesAs(l, test.flags)
				test.do(w, f)
				w.lives(f, want, test.doing)
			})
		}
	}
	// Only races apply these.
	rare := []string{"removed removal", "removed vanish", "vanished removal", "vanished vanish"}
	for l, row := range life.Table {
		for e := range row {
			if pair := fmt.Sprint(l, " ", e); lived[pair] == slices.Contains(rare, pair) {
				t.Errorf("%s is lived: %v", pair, lived[pair])
			}
		}
	}
}

// text returns what the file consists of.
func (f *file) text() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return string(f.contentLocked())
}
