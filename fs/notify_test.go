package fs

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/zkfs/zkfs/internal/ensemble"
)

// Who settles waits for what was told before, and not for what comes after.
func TestSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNotifier(nil, nil, nil)
		if err := n.settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		n.tell("/a", ensemble.DataChanged)
		n.tell("/b", ensemble.DataChanged)
		n.tell("/a", ensemble.ChildrenChanged) // one notification with the first
		settled := make(chan error, 1)
		go func() { settled <- n.settle(t.Context()) }() // ends below
		synctest.Wait()
		n.tell("/c", ensemble.DataChanged)
		for _, want := range []string{"/a", "/b"} {
			select {
			case err := <-settled:
				t.Fatalf("settled before %s, error %v", want, err)
			default:
			}
			if path, _, _ := n.next(); path != want {
				t.Fatalf("next is %s, want %s", path, want)
			}
			n.count()
			synctest.Wait()
		}
		select {
		case err := <-settled:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Error("waits for what was told later")
		}

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := n.settle(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("settle that is given up: %v", err)
		}
	})
}

// Only the notifier tells the kernel anything: whoever else did it could wait for itself.
func TestOnlyTheNotifierNotifies(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			ast.Inspect(decl, func(n ast.Node) bool {
				call, ok := n.(*ast.SelectorExpr)
				if !ok || !slices.Contains([]string{"NotifyContent", "NotifyEntry", "NotifyDelete", "NotifyPrune"}, call.Sel.Name) {
					return true
				}
				calls++
				if !isMethodOf(decl, "notifier") {
					t.Errorf("%s: %s", name, call.Sel.Name)
				}
				return true
			})
		}
	}
	if calls < 5 {
		t.Errorf("only %d calls found", calls)
	}
}

// isMethodOf reports whether a declaration is a method of a pointer to the type.
func isMethodOf(decl ast.Decl, name string) bool {
	f, ok := decl.(*ast.FuncDecl)
	if !ok || f.Recv == nil {
		return false
	}
	star, ok := f.Recv.List[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	id, ok := star.X.(*ast.Ident)
	return ok && id.Name == name
}

// News of a deletion that comes late is none of a znode that was created after it, whether or not
// the cache still knows that.
func TestLateNewsOfADeletion(t *testing.T) {
	w := newWorld(t, Options{})
	before := w.fs.ensemble.LastZxid()
	w.want("ok", "mkdir", "d")
	w.want("ok", "chdir", "d")
	w.want("ok", "put", "f", "x")
	for _, path := range []string{"/d/f", "/d"} {
		node := w.fs.nodes.find(path)
		w.fs.ensemble.AskAnew(path)
		w.fs.notify.apply(path, notice{what: ensemble.Deleted, zxid: before})
		if w.fs.nodes.find(path) != node || node.base().isGone() {
			t.Errorf("%s is taken for what was there before", path)
		}
	}
	w.want(`ok "x"`, "cat", "f")
	for _, path := range []string{"/d/f", "/d"} {
		w.remove(path)
	}
	w.want("ok", "chdir", w.dir)
	w.eventually("ENOENT", "stat", "d")
}
