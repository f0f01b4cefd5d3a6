package integration

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// By default only the proofs that compile little are made. With this flag all are.
var allProofs = flag.Bool("proofs", false, "make the proofs of large programs too, which compile for minutes")

// A proof is a program of another project in which the packages for ZooKeeper take the place of the
// program's own code. Its folder in compat/testdata has a go.mod that requires the version, the
// script replace.sh, which changes a copy of the program, and the files that are added below put.
type proof struct {
	name   string
	module string
	pkg    string // which is tested
	tags   string
	tests  []string // what must pass: the program's own tests, and those that are added
	heavy  bool
}

var proofs = []proof{
	{
		name: "go-kit", module: "github.com/go-kit/kit", pkg: "./sd/zk", tags: "integration",
		tests: []string{
			"TestNewClient", "TestOptions", "TestCreateParentNodes", "TestInstancer", "TestBadFactory",
			"TestServiceUpdate", "TestBadInstancerCreate", "TestCreateParentNodesOnServer",
			"TestCreateBadParentNodesOnServer", "TestCredentials1", "TestCredentials2", "TestConnection",
			"TestGetEntriesOnServer", "TestServiceOutlivesItsSession",
		},
	},
	{
		name: "prometheus", module: "github.com/prometheus/prometheus", pkg: "./discovery/zookeeper",
		tests: []string{
			"TestNewDiscoveryError", "TestTargetsFollowTheZnodes/serverset", "TestTargetsFollowTheZnodes/nerve",
		},
		heavy: true,
	},
}

// Programs of other projects pass their tests with these packages in the place of their own code.
func TestProofs(t *testing.T) {
	for _, p := range proofs {
		if p.heavy && !*allProofs {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			dir := fetch(t, p.name, p.module)
			root := repository(t)
			program := filepath.Join(root, "compat/testdata", p.name)
			command(t, dir, "env", "ZKFS="+root, "sh", "-eu", filepath.Join(program, "replace.sh"))
			p.run(t, dir)
		})
	}
}

// run runs the tests of the program in dir on the shared server.
func (p *proof) run(t *testing.T, dir string) {
	t.Helper()
	t.Setenv("ZOOKEEPER", addr(shared.Servers[0]))
	t.Setenv("ZK_ADDR", addr(shared.Servers[0])) // Go kit's name of it
	deps := command(t, dir, "go", "list", "-mod=mod", "-deps", "-test", p.pkg)
	if !strings.Contains(deps, ours+"\n") {
		t.Fatalf("package zk is not used:\n%s", deps)
	}
	out := command(t, dir, "go", "test", "-mod=mod", "-vet=off", "-count=1", "-v", "-tags="+p.tags, p.pkg)
	for _, name := range p.tests {
		if !strings.Contains(out, "--- PASS: "+name+" ") {
			t.Errorf("%s has not passed:\n%s", name, out)
		}
	}
}

// fetch returns a copy of the module in the version that compat/testdata requires.
func fetch(t *testing.T, name, module string) string {
	t.Helper()
	pin := copyModule(t, name)
	version := command(t, pin, "go", "list", "-m", "-f", "{{.Version}}", module)
	var fetched struct{ Dir string }
	out := command(t, pin, "go", "mod", "download", "-json", module+"@"+strings.TrimSpace(version))
	if err := json.Unmarshal([]byte(out), &fetched); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(fetched.Dir)); err != nil {
		t.Fatal(err)
	}
	return dir
}
