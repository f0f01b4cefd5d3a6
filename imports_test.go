package zkfs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/zkfs/zkfs"

// Import paths of other modules; the major version is left out.
const (
	cli        = "github.com/urfave/cli"
	goFuse     = "github.com/hanwen/go-fuse"
	gokrb5     = "github.com/jcmturner/gokrb5"
	goInternal = "github.com/rogpeppe/go-internal"
	md2man     = "github.com/cpuguy83/go-md2man"
	mountinfo  = "github.com/moby/sys/mountinfo"
	goZK       = "github.com/go-zookeeper/zk"
	goleak     = "go.uber.org/goleak"
	sys        = "golang.org/x/sys"
	toml       = "github.com/BurntSushi/toml"
	vmMetrics  = "github.com/VictoriaMetrics/metrics"
)

// A rule says what a package may import. A package stands for the packages of this module by their folder, a module
// for all packages in it. The standard library is allowed but for what std refuses.
type rule struct {
	code  []string // what any file may import
	tests []string // what _test.go files may import besides
	std   []string // packages of the standard library that only _test.go files may import
	quiet bool     // only _test.go files may start goroutines
}

// rules has an entry for every folder with Go files. Imports go one way:
//
//	cmd/zkfs -> fs -> {internal/ensemble, xattr} -> zk -> zk/internal/wire
var rules = map[string]rule{
	".": {},
	"cmd/zkfs": {
		code: []string{
			"fs", "zk", "zk/gssapi", "zk/recipes", "zk/znode", "flw", "xattr", "zk/zktest",
			"internal/archive", "internal/checkout", "internal/cut", "internal/mirror",
			"internal/printable", "internal/transfer", cli,
			goFuse, md2man, mountinfo, sys, toml, vmMetrics,
		},
		tests: []string{
			goInternal, goleak,
		},
	},
	"fs": {
		code: []string{
			"internal/acls", "internal/calls", "internal/ensemble", "internal/errno",
			"internal/life", "internal/names", "internal/poke", "zk", "xattr", "flw",
			"internal/printable", goFuse, mountinfo, sys,
		},
		tests: []string{
			"zk/zktest", "internal/child", "internal/orders", goleak,
		},
	},
	"xattr": {code: []string{"zk"}, tests: []string{"zk/zktest"}},
	"flw":   {tests: []string{"zk/zktest", goleak}},
	"zk": {
		code: []string{
			"zk/internal/wire", "flw",
		},
		tests: []string{
			"zk/zktest", "internal/conformance", "internal/api", goleak,
		},
	},

	"internal/acls":    {code: []string{"internal/ensemble", "internal/errno", "xattr", "zk"}},
	"internal/api":     {},
	"internal/archive": {code: []string{"internal/cut", "internal/names", "xattr"}, tests: []string{"zk"}},
	"internal/bubble":  {code: []string{"zk", "zk/zktest"}},
	"internal/calls":   {code: []string{"internal/ensemble", goFuse, sys}},
	"internal/checkout": {
		code: []string{
			"internal/cut", "internal/ensemble", "internal/names", "internal/printable", "zk", "zk/znode",
		},
		tests: []string{
			"zk/zktest", "internal/bubble",
		},
	},
	"internal/child":    {tests: []string{goleak}},
	"internal/cut":      {code: []string{"zk", "zk/znode"}, tests: []string{"zk/zktest", "internal/bubble"}},
	"internal/ensemble": {code: []string{"zk"}, tests: []string{"zk/zktest"}},
	"internal/errno":    {code: []string{"internal/ensemble", "zk"}},
	"internal/history":  {},
	"internal/life":     {},
	"internal/mirror": {
		code:  []string{"internal/checkout", "internal/cut", "internal/names", "zk/znode"},
		tests: []string{"zk", "internal/bubble"},
	},
	"internal/names":     {code: []string{"internal/ensemble", "zk"}},
	"internal/orders":    {code: []string{sys}},
	"internal/poke":      {code: []string{sys}},
	"internal/printable": {},
	"internal/proxy":     {tests: []string{goleak}},
	"internal/transfer": {
		code: []string{
			"internal/cut", "xattr", "zk", "zk/znode",
		},
		tests: []string{
			"zk/zktest", "internal/bubble",
		},
	},
	"compat/gen": {code: []string{"internal/api"}},

	"zk/internal/wire": {std: []string{"net", "os", "unsafe"}, quiet: true},
	"zk/zktest": {
		code: []string{
			"zk/internal/wire",
		},
		tests: []string{
			"zk", "flw", "internal/conformance", goleak,
		},
	},
	"zk/gssapi": {code: []string{"zk", gokrb5}},
	"zk/znode":  {code: []string{"zk"}, tests: []string{"zk/zktest", "internal/bubble"}},
	"zk/cache":  {code: []string{"zk", "zk/znode"}, tests: []string{"zk/zktest", "internal/bubble"}},
	"zk/recipes": {
		code: []string{
			"zk", "zk/znode", "zk/cache",
		},
		tests: []string{
			"zk/zktest", "internal/bubble",
		},
	},
	"zk/discovery": {
		code: []string{
			"zk", "zk/znode", "zk/cache", "zk/recipes",
		},
		tests: []string{
			"zk/zktest", "internal/bubble",
		},
	},
	"internal/conformance": {code: []string{"zk"}, tests: []string{"zk/zktest", goleak}},

	"integration": {
		tests: []string{
			"fs", "zk", "zk/cache", "zk/discovery", "zk/gssapi", "zk/recipes", "zk/znode", "xattr",
			"flw", "zk/zktest", "internal/archive", "internal/checkout", "internal/child", "internal/conformance",
			"internal/cut", "internal/history", "internal/proxy", goInternal, goleak, mountinfo,
			sys,
		},
	},
	"integration/chaos": {
		tests: []string{
			"zk", "zk/cache", "zk/recipes", "flw", "internal/history", "internal/proxy", goleak,
			mountinfo, sys,
		},
	},
}

