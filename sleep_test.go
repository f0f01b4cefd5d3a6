package zkfs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// bubbles are the functions that run a function in a bubble of time, where a sleep takes none.
var bubbles = []string{
	"synctest.Test", "bubble", "bubble.Run", "bubble.EachFault", "inBubble", "each",
}

// sleepers are the functions that may sleep otherwise, by file: those that tests call in a bubble,
// and those in which the length of an outage, or the slowness of a program, is what they are for.
var sleepers = map[string][]string{
	"fs/timeout_test.go":         {"stall"},
	"integration/judge_test.go":  {"freeze", "harm", "TestJudge"},
	"integration/player_test.go": {"count"},
	"zk/bubble_test.go":          {"pass"},
	"zk/cache/cache_test.go":     {"want"},
	"zk/scriptcall_test.go":      {"sleep"},
	"zk/secrets_test.go":         {"TestSecretsRotate"},
}

// A test waits for the thing itself, not for a time in which it should have come: a sleep is a step
// of a loop that looks, or passes in a bubble.
func TestNothingSleeps(t *testing.T) {
	used := map[string][]string{}
	for _, name := range goFiles(t, ".") {
		if !strings.HasSuffix(name, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range sleeps(file) {
			if used[name] = append(used[name], s.in); !slices.Contains(sleepers[name], s.in) {
				t.Errorf("%s: %s sleeps, neither in a loop nor in a bubble", fset.Position(s.pos), s.in)
			}
		}
	}
	for name, all := range sleepers {
		for _, in := range all {
			if !slices.Contains(used[name], in) {
				t.Errorf("%s: %s does not sleep any more", name, in)
			}
		}
	}
}

// A sleep is a call of time.Sleep outside of loops and bubbles.
type sleep struct {
	pos token.Pos
	in  string // the function
}

func sleeps(file *ast.File) []sleep {
	var found []sleep
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ForStmt, *ast.RangeStmt:
				return false
			case *ast.CallExpr:
				switch callee := called(n); {
				case slices.Contains(bubbles, callee):
					return false
				case callee == "time.Sleep":
					found = append(found, sleep{n.Pos(), f.Name.Name})
				}
			}
			return true
		})
	}
	return found
}

// called returns the name of what is called: f, or x.f.
func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok {
			return x.Name + "." + f.Sel.Name
		}
	}
	return ""
}

func TestSleepsAreFound(t *testing.T) {
	const src = `package p
func TestA(t *testing.T) { time.Sleep(1); go func() { time.Sleep(2) }() }
func TestB(t *testing.T) { for !done() { time.Sleep(1) } }
func TestC(t *testing.T) { bubble.Run(t, func() { time.Sleep(1) }) }
func TestD(t *testing.T) { t.Run("x", func(t *testing.T) { time.Sleep(1) }) }
`
	file, err := parser.ParseFile(token.NewFileSet(), "a_test.go", src, 0)
	if err != nil {
		t.Fatal(err)
	}
	var in []string
	for _, s := range sleeps(file) {
		in = append(in, s.in)
	}
	if want := []string{"TestA", "TestA", "TestD"}; !slices.Equal(in, want) {
		t.Errorf("sleeps are found in %v, want %v", in, want)
	}
}
