package fs

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/internal/ensemble"
)

// Changes that wait until it is known what programs watch cost no look at each of them whenever
// another one comes: there may be many, and no program that watches.
func TestChangesThatWaitAreLookedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, looks, due := newPokeQueue(), 0, time.Now().Add(time.Second)
		isDue := func(string, pendingPoke) (time.Time, bool) {
			looks++
			return due, false
		}
		const changes = 1000
		for i := range changes {
			q.add("/"+strconv.Itoa(i), passed{what: ensemble.Created})
			if path, _, wait := q.next(isDue); path != "" || wait != time.Second {
				t.Fatalf("change %d: %q is due, and the next in %v", i, path, wait)
			}
		}
		if looks != changes {
			t.Errorf("%d looks at %d changes", looks, changes)
		}
		time.Sleep(time.Second)
		for i := range changes {
			if path, _, _ := q.next(isDue); path != "/"+strconv.Itoa(i) {
				t.Fatalf("after a second %q is due", path)
			}
		}
		if path, _, wait := q.next(isDue); path != "" || wait != 0 || looks > 3*changes {
			t.Errorf("at the end %q is due, and the next in %v; %d looks", path, wait, looks)
		}
	})
}

// A look at what programs watch makes due what waited for it, or drops it.
func TestChangesAreJudgedAgainAfterALook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newPokeQueue()
		for _, path := range []string{"/a", "/b", "/c"} {
			q.add(path, passed{what: ensemble.Created})
		}
		later := time.Now().Add(time.Minute)
		q.next(func(string, pendingPoke) (time.Time, bool) { return later, false })
		q.judge()
		now := func(path string, _ pendingPoke) (time.Time, bool) { return time.Now(), path == "/a" }
		for _, want := range []string{"/b", "/c", ""} {
			if path, _, _ := q.next(now); path != want {
				t.Errorf("%q is due, want %q", path, want)
			}
		}
	})
}
