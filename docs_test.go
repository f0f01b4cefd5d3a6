package zkfs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// testFunctions returns the folders of all tests and examples by their names.
func testFunctions(t *testing.T) map[string][]string {
	t.Helper()
	functions := regexp.MustCompile(`(?m)^func ((?:Test|Example)\w+)\(`)
	all := map[string][]string{}
	for _, name := range goFiles(t, ".") {
		if !strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range functions.FindAllStringSubmatch(string(text), -1) {
			all[f[1]] = append(all[f[1]], filepath.Dir(name))
		}
	}
	return all
}

// The tests, examples and files that the comment of a package names exist in that package.
func TestTestsOfThePackageComments(t *testing.T) {
	all := testFunctions(t)
	named := regexp.MustCompile(`\b(?:Test[A-Z]|Example[A-Z_])\w+`)
	files := regexp.MustCompile(`\b[a-z_]+\.go\b`)
	for _, folder := range []string{"zk", "fs"} {
		text, err := os.ReadFile(folder + "/doc.go")
		if err != nil {
			t.Fatal(err)
		}
		names := named.FindAllString(string(text), -1)
		if len(names) < 15 {
			t.Errorf("the comment of %s names only %q", folder, names)
		}
		for _, name := range names {
			if !slices.Contains(all[name], folder) {
				t.Errorf("the comment of %s names %s, which is not there", folder, name)
			}
		}
		for _, name := range files.FindAllString(string(text), -1) {
			if _, err := os.Stat(folder + "/" + name); err != nil {
				t.Errorf("the comment of %s: %v", folder, err)
			}
		}
	}
}

// The facts of docs/kernel.md are numbered without a gap, each has a source, and each citation is of
// one of them.
func TestKernelFacts(t *testing.T) {
	page, err := os.ReadFile("docs/kernel.md")
	if err != nil {
		t.Fatal(err)
	}
	facts := regexp.MustCompile(`(?m)^\d+\. .+\n(?:   .+\n)*`).FindAllString(string(page), -1)
	file := "`(?:fs|mm|kernel|include)/[\\w/]+\\.[ch]`"
	source := regexp.MustCompile(file + `|[Mm]easured\.|\w\(2\)\.\n$`)
	for i, fact := range facts {
		if !strings.HasPrefix(fact, strconv.Itoa(i+1)+". ") {
			t.Errorf("the %dth fact has another number: %.40s", i+1, fact)
		}
		if !source.MatchString(fact) {
			t.Errorf("a fact has no source: %.40s", fact)
		}
	}
	if len(facts) < 50 {
		t.Errorf("only %d facts", len(facts))
	}
	cited := regexp.MustCompile(`(?:kernel facts?|see facts?|\(facts?) (\d+)(?: and (\d+))?`)
	names, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, name := range append(names, goFiles(t, ".")...) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, citation := range cited.FindAllStringSubmatch(string(text), -1) {
			for _, number := range citation[1:] {
				seen++
				if n, _ := strconv.Atoi(number); number != "" && (n < 1 || n > len(facts)) {
					t.Errorf("%s: there is no %s", name, citation[0])
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d citations", seen)
	}
}

// The tests that the documents name exist, those of docs/consistency.md in package fs.
func TestTestsOfTheDocuments(t *testing.T) {
	all := testFunctions(t)
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
			folders := all[test[1]]
			ofFS := name == "docs/consistency.md"
			if folders == nil || ofFS && !slices.Contains(folders, "fs") {
				t.Errorf("%s names %s, which is not there", name, test[1])
			}
		}
	}
	if seen < 20 {
		t.Errorf("the documents name only %d tests", seen)
	}
}
