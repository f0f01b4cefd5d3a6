package zkfs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The tests that the documents name exist, those of docs/consistency.md in package fs.
func TestTestsOfTheDocuments(t *testing.T) {
	functions := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	all, inFS := map[string]bool{}, map[string]bool{}
	for _, name := range goFiles(t, ".") {
		if !strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range functions.FindAllStringSubmatch(string(text), -1) {
			all[f[1]] = true
			inFS[f[1]] = inFS[f[1]] || filepath.Dir(name) == "fs"
		}
	}
	documents, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test[A-Z]\\w+)`")
	seen := 0
	for _, name := range documents {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, test := range named.FindAllStringSubmatch(string(text), -1) {
			seen++
			if !all[test[1]] || name == "docs/consistency.md" && !inFS[test[1]] {
				t.Errorf("%s names %s, which is not there", name, test[1])
			}
		}
	}
	if seen < 20 {
		t.Errorf("the documents name only %d tests", seen)
	}
}
