package life

import (
	"slices"
	"testing"
)

// allLives are the Table in their order, and bornWith those in which a node is made.
var (
	allLives = []Life{Grown, Pending, Newborn, Scratch, Removed, Vanished}
	bornWith = []Life{Grown, Pending, Newborn, Scratch}
)

// Each life is reached from those in which a node is made, each event happens in some life, and
// what is gone stays gone.
func TestLives(t *testing.T) {
	names := map[string]bool{}
	for _, l := range allLives {
		if len(Table[l]) == 0 {
			t.Errorf("no event ends or keeps the life %v", l)
		}
		names[l.String()] = true
	}
	for e := range Events {
		names[e.String()] = true
		if !slices.ContainsFunc(allLives, func(l Life) bool { _, ok := Table[l][e]; return ok }) {
			t.Errorf("no life has the event %v", e)
		}
	}
	if l, e := Life(99).String(), Event(99).String(); l != "life(99)" || e != "Event(99)" {
		t.Errorf("what is neither a life nor an event is %s and %s", l, e)
	}
	if len(names) != len(allLives)+int(Events) || len(Table) != len(allLives) {
		t.Errorf("%d names: %v; %d rows", len(names), names, len(Table))
	}
	reached := reachedFrom(bornWith...)
	for _, l := range allLives {
		if !reached[l] {
			t.Errorf("nothing leads to %v", l)
		}
		if !reachedFrom(l)[Removed] {
			t.Errorf("%v does not end", l)
		}
		for e, now := range Table[l] {
			if l.IsGone() && !now.IsGone() {
				t.Errorf("%v is %v after %v", l, now, e)
			}
			if now.IsKept() && now != l {
				t.Errorf("%v after %v is kept, and its inode was not made to be", now, e)
			}
		}
	}
	if r := reachedFrom(Removed); len(r) != 1 {
		t.Errorf("what is removed becomes %v", r)
	}
}

func reachedFrom(from ...Life) map[Life]bool {
	reached := map[Life]bool{}
	for len(from) > 0 {
		l := from[0]
		from = from[1:]
		if reached[l] {
			continue
		}
		reached[l] = true
		for _, now := range Table[l] {
			from = append(from, now)
		}
	}
	return reached
}
