package history

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// log is that of a 3.8.0 server, of three: znodes were created, set with the right version and with a wrong one, moved by a multi,
// not moved by another, created as a container, and deleted.
const log = "testdata/version-2/log.100000001"

func TestReadLogs(t *testing.T) {
	changes, err := ReadLogs("testdata", "testdata")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, c := range changes {
		fmt.Fprintf(&got, "%#x %s %s %q %d\n", c.Zxid, []string{"create", "set", "delete"}[c.Kind], c.Path, c.Data, c.Version)
	}
	want := `0x100000002 create /a "one" 0
0x100000003 set /a "two" 1
0x100000005 create /b "two" 0
0x100000005 delete /a "" 0
0x100000007 create /d "" 0
0x100000008 set /b "" 1
0x100000009 delete /b "" 0
`
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}

// A log may be cut off anywhere: what is whole before that is read.
func TestLogCutOff(t *testing.T) {
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	most := 0
	for n := 4; n < len(text); n++ {
		got := 0
		if err := parseLog(text[:n], func(int64, []Change) error { got++; return nil }); err != nil || got < most {
			t.Fatalf("%d bytes: %d transactions after %d, error %v", n, got, most, err)
		}
		most = got
	}
	if most != 10 {
		t.Errorf("%d transactions, want 10", most)
	}
}

func TestNoLog(t *testing.T) {
	if err := parseLog([]byte("nothing of the kind"), nil); err == nil {
		t.Error("no error")
	}
}

// Servers that committed different things under one zxid are no source of truth.
func TestServersDisagree(t *testing.T) {
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	other := map[int64][]Change{0x100000003: {{Path: "/a", Kind: Set, Data: []byte("other")}}}
	name := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := readLog(name, other); err == nil || !strings.Contains(err.Error(), "disagree") {
		t.Errorf("error %v", err)
	}
}

// What a leader died with is not a part of the history, nor what it had logged behind it.
func TestAbandoned(t *testing.T) {
	const e1, e2 = 1 << 32, 2 << 32
	before := []Change{
		{Zxid: e1 + 1, Kind: Created, Path: "/a"},
		{Zxid: e1 + 2, Kind: Set, Path: "/a", Version: 1},
		{Zxid: e1 + 3, Kind: Created, Path: "/gone"},
		{Zxid: e1 + 3, Kind: Deleted, Path: "/gone"},
	}
	dead := []Change{{Zxid: e1 + 4, Kind: Set, Path: "/a", Version: 2}, {Zxid: e1 + 5, Kind: Created, Path: "/b"}, {Zxid: e1 + 6, Kind: Set, Path: "/a", Version: 3}}
	for _, after := range [][]Change{
		{{Zxid: e2 + 1, Kind: Set, Path: "/a", Version: 2}},
		{{Zxid: e2 + 1, Kind: Created, Path: "/gone"}, {Zxid: e2 + 2, Kind: Created, Path: "/b"}, {Zxid: e2 + 3, Kind: Set, Path: "/a", Version: 2}},
	} {
		got := committed(slices.Concat(before, dead, after))
		if want := slices.Concat(before, after); !slices.EqualFunc(got, want, func(a, b Change) bool { return a.Zxid == b.Zxid && sameChange(a, b) }) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	lived := slices.Concat(before, dead, []Change{{Zxid: e2 + 1, Kind: Set, Path: "/a", Version: 4}})
	if got := committed(slices.Clone(lived)); len(got) != len(lived) {
		t.Errorf("got %v of %v", got, lived)
	}
}
