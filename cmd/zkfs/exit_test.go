package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each exit code has a script of its own, and its place in docs/exit-codes.md and in the manual.
func TestExitCodes(t *testing.T) {
	table, err := os.ReadFile("../../docs/exit-codes.md")
	if err != nil {
		t.Fatal(err)
	}
	codes := exitCodes(t)
	if len(codes) < 13 {
		t.Errorf("found %v only", codes)
	}
	for _, code := range codes {
		if scripts, _ := filepath.Glob("testdata/script/exit-" + code + "-*.txt"); len(scripts) != 1 {
			t.Errorf("%s has the scripts %s", code, scripts)
		} else if script, _ := os.ReadFile(scripts[0]); !strings.Contains(string(script), "exits "+code+" ") && !strings.Contains(string(script), "^"+code+"$") {
			t.Errorf("%s does not end with %s", scripts[0], code)
		}
		if !regexp.MustCompile(`(?m)^\| ([0-9]+, )*` + code + `(, [0-9]+)* \|`).Match(table) {
			t.Errorf("docs/exit-codes.md has no row for %s", code)
		}
		if !regexp.MustCompile(`(?m)^\* ([0-9]+, )*` + code + `(, [0-9]+)*: `).MatchString(commonSections) {
			t.Errorf("the manual has no %s", code)
		}
	}
}

// exitCodes returns the values of the constants in exit.go.
func exitCodes(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "exit.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.ValueSpec); ok && len(s.Values) == 1 && strings.HasPrefix(s.Names[0].Name, "exit") {
			if v, ok := s.Values[0].(*ast.BasicLit); ok && v.Kind == token.INT {
				codes = append(codes, v.Value)
			}
		}
		return true
	})
	return codes
}
