package ensemble

import (
	"errors"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// News is what other clients do, and what became of a change that failed: not what the caller does.
func TestNewsIsOfOtherClients(t *testing.T) {
	type told struct {
		path string
		what News
	}
	news := make(chan told, 1000)
	s := newServers(t, 40*time.Second, Options{Tell: func(path string, what News) {
		if path != "/" {
			news <- told{path, what}
		}
	}})
	next := func(want told) {
		t.Helper()
		select {
		case got := <-news:
			if got != want {
				t.Errorf("told of %v, want %v", got, want)
			}
		case <-time.After(2 * time.Minute): // a hang
			t.Fatalf("not told of %v", want)
		}
	}
	st, err := s.e.Do(t.Context(), Creation{Path: "/f", Data: []byte("one"), ACL: open})
	if err != nil {
		t.Fatal(err)
	}
	if st, err = s.e.Do(t.Context(), Writing{Path: "/f", Data: []byte("two"), Base: st}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.other.Set("/f", []byte("three"), -1); err != nil {
		t.Fatal(err)
	}
	next(told{"/f", DataChanged})
	if known, err := s.e.Get(t.Context(), "/f"); err != nil || string(known.Data) != "three" {
		t.Errorf("it is %q, %v", known.Data, err)
	}
	if _, err := s.e.Do(t.Context(), Deletion{Path: "/f", Seen: st}); !errors.Is(err, zk.ErrBadVersion) {
		t.Errorf("a deletion of what another client has changed: %v", err)
	}
	next(told{"/f", Created | DataChanged})
	if err := s.other.Delete("/f", -1); err != nil {
		t.Fatal(err)
	}
	next(told{"/f", Deleted})
}
