package zkfs

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The module passes the compiler's type check for other systems, and on another machine. What else a
// compiler does needs the standard library of each of them, which takes minutes to compile.
func TestTypesElsewhere(t *testing.T) {
	for _, goos := range []string{"darwin", "freebsd", "linux"} {
		t.Run(goos, func(t *testing.T) {
			t.Parallel()
			packages, err := listedFor(goos)
			if err != nil {
				t.Fatal(err)
			}
			if err := checkTypes(packages); err != nil {
				t.Error(err)
			}
		})
	}
}

// listed is what go list says of a package.
type listed struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	ImportMap  map[string]string
	Module     *struct {
		Main      bool
		GoVersion string
	}
	Error *struct{ Err string }
}

// own reports whether the package is one of this module.
func (l listed) own() bool { return l.Module != nil && l.Module.Main }

// listedFor returns the packages of this module and all that they import, each behind its imports.
func listedFor(goos string) ([]listed, error) {
	list := exec.Command("go", "list", "-e", "-deps", "-json=ImportPath,Dir,GoFiles,ImportMap,Module,Error", "./...")
	list.Env = append(os.Environ(), "GOOS="+goos, "GOARCH=arm64", "CGO_ENABLED=0")
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", list, err)
	}
	var packages []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var l listed
		switch err := d.Decode(&l); {
		case err == io.EOF:
			return packages, nil
		case err != nil:
			return nil, err
		case l.Error != nil && !strings.Contains(l.Error.Err, "no non-test Go files"):
			return nil, errors.New(l.Error.Err)
		}
		packages = append(packages, l)
	}
}

// checkTypes checks the packages of this module, and the declarations of those that they import.
func checkTypes(packages []listed) error {
	set := token.NewFileSet()
	known := map[string]*types.Package{"unsafe": types.Unsafe}
	var errs []error
	for _, l := range packages {
		if l.ImportPath == "unsafe" {
			continue
		}
		files, err := l.parse(set)
		if err != nil {
			return err
		}
		config := types.Config{
			Importer:         imports{l.ImportMap, known},
			IgnoreFuncBodies: !l.own(),
			Sizes:            types.SizesFor("gc", "arm64"),
			Error:            func(err error) { errs = append(errs, err) },
		}
		if l.Module != nil && l.Module.GoVersion != "" {
			config.GoVersion = "go" + l.Module.GoVersion
		}
		known[l.ImportPath], _ = config.Check(l.ImportPath, set, files, nil) // Error has had the error
	}
	return errors.Join(errs...)
}

// parse reads the files of the package.
func (l listed) parse(set *token.FileSet) ([]*ast.File, error) {
	var files []*ast.File
	for _, name := range l.GoFiles {
		file, err := parser.ParseFile(set, filepath.Join(l.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// imports are the packages that a package can import: by another path where renamed has one.
type imports struct {
	renamed map[string]string
	known   map[string]*types.Package
}

func (i imports) Import(path string) (*types.Package, error) {
	if to, ok := i.renamed[path]; ok {
		path = to
	}
	if p := i.known[path]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("%s is not listed before what imports it", path)
}
