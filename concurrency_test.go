package zkfs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// concurrent are the packages that say in one file, their concurrency.go, which mutexes and
// goroutines they have, with the packages that the file speaks for.
var concurrent = map[string][]string{
	"zk":                {"zk", "zk/gssapi"},
	"internal/ensemble": {"internal/ensemble"},
	"fs":                {"fs", "internal/calls", "internal/poke"},
}

// A mutex that is in no list has no place in the order, and a goroutine that is in none may have no
// end.
func TestMutexesAndGoroutinesAreListed(t *testing.T) {
	for owner, folders := range concurrent {
		name := owner + "/concurrency.go"
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var have locksAndGoroutines
		for _, file := range goFiles(t, ".") {
			if slices.Contains(folders, path.Dir(file)) && !strings.HasSuffix(file, "_test.go") {
				have.add(parse(t, file, nil))
			}
		}
		for _, err := range have.compare(readList(string(src))) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Each go statement says in a comment what ends it.
func TestGoroutinesSayHowTheyEnd(t *testing.T) {
	seen := 0
	for _, name := range goFiles(t, ".") {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		seen += len(starts(file))
		for _, pos := range silentStarts(fset, file) {
			t.Errorf("%s: the goroutine does not say what ends it", fset.Position(pos))
		}
	}
	if seen < 50 {
		t.Errorf("only %d goroutines are started", seen)
	}
}

func parse(t *testing.T, name string, src any) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// locksAndGoroutines are what a package has: mutexes and other fields by TYPE.FIELD, and the number
// of goroutines by the function that starts them.
type locksAndGoroutines struct {
	mutexes, fields map[string]bool
	goroutines      map[string]int
}

func (l *locksAndGoroutines) add(file *ast.File) {
	if l.mutexes == nil {
		*l = locksAndGoroutines{map[string]bool{}, map[string]bool{}, map[string]int{}}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.TypeSpec:
			if s, ok := n.Type.(*ast.StructType); ok {
				l.addFields(n.Name.Name, s)
			}
		case *ast.ValueSpec:
			for _, name := range n.Names {
				if isMutex(n.Type) {
					l.mutexes[name.Name] = true
				}
			}
		case *ast.FuncDecl:
			if n.Body != nil {
				if count := len(starts(n.Body)); count > 0 {
					l.goroutines[functionName(n)] += count
				}
			}
		}
		return true
	})
}

func (l *locksAndGoroutines) addFields(typeName string, s *ast.StructType) {
	for _, field := range s.Fields.List {
		names := field.Names
		if sel, ok := field.Type.(*ast.SelectorExpr); ok && names == nil {
			names = []*ast.Ident{sel.Sel}
		}
		for _, name := range names {
			l.fields[typeName+"."+name.Name] = true
			if isMutex(field.Type) {
				l.mutexes[typeName+"."+name.Name] = true
			}
		}
	}
}

// isMutex reports whether the expression is a type of package sync by which goroutines exclude each
// other.
func isMutex(t ast.Expr) bool {
	sel, ok := t.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	excludes := []string{"Mutex", "RWMutex", "Once"}
	return ok && x.Name == "sync" && slices.Contains(excludes, sel.Sel.Name)
}

// functionName returns TYPE.METHOD or FUNCTION.
func functionName(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	t := f.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	return fmt.Sprint(t.(*ast.Ident).Name, ".", f.Name.Name)
}

// starts returns where a goroutine is started: by a go statement, by Go of a WaitGroup, or by
// AfterFunc of context or time.
func starts(in ast.Node) []token.Pos {
	var found []token.Pos
	ast.Inspect(in, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = append(found, n.Pos())
		case *ast.CallExpr:
			sel, ok := n.Fun.(*ast.SelectorExpr)
			if ok && (sel.Sel.Name == "Go" && len(n.Args) == 1 || sel.Sel.Name == "AfterFunc") {
				found = append(found, sel.Sel.Pos())
			}
		}
		return true
	})
	return found
}

var saysEnd = regexp.MustCompile(`(?i)\bends?\b`)

