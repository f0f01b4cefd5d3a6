package zkfs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// A test that lacks what it needs fails: skipped, it would look like a pass.
func TestNothingIsSkipped(t *testing.T) {
	for _, name := range goFiles(t, ".") {
		if !strings.HasSuffix(name, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, pos := range skips(file) {
			t.Errorf("%s: skips a test", fset.Position(pos))
		}
	}
}

// skips returns where the file calls Skip, Skipf or SkipNow of what looks like a test, or testing.Short.
func skips(file *ast.File) []token.Pos {
	var found []token.Pos
	ast.Inspect(file, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, ok := s.X.(*ast.Ident)
		if !ok {
			return true
		}
		skip := slices.Contains([]string{"t", "tb", "b", "f"}, x.Name) && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, s.Sel.Name)
		if skip || x.Name == "testing" && s.Sel.Name == "Short" {
			found = append(found, s.Pos())
		}
		return true
	})
	return found
}

func TestSkipsAreFound(t *testing.T) {
	const src = `package p
func TestA(t *testing.T) { t.Skip("no"); t.SkipNow() }
func TestB(t *testing.T) { if testing.Short() { return } }
func FuzzC(f *testing.F) { f.Skipf("no") }
func TestD(t *testing.T) { d.Skip(4); t.Log("Skip") }
`
	file, err := parser.ParseFile(token.NewFileSet(), "a_test.go", src, 0)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(skips(file)); n != 4 {
		t.Errorf("found %d skips, want 4", n)
	}
}
