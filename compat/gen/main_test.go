package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/internal/api"
)

const root = "../.."

func TestGeneratedFilesAreCurrent(t *testing.T) {
	files, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range files {
		got, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what compat/gen writes: run go generate in %s", path, successor)
		}
	}
}

// A module that stands in for another has all that the other has, in the very same form, and all
// that package zk has, but for the names that differ.
func TestNothingIsMissing(t *testing.T) {
	const (
		event = "type Event struct {" // has a field more
		stats = "type ServerStats struct {"
	)
	tests := []struct {
		folder, path string
		program      string   // a module that requires the other's last version
		differs      []string // from the other
		own          []string // differs from package zk
	}{
		{successor, "github.com/go-zookeeper/zk", "../testdata/program", []string{event}, []string{stats}},
		{seed, "github.com/samuel/go-zookeeper/zk", "../testdata/seed",
			[]string{event, stats}, nil}, // with more fields
	}
	for _, tt := range tests {
		have := lines(t, filepath.Join(root, tt.folder), tt.path)
		genuine := lines(t, tt.program, tt.path)
		if len(genuine) < 100 {
			t.Errorf("%s has only %d symbols", tt.path, len(genuine))
		}
		wantMissing(t, tt.folder+" beside "+tt.path, have, genuine, tt.differs)
		for i, line := range have {
			have[i] = strings.Replace(line, "connOption", "Option", 1)
		}
		wantMissing(t, tt.folder+" beside package zk", have, lines(t, root, source), tt.own)
	}
}

// wantMissing fails unless what have lacks of all are the lines that begin with differs, in their
// order.
func wantMissing(t *testing.T, what string, have, all, differs []string) {
	t.Helper()
	var missing []string
	for _, line := range all {
		if !slices.Contains(have, line) {
			missing = append(missing, line)
		}
	}
	if !slices.EqualFunc(missing, differs, strings.HasPrefix) {
		t.Errorf("%s: differs or is missing: %q, want %q alone", what, missing, differs)
	}
}

func lines(t *testing.T, dir, path string) []string {
	t.Helper()
	pkg, err := api.Load(dir, path)
	if err != nil {
		t.Fatal(err)
	}
	return api.Lines(pkg)
}