// silentStarts returns where a goroutine is started without a comment, behind or above, that says
// what ends it. What AfterFunc starts ends when its function returns, which stands there.
func silentStarts(fset *token.FileSet, file *ast.File) []token.Pos {
	told := map[int]bool{} // lines
	for _, group := range file.Comments {
		if saysEnd.MatchString(group.Text()) {
			told[fset.Position(group.Pos()).Line] = true
			told[fset.Position(group.End()).Line+1] = true
		}
	}
	after := map[token.Pos]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "AfterFunc" {
			after[sel.Sel.Pos()] = true
		}
		return true
	})
	return slices.DeleteFunc(starts(file), func(pos token.Pos) bool {
		return after[pos] || told[fset.Position(pos).Line]
	})
}

// readList reads the lists of a concurrency.go: indented lines that begin with a name, of mutexes,
// then of tokens, then of goroutines.
func readList(src string) (l locksAndGoroutines) {
	l = locksAndGoroutines{map[string]bool{}, map[string]bool{}, map[string]int{}}
	entry := regexp.MustCompile(`^//\t(?:  )*([A-Za-z][\w.]*)(?: |$)`)
	heading := regexp.MustCompile(`^// (Mutexes|Tokens|Goroutines)\b`)
	part := ""
	for line := range strings.Lines(src) {
		line = strings.TrimRight(line, "\n")
		if m := heading.FindStringSubmatch(line); m != nil {
			part = m[1]
		}
		m := entry.FindStringSubmatch(line)
		if m == nil || strings.HasPrefix(line, "//\t          ") { // goes on
			continue
		}
		switch part {
		case "Mutexes":
			l.mutexes[m[1]] = true
		case "Tokens":
			l.fields[m[1]] = true
		case "Goroutines":
			l.goroutines[m[1]]++
		}
	}
	return l
}

// compare returns what differs between the code and its list.
func (l *locksAndGoroutines) compare(list locksAndGoroutines) (errs []error) {
	complain := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, name := range slices.Sorted(maps.Keys(l.mutexes)) {
		if !list.mutexes[name] {
			complain("the mutex %s has no place in the order", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(list.mutexes)) {
		if !l.mutexes[name] {
			complain("there is no mutex %s", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(list.fields)) {
		if !l.fields[name] {
			complain("there is no token %s", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.goroutines)) {
		if n := l.goroutines[name]; list.goroutines[name] != n {
			complain("%s starts %d goroutines, and %d are listed", name, n, list.goroutines[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(list.goroutines)) {
		if l.goroutines[name] == 0 {
			complain("%s starts no goroutine", name)
		}
	}
	return errs
}

func TestListsAreCompared(t *testing.T) {
	const code = `package p
type a struct { mu sync.Mutex; sync.RWMutex; busy chan struct{} }
var global sync.Mutex
func (x *a) run() { go f(); go f(); wg.Go(f); context.AfterFunc(ctx, f) }
func f() { go f() }
`
	const list = `package p
// Mutexes.
//
//	a.mu       one
//	  a.other  another
//
// Tokens.
//
//	a.busy
//	a.idle     none
//
// Goroutines.
//
//	a.run      one
//	           goes on
//	a.run      two
//	g          none
`
	var have locksAndGoroutines
	have.add(parse(t, "p.go", code))
	want := []string{
		"the mutex a.RWMutex has no place in the order",
		"the mutex global has no place in the order",
		"there is no mutex a.other",
		"there is no token a.idle",
		"a.run starts 4 goroutines, and 2 are listed",
		"f starts 1 goroutines, and 0 are listed",
		"g starts no goroutine",
	}
	got := fmt.Sprint(have.compare(readList(list)))
	if got != fmt.Sprint(want) {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestSilentGoroutinesAreFound(t *testing.T) {
	const code = `package p
func f() {
	go f() // ends with g
	// Ends with
	// the mount.
	go f()
	go f() // endless
	go f()
	time.AfterFunc(d, f)
	wg.Go(f)
}
`
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "p.go", code, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var lines []int
	for _, pos := range silentStarts(fset, file) {
		lines = append(lines, fset.Position(pos).Line)
	}
	if want := []int{7, 8, 10}; !slices.Equal(lines, want) {
		t.Errorf("lines %v, want %v", lines, want)
	}
}
