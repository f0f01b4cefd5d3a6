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

func TestGeneratedFileIsCurrent(t *testing.T) {
	want, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, folder, file))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s/%s is not what compat/gen writes: run go generate in %s", folder, file, folder)
	}
}

// The module that stands in for go-zookeeper has all that go-zookeeper has, in the very same form, and all that
// package zk has, but for the names that differ.
func TestNothingIsMissing(t *testing.T) {
	have := lines(t, filepath.Join(root, folder), "github.com/go-zookeeper/zk")
	genuine := lines(t, "../testdata/program", "github.com/go-zookeeper/zk") // a module that requires v1.0.4
	for _, line := range genuine {
		if !slices.Contains(have, line) {
			t.Errorf("differs from go-zookeeper, or is missing: %s", line)
		}
	}
	var own []string
	for _, line := range lines(t, root, source) {
		if !slices.Contains(have, line) {
			own = append(own, line)
		}
	}
	if len(own) != 1 || !strings.HasPrefix(own[0], "type ServerStats struct {") {
		t.Errorf("differs from package zk: %q, want ServerStats alone", own)
	}
	if len(genuine) < 100 {
		t.Errorf("go-zookeeper has only %d symbols", len(genuine))
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
