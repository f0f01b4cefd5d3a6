// Package api lists what a package exports, one line for a symbol, so that tests can compare two packages, or a package
// with a document. The form is that of Go's own api/*.txt:
//
//	const FlagEphemeral = 1
//	const StateConnected State = 100
//	var ErrNoNode error
//	func AuthACL(int32) []ACL
//	type ACL struct { Perms int32; Scheme string; ID string }
//	type Conn struct { ... }
//	type Dialer func(string, string, time.Duration) (net.Conn, error)
//	type Logger interface { Printf(string, ...any) }
//	method (*Conn) Close()
package api

import (
	"bytes"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// Load returns the package that the import path names in the module of the folder dir. It runs the go command.
func Load(dir, path string) (*types.Package, error) {
	cmd := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}", path)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", cmd, err, &stderr)
	}
	files := map[string]string{} // compiled packages by import path
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		files[path] = file
	}
	lookup := func(path string) (io.ReadCloser, error) { return os.Open(files[path]) }
	return importer.ForCompiler(token.NewFileSet(), "gc", lookup).Import(path)
}

// Lines returns the lines of all that pkg exports, sorted. An alias is listed as what it stands for. Parameters have no
// names, fields are in order, three dots stand for what is not exported. Types have no package if it is pkg or
// has its name: packages that stand for each other have the same lines.
func Lines(pkg *types.Package) []string {
	p := printer{pkg: pkg}
	for _, name := range pkg.Scope().Names() {
		if obj := pkg.Scope().Lookup(name); obj.Exported() {
			p.object(obj)
		}
	}
	slices.Sort(p.lines)
	return p.lines
}

type printer struct {
	pkg   *types.Package
	lines []string
}

func (p *printer) add(format string, args ...any) {
	p.lines = append(p.lines, fmt.Sprintf(format, args...))
}

func (p *printer) object(obj types.Object) {
	switch obj := obj.(type) {
	case *types.Const:
		t := p.typeString(obj.Type())
		if strings.HasPrefix(t, "untyped ") {
			p.add("const %s = %s", obj.Name(), obj.Val())
		} else {
			p.add("const %s %s = %s", obj.Name(), t, obj.Val())
		}
	case *types.Var:
		p.add("var %s %s", obj.Name(), p.typeString(obj.Type()))
	case *types.Func:
		p.add("func %s%s", obj.Name(), p.signature(obj.Signature()))
	case *types.TypeName:
		p.typeName(obj.Name(), types.Unalias(obj.Type()))
	}
}

func (p *printer) typeName(name string, t types.Type) {
	p.add("type %s %s", name, p.underlying(t.Underlying()))
	if types.IsInterface(t) {
		return // its methods are listed
	}
	values := types.NewMethodSet(t)
	for method := range types.NewMethodSet(types.NewPointer(t)).Methods() {
		m := method.Obj().(*types.Func)
		if !m.Exported() {
			continue
		}
		receiver := "*" + name
		if values.Lookup(p.pkg, m.Name()) != nil {
			receiver = name
		}
		p.add("method (%s) %s%s", receiver, m.Name(), p.signature(m.Signature()))
	}
}

func (p *printer) underlying(t types.Type) string {
	var members []string
	add := func(exported bool, member string) {
		if exported {
			members = append(members, member)
		} else if !slices.Contains(members, "...") {
			members = append(members, "...")
		}
	}
	switch t := t.(type) {
	case *types.Struct:
		for field := range t.Fields() {
			add(field.Exported(), field.Name()+" "+p.typeString(field.Type()))
		}
		return "struct { " + strings.Join(members, "; ") + " }"
	case *types.Interface:
		for method := range t.Methods() {
			add(method.Exported(), method.Name()+p.signature(method.Signature()))
		}
		return "interface { " + strings.Join(members, "; ") + " }"
	case *types.Signature:
		return "func" + p.signature(t)
	}
	return p.typeString(t)
}

// signature returns the parameters and results without their names.
func (p *printer) signature(s *types.Signature) string {
	s = types.NewSignatureType(nil, nil, nil, nameless(s.Params()), nameless(s.Results()), s.Variadic())
	return strings.TrimPrefix(p.typeString(s), "func")
}

func nameless(list *types.Tuple) *types.Tuple {
	var vars []*types.Var
	for v := range list.Variables() {
		vars = append(vars, types.NewParam(token.NoPos, nil, "", v.Type()))
	}
	return types.NewTuple(vars...)
}

func (p *printer) typeString(t types.Type) string {
	s := types.TypeString(t, func(other *types.Package) string {
		if other.Name() == p.pkg.Name() {
			return ""
		}
		return other.Name()
	})
	return strings.ReplaceAll(s, "interface{}", "any")
}
