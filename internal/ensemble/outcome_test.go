package ensemble

import (
	"errors"
	"testing"

	"github.com/zkfs/zkfs/zk"
)

// What is there after the reply to a creation was lost proves what became of it, or nothing does.
func TestOutcomeOfACreation(t *testing.T) {
	const before = 10 // the last zxid that was known
	for _, test := range []struct {
		name    string
		claim   Claim
		czxid   int64 // 0: there is no znode
		version int32
		data    string
		want    error
	}{
		{"nothing", Claim{}, 0, 0, "", errNotMade},
		{"the same", Claim{}, 11, 0, "new", nil},
		{"another", Claim{}, 11, 0, "theirs", zk.ErrNodeExists},
		{"exclusively: nothing", Claim{Exclusive: true}, 0, 0, "", errNotMade},
		{"exclusively: it was there before", Claim{Exclusive: true}, 9, 0, "new", zk.ErrNodeExists},
		{"exclusively: the same", Claim{Exclusive: true}, 11, 0, "new", ErrUnresolved},
		{"appending: the same", Claim{Appends: true}, 11, 0, "new", ErrUnresolved},
		{"appending: another", Claim{Appends: true}, 11, 0, "theirs", zk.ErrNodeExists},
		{"appending: more", Claim{Appends: true}, 11, 1, "newmore", ErrUnresolved},
	} {
		seen := evidence{before: before}
		if test.czxid != 0 {
			st := &zk.Stat{Czxid: test.czxid, Version: test.version}
			seen.Snapshot = Snapshot{Stat: st, Data: []byte(test.data), HasData: true}
		}
		c := Creation{Path: "/f", Data: []byte("new"), Claim: test.claim}
		if got := c.outcome(t.Context(), New(nil, Options{}), seen); !errors.Is(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// A directory that another client made is no empty file, which was written once.
func TestOutcomeOfAnEmptyCreation(t *testing.T) {
	for version, want := range map[int32]error{0: zk.ErrNodeExists, 1: nil} {
		seen := evidence{Snapshot: Snapshot{Stat: &zk.Stat{Czxid: 11, Version: version}, HasData: true}}
		c := EmptyCreation{Path: "/f"}
		if got := c.outcome(t.Context(), New(nil, Options{}), seen); !errors.Is(got, want) {
			t.Errorf("version %d: %v, want %v", version, got, want)
		}
	}
}

// What is there after the reply to a Set was lost, likewise.
func TestOutcomeOfAWriting(t *testing.T) {
	base := &zk.Stat{Czxid: 5, Version: 3}
	for _, test := range []struct {
		name    string
		appends bool
		there   *zk.Stat
		data    string
		want    error
	}{
		{"nothing", false, nil, "", ErrUnresolved},
		{"another znode", false, &zk.Stat{Czxid: 6}, "new", zk.ErrBadVersion},
		{"the version before", false, base, "old", errNotMade},
		{"the next one", false, &zk.Stat{Czxid: 5, Version: 4}, "new", nil},
		{"the next one of another client", false, &zk.Stat{Czxid: 5, Version: 4}, "theirs", zk.ErrBadVersion},
		{"one after that", false, &zk.Stat{Czxid: 5, Version: 5}, "new", ErrUnresolved},
		{"appending: the next one", true, &zk.Stat{Czxid: 5, Version: 4}, "new", ErrUnresolved},
	} {
		c := Writing{Path: "/f", Data: []byte("new"), Base: base, Appends: test.appends}
		seen := evidence{Snapshot: Snapshot{Stat: test.there, Data: []byte(test.data)}}
		if got := c.outcome(t.Context(), nil, seen); !errors.Is(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