func TestImportsGoOneWay(t *testing.T) {
	for _, name := range goFiles(t, ".") {
		folder := path.Dir(name)
		r, ok := rules[folder]
		if !ok {
			t.Errorf("%s: its folder has no rule: add one", name)
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range r.check(name, src) {
			t.Error(err)
		}
	}
}

// goFiles returns all Go files of this module below root, whatever their build constraints.
func goFiles(t *testing.T, root string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != root && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") || isModule(name)):
			return filepath.SkipDir
		case !d.IsDir() && strings.HasSuffix(name, ".go"):
			files = append(files, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// isModule tells whether the folder is the root of a module of its own.
func isModule(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil
}

// check returns what the rule refuses in a file.
func (r rule) check(name string, src []byte) []error {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
	if err != nil {
		return []error{err}
	}
	test := strings.HasSuffix(name, "_test.go")
	var errs []error
	refuse := func(pos token.Pos, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", fset.Position(pos), fmt.Sprintf(format, args...)))
	}
	for _, spec := range file.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		if !r.allows(path.Dir(name), imported, test) {
			refuse(spec.Pos(), "must not import %s", imported)
		}
	}
	if r.quiet && !test {
		ast.Inspect(file, func(n ast.Node) bool {
			if _, ok := n.(*ast.GoStmt); ok {
				refuse(n.Pos(), "must not start a goroutine")
			}
			return true
		})
	}
	return errs
}

// allows tells whether a file of the folder may import the package.
func (r rule) allows(folder, imported string, test bool) bool {
	allowed := r.code
	if test {
		allowed = append(slices.Clone(allowed), r.tests...)
	}
	if own, ok := strings.CutPrefix(imported, module+"/"); ok {
		return slices.Contains(allowed, own) || test && own == folder
	}
	within := func(tree string) bool { return imported == tree || strings.HasPrefix(imported, tree+"/") }
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return test || !slices.ContainsFunc(r.std, within)
	}
	return slices.ContainsFunc(allowed, within)
}

func TestRulesRefuse(t *testing.T) {
	tests := []struct {
		name, imported string
		want           bool
	}{
		{"fs/node.go", module + "/zk", true},
		{"fs/node.go", goFuse + "/v2/fs", true},
		{"fs/node.go", module + "/internal/ensemble", true},
		{"internal/ensemble/cache.go", goFuse + "/v2/fs", false},
		{"internal/ensemble/cache.go", module + "/fs", false},
		{"internal/ensemble/cache.go", module + "/xattr", false},
		{"fs/node.go", module + "/zk/internal/wire", false},
		{"fs/node.go", module + "/cmd/zkfs", false},
		{"fs/node.go", module + "/zk/zktest", false},
		{"fs/node_test.go", module + "/zk/zktest", true},
		{"fs/node_test.go", module + "/fs", true},
		{"fs/node.go", goZK, false},
		{"zk/conn.go", module + "/zk/internal/wire", true},
		{"zk/conn.go", module + "/xattr", false},
		{"zk/conn.go", module + "/zk/zktest", false},
		{"zk/conn.go", goFuse + "/v2/fuse", false},
		{"zk/conn.go", goFuse + "-other", false},
		{"zk/conn.go", "net", true},
		{"zk/conn.go", goleak, false},
		{"zk/conn_test.go", goleak, true},
		{"zk/internal/wire/buf.go", "encoding/binary", true},
		{"zk/internal/wire/buf.go", "net", false},
		{"zk/internal/wire/buf.go", "net/netip", false},
		{"zk/internal/wire/buf.go", module + "/zk", false},
		{"flw/flw.go", module + "/zk", false},
		{"cmd/zkfs/main.go", cli + "/v2", true},
		{"cmd/zkfs/main.go", module + "/internal/ensemble", false},
	}
	for _, tt := range tests {
		src := fmt.Sprintf("package p\nimport _ %q\n", tt.imported)
		errs := rules[path.Dir(tt.name)].check(tt.name, []byte(src))
		if (len(errs) == 0) != tt.want {
			t.Errorf("%s imports %s: %v, want allowed: %v", tt.name, tt.imported, errs, tt.want)
		}
	}
	goroutine := []byte("package p\nfunc f() { go f() }\n")
	for name, want := range map[string]int{"zk/internal/wire/buf.go": 1, "zk/internal/wire/buf_test.go": 0, "zk/conn.go": 0} {
		if errs := rules[path.Dir(name)].check(name, goroutine); len(errs) != want {
			t.Errorf("a goroutine in %s: %v", name, errs)
		}
	}
}
