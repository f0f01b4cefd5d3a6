package integration

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The packages have the notices of all modules that the program is linked with, and of no others.
func TestCopyrightNamesWhatIsLinked(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../contrib/package/copyright")
	if err != nil {
		t.Fatal(err)
	}
	files := regexp.MustCompile(`(?m)^(?:Files:)? (\S+\.\S+)/\*$`)
	named := map[string]string{} // the paragraph of each module
	for paragraph := range strings.SplitSeq(string(text), "\n\n") {
		for _, path := range files.FindAllStringSubmatch(paragraph, -1) {
			named[path[1]] = paragraph
		}
	}
	version := regexp.MustCompile(`/v\d+$`)
	notice := regexp.MustCompile(
		`(?m)^>? ?Copyright (?:\([cC]\) |© )?([^{[\n]+?)(?:\. All rights reserved)?\.?$`)
	const format = "{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}"
	modules := command(t, "..", "go", "list", "-deps", "-f", format, "./cmd/zkfs")
	seen := map[string]bool{}
	for line := range strings.Lines(modules) {
		path, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
		path = version.ReplaceAllString(path, "")
		if path == "" || seen[path] {
			continue
		}
		seen[path] = true
		paragraph, ok := named[path]
		if !ok {
			t.Errorf("%s is linked and not named", path)
		}
		licences, err := filepath.Glob(filepath.Join(dir, "[LC][IO][CP][EY]*"))
		if err != nil || licences == nil {
			t.Fatalf("%s: no licence, %v", dir, err)
		}
		licence, err := os.ReadFile(licences[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, owner := range notice.FindAllStringSubmatch(string(licence), -1) {
			if !strings.Contains(paragraph, "\nCopyright: "+owner[1]+"\n") {
				t.Errorf("%s: the notice of %q is missing", path, owner[1])
			}
		}
	}
	for path := range named {
		if !seen[path] {
			t.Errorf("%s is named and not linked", path)
		}
	}
}
