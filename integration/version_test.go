package integration

import (
	"fmt"
	"math/big"
	"math/bits"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A commit of the history, with what its version is made of.
type commit struct {
	release   string   // the content of the file VERSION
	ancestors *big.Int // a bit for each commit up to this one
	parents   []string
	version   string // as contrib/package/version prints it
}

// The version of a package sorts behind those of the packages of earlier commits, for dpkg and rpm.
func TestVersionsSort(t *testing.T) {
	t.Parallel()
	commits, head := lineage(t)
	got, want := strings.TrimSpace(command(t, "", "sh", "../contrib/package/version")), commits[head].version
	if got != want {
		t.Fatalf("the script prints %s, want %s", got, want)
	}
	var pairs [][2]string
	for _, c := range commits {
		for _, parent := range c.parents {
			pairs = append(pairs, [2]string{packaged(commits[parent].version), packaged(c.version)})
		}
	}
	// What the history may not have yet: the counts grow longer, a release follows, and the next one.
	pairs = append(pairs, [2]string{"0.1.0~git.9.20261130.g9", "0.1.0~git.10.20261129.g1"},
		[2]string{"0.1.0~git.10.20261130.g1", "0.1.0"},
		[2]string{"0.1.0", "0.2.0~git.11.20261201.g1"})
	if slices.ContainsFunc(pairs, func(pair [2]string) bool { return pair[0] == pair[1] }) {
		t.Error("two commits have the same version")
	}
	sortByAPT(t, pairs)
	var script strings.Builder
	for _, pair := range pairs {
		fmt.Fprintf(&script, "if rpm.vercmp(%q, %q) ~= -1 then print(%[1]q, %[2]q) end\n",
			pair[0], pair[1])
	}
	name := filepath.Join(t.TempDir(), "compare.lua")
	write(t, name, script.String())
	wrong := strings.TrimSpace(command(t, "", "rpm", "--eval", `%{lua:dofile("`+name+`")}`))
	if wrong != "" {
		t.Errorf("rpm has these the other way:\n%s", wrong)
	}
	for _, pair := range pairs[len(pairs)-5:] { // a process for each
		command(t, "", "dpkg", "--compare-versions", pair[0], "lt", pair[1])
	}
}

// packaged returns a version as packages have it.
func packaged(version string) string { return strings.ReplaceAll(version, "-", "~") }

// sortByAPT lets apt, which compares as dpkg does, sort the two versions of many packages.
func sortByAPT(t *testing.T, pairs [][2]string) {
	t.Helper()
	var packages strings.Builder
	names := []string{"show"}
	for i, pair := range pairs {
		name := fmt.Sprintf("zkfs-%d", i)
		names = append(names, name)
		for _, version := range pair {
			fmt.Fprintf(&packages, "Package: %s\nVersion: %s\n"+
				"Architecture: all\nFilename: x\nSize: 1\n\n", name, version)
		}
	}
	dir := t.TempDir()
	source := filepath.Join(dir, "Packages")
	write(t, source, packages.String())
	out := command(t, "", "apt-cache", append([]string{"-o", "Dir::State=" + dir, "-o", "Dir::Cache=" + dir,
		"-o", "Dir::State::status=/dev/null", "-o", "Dir::Etc::sourceparts=/dev/null",
		"-o", "Dir::Etc::sourcelist=/dev/null", "--with-source", source}, names...)...)
	versions := map[string][]string{}
	name := ""
	for line := range strings.Lines(out) { // the latest comes first
		switch field, value, _ := strings.Cut(strings.TrimSpace(line), ": "); field {
		case "Package":
			name = value
		case "Version":
			versions[name] = append(versions[name], value)
		}
	}
	for i, pair := range pairs {
		if got := versions[fmt.Sprintf("zkfs-%d", i)]; !slices.Equal(got, []string{pair[1], pair[0]}) {
			t.Errorf("apt sorts %q, latest first, and not %s before %s", got, pair[0], pair[1])
		}
	}
}

// lineage returns all commits by their hashes, and the hash of the one that is checked out.
func lineage(t *testing.T) (commits map[string]*commit, head string) {
	t.Helper()
	tip, err := os.ReadFile("../VERSION")
	if err != nil {
		t.Fatal(err)
	}
	release := strings.TrimSpace(string(tip))
	if !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(release) {
		t.Errorf("VERSION is %q", release)
	}
	changed := map[string]bool{}
	for hash := range strings.Lines(command(t, "..", "git", "log", "--format=%H", "--", "VERSION")) {
		changed[strings.TrimSpace(hash)] = true
	}
	commits = map[string]*commit{}
	log := command(t, "..", "env", "TZ=UTC", "git", "log", "--topo-order", "--reverse", "--abbrev=10",
		"--date=format-local:%Y%m%d", "--format=%H|%P|%cd|%h|%D")
	for i, line := range slices.Collect(strings.Lines(log)) {
		fields := strings.Split(strings.TrimSpace(line), "|")
		head = fields[0]
		c := &commit{release: "0.1.0", ancestors: big.NewInt(0), parents: strings.Fields(fields[1])}
		commits[head] = c
		c.ancestors.SetBit(c.ancestors, i, 1)
		for _, parent := range c.parents {
			c.ancestors.Or(c.ancestors, commits[parent].ancestors)
			c.release = commits[parent].release
		}
		if changed[head] {
			c.release = strings.TrimSpace(command(t, "..", "git", "show", head+":VERSION"))
		}
		count := 0
		for _, word := range c.ancestors.Bits() {
			count += bits.OnesCount(uint(word))
		}
		c.version = fmt.Sprintf("%s-git.%d.%s.g%s", c.release, count, fields[2], fields[3])
		if slices.Contains(strings.Split(fields[4], ", "), "tag: v"+c.release) {
			c.version = c.release
		}
	}
	if commits[head].release != release {
		c := commits[head] // VERSION is edited and not committed yet
		c.version = strings.Replace(c.version, c.release, release, 1)
	}
	return commits, head
}
