package integration

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk/zktest"
)

// The import paths of the client that package zk stands in for, and of package zk.
const (
	goZookeeper = "github.com/go-zookeeper/zk"
	ours        = "github.com/zkfs/zkfs/zk"
)

// A program written for go-zookeeper prints the same, line by line, on that client and, both ways, on package zk.
func TestProgramOfGoZookeeper(t *testing.T) {
	clients := []struct {
		name string
		put  func(t *testing.T, dir string)
		out  string
	}{
		{name: "go-zookeeper", put: func(*testing.T, string) {}},
		{name: "replaced", put: replaceModule},
		{name: "import-path", put: changeImportPath},
	}
	t.Run("on", func(t *testing.T) {
		for i := range clients {
			client := &clients[i]
			t.Run(client.name, func(t *testing.T) {
				t.Parallel()
				dir := copyModule(t, "program")
				client.put(t, dir)
				command(t, dir, "go", "build", "-o", "program", ".")
				client.out = command(t, dir, "./program", addr(shared.Servers[0]), newRoot(t)+"/r")
			})
		}
	})
	want := strings.Split(clients[0].out, "\n")
	if len(want) < 100 {
		t.Fatalf("the program has said only:\n%s", clients[0].out)
	}
	for _, client := range clients[1:] {
		got := strings.Split(client.out, "\n")
		if len(got) != len(want) {
			t.Errorf("%s: %d lines, want %d", client.name, len(got), len(want))
			continue
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: %s\nwant %s", client.name, got[i], want[i])
			}
		}
	}
}

// A program written for the client that was go-zookeeper before prints the same on both.
func TestProgramOfSamuelGoZookeeper(t *testing.T) {
	run := func(dir, server, root string) string {
		command(t, dir, "go", "build", "-o", "program", ".")
		return command(t, dir, "./program", server, root)
	}
	genuine, replaced := copyModule(t, "seed"), copyModule(t, "seed")
	followManual(t, replaced, "### Dependencies that import samuel/go-zookeeper")
	if deps := command(t, replaced, "go", "list", "-deps", "."); !strings.Contains(deps, ours+"\n") {
		t.Fatalf("package zk is not used:\n%s", deps)
	}
	same := func(name, server string, root func() string) {
		want, got := run(genuine, server, root()), run(replaced, server, root())
		if got != want || strings.Count(want, "\n") < 20 {
			t.Errorf("%s: on package zk:\n%s\nwant\n%s", name, got, want)
		}
	}
	same("ZooKeeper", addr(shared.Servers[0]), func() string { return newRoot(t) + "/r" })
	for _, name := range keepers {
		n := 0
		same(name, keeper(t, name), func() string { n++; return fmt.Sprint("/r", n) })
	}
}

// keepers are the servers other than ZooKeeper on which the programs run, played by zktest.
var keepers = []string{"clickhouse-25.8", "clickhouse-latest"}

// keeper starts one of them and returns its address.
func keeper(t *testing.T, name string) string {
	t.Helper()
	server := zktest.NewServer(zktest.WithServer(name))
	t.Cleanup(server.Close)
	return server.Addr()
}

// otherOnKeeper begins the lines that the program prints otherwise on a ClickHouse Keeper: by what
// it lacks, how it keeps ACLs and null data, and that it resumes no session.
var otherOnKeeper = []string{
	"no ACL: ", "container: ", "TTL: ", "null or empty: ", "children: ", "ACL: ", "ACL of its owner: ",
	"the same session: ", "changed behind a reconnect: ",
}

// A program written for go-zookeeper runs to its end on ClickHouse Keepers, where an operation that
// they lack, or a reconnect, ends it on that client.
func TestProgramOfGoZookeeperOnKeepers(t *testing.T) {
	dir := copyModule(t, "program")
	replaceModule(t, dir)
	command(t, dir, "go", "build", "-o", "program", ".")
	want := strings.Split(command(t, dir, "./program", addr(shared.Servers[0]), newRoot(t)+"/r"), "\n")
	for _, name := range keepers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := strings.Split(command(t, dir, "./program", keeper(t, name), "/r"), "\n")
			if len(got) != len(want) || len(want) < 100 {
				t.Fatalf("%d lines, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
			}
			for i, line := range got {
				other := slices.ContainsFunc(otherOnKeeper, func(begin string) bool {
					return strings.HasPrefix(line, begin) && strings.HasPrefix(want[i], begin)
				})
				if line != want[i] && !other {
					t.Errorf("%s\nwant %s", line, want[i])
				}
			}
		})
	}
}

// A dependency that knows nothing of package zk passes its tests on it, on ClickHouse Keepers too.
func TestDependencyOfGoZookeeper(t *testing.T) {
	ts := cluster(t, 1, nil)
	dir := copyModule(t, "store")
	replaceModule(t, dir)
	if deps := command(t, dir, "go", "list", "-deps", "-test", "."); !strings.Contains(deps, ours+"\n") {
		t.Fatalf("package zk is not used:\n%s", deps)
	}
	servers := map[string]string{"ZooKeeper": addr(ts.Servers[0])}
	for _, name := range keepers {
		servers[name] = keeper(t, name)
	}
	for name, server := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := command(t, dir, "env", "ZOOKEEPER="+server, "go", "test", "-count=1", "-v", ".")
			if !strings.Contains(out, "--- PASS: TestStore") {
				t.Errorf("no test has passed:\n%s", out)
			}
		})
	}
}

// copyModule copies a module of compat/testdata into a folder of the test, and returns that.
func copyModule(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("../compat/testdata", name))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// replaceModule puts package zk under a module that uses go-zookeeper.
func replaceModule(t *testing.T, dir string) {
	t.Helper()
	followManual(t, dir, "## Without touching a source file")
}

// changeImportPath changes the import path in the sources of a module that uses go-zookeeper.
func changeImportPath(t *testing.T, dir string) {
	t.Helper()
	followManual(t, dir, "## With another import path")
	if mod := command(t, dir, "go", "list", "-m", "all"); strings.Contains(mod, goZookeeper) {
		t.Fatalf("the module still needs go-zookeeper:\n%s", mod)
	}
}

// followManual runs in dir the first commands below the heading of docs/migration.md.
func followManual(t *testing.T, dir, heading string) {
	t.Helper()
	root := repository(t)
	manual, err := os.ReadFile(filepath.Join(root, "docs/migration.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(manual), heading+"\n")
	_, section, _ = strings.Cut(section, "```sh\n")
	commands, _, ok := strings.Cut(section, "```\n")
	if !ok {
		t.Fatalf("docs/migration.md has no commands below %q", heading)
	}
	command(t, dir, "env", "ZKFS="+root, "sh", "-euc", commands)
}

// repository returns the folder of the module.
func repository(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// command runs a command in dir and returns what it prints. It may have to compile the standard
// library for another machine.
func command(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", cmd, err, out, stderr.String())
	}
	return string(out)
}
