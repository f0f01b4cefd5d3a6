package checkout_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/internal/checkout"
)

// A diff leads patch(1) from the old data to the new.
func TestDiff(t *testing.T) {
	numbers := "1\n2\n3\n4\n5\n6\n7\n8\n9\n"
	for _, tt := range [][2]string{
		{numbers, strings.Replace(numbers, "5\n", "five\nand\n", 1)},
		{numbers, "0\n" + numbers}, {numbers, numbers + "10"}, {"a", "b"}, {"a\n", "a"}, {numbers, "1\n9\n"},
		{"x\nx\n", "x\n"}, {"x\n", "x\nx\n"}, {numbers, ""},
	} {
		var diff strings.Builder
		err := checkout.WriteDiff(&diff, "/app", &checkout.Change{Kind: checkout.Set, Path: "/conf",
			Old: []byte(tt[0]), Data: []byte(tt[1])})
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "conf")
		if err := os.WriteFile(file, []byte(tt[0]), 0o644); err != nil {
			t.Fatal(err)
		}
		patch := exec.Command("git", "apply", "-p2", "--unidiff-zero", "-")
		patch.Dir, patch.Stdin = filepath.Dir(file), strings.NewReader(diff.String())
		if out, err := patch.CombinedOutput(); err != nil {
			t.Errorf("%q: %v\n%s\n%s", tt, err, out, &diff)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != tt[1] {
			t.Errorf("%q became %q, want %q, error %v\n%s", tt[0], got, tt[1], err, &diff)
		}
	}
}

func TestDiffOfKinds(t *testing.T) {
	for want, c := range map[string]checkout.Change{
		"--- /dev/null\n+++ b/app/n\n@@ -0,0 +1,1 @@\n+x\n": {Kind: checkout.Create,
			Path: "/n", Data: []byte("x\n")},
		"--- a/app/n\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-x\n": {Kind: checkout.Delete,
			Path: "/n", Old: []byte("x\n")},
		"--- a/app\n+++ b/app\nBinary data of 1 and 0 bytes differ\n": {Kind: checkout.Set, Path: "/", Old: []byte{0}},
		"--- /dev/null\n+++ b/app/\\u202e\n":                          {Kind: checkout.Create, Path: "/\u202e"},
	} {
		var got strings.Builder
		if err := checkout.WriteDiff(&got, "/app", &c); err != nil || got.String() != want {
			t.Errorf("got\n%swant\n%s", &got, want)
		}
	}
}
