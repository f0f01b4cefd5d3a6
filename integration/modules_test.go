package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A program that imports package zk builds nothing but it and the standard library, and its go.sum
// stays empty.
func TestProgramOfPackageZKBuildsNothingElse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module program\n\ngo 1.26.0\n")
	write(t, filepath.Join(dir, "main.go"), "package main\n\nimport _ \""+ours+"\"\n\nfunc main() {}\n")
	command(t, dir, "go", "mod", "edit", "-require=github.com/zkfs/zkfs@v0.0.0", "-replace=github.com/zkfs/zkfs="+repository(t))
	command(t, dir, "go", "mod", "tidy")
	command(t, dir, "go", "vet", ".")
	if sum, err := os.ReadFile(filepath.Join(dir, "go.sum")); len(sum) > 0 || err != nil && !os.IsNotExist(err) {
		t.Errorf("go.sum (%v):\n%s", err, sum)
	}
	if mod, err := os.ReadFile(filepath.Join(dir, "go.mod")); err != nil || strings.Contains(string(mod), "indirect") {
		t.Errorf("go.mod (%v):\n%s", err, mod)
	}
	for pkg := range strings.Lines(command(t, dir, "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".")) {
		if pkg = strings.TrimSpace(pkg); pkg != "program" && !strings.HasPrefix(pkg, "github.com/zkfs/zkfs/") {
			t.Errorf("it builds %s", pkg)
		}
	}
}

// A program without graph pruning, one whose go.mod says go 1.16 or less, loads the requirements of
// requirements: one of them that requires half the world raises the versions of modules that have
// nothing to do with ZooKeeper.
func TestRequirementsOfRequirementsStayFew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old := filepath.Join(dir, "old")
	if err := os.Mkdir(old, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(old, "go.mod"), "module old\n\ngo 1.16\n\nrequire github.com/zkfs/zkfs v0.0.0\n")
	write(t, filepath.Join(dir, "go.mod"), "module program\n\ngo 1.26.0\n\nrequire old v0.0.0\n\n"+
		"replace old => ./old\n\nreplace github.com/zkfs/zkfs => "+repository(t)+"\n")
	modules := make(map[string]bool)
	for line := range strings.Lines(command(t, dir, "env", "GOFLAGS=-mod=mod", "go", "mod", "graph")) {
		_, required, _ := strings.Cut(strings.TrimSpace(line), " ")
		module, _, _ := strings.Cut(required, "@")
		modules[module] = true
	}
	const most = 60
	if len(modules) < 20 || len(modules) > most {
		t.Errorf("%d modules, want no more than %d: %v", len(modules), most, modules)
	}
	for module := range modules {
		for _, heavy := range []string{"google.golang.org/", "cloud.google.com/", "github.com/apache/", "github.com/prometheus/", "go.opentelemetry.io/"} {
			if strings.HasPrefix(module, heavy) {
				t.Errorf("%s is required by way of others", module)
			}
		}
	}
}
