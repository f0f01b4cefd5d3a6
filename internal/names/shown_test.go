package names

import (
	"strings"
	"testing"

	"github.com/zkfs/zkfs/internal/ensemble"
)

func TestShownNames(t *testing.T) {
	for znode, shown := range map[string]string{
		"a":              "a",
		".data":          "%2Edata",
		".lock":          "%2Elock",
		"%2Edata":        "%252Edata",
		"%252Edata":      "%25252Edata",
		"%2Efoo":         "%2Efoo",
		"%2edata":        "%2edata",
		"%":              "%",
		"%25":            "%25",
		".datax":         ".datax",
		"100%":           "100%",
		"%2Estatus":      "%2Estatus",
		"%2Elock":        "%252Elock",
		"x.lock":         "x.lock",
		"\u00e4 b\u20ac": "\u00e4 b\u20ac",
	} {
		if got := Shown(znode, false); got != shown {
			t.Errorf("%q is shown as %q, want %q", znode, got, shown)
		}
		if got := Znode(shown, false); got != znode {
			t.Errorf("%q stands for %q, want %q", shown, got, znode)
		}
	}
	if got := Shown(".status", true); got != "%2Estatus" {
		t.Errorf("in the root .status is shown as %q", got)
	}
	if got := Shown(".status", false); got != ".status" {
		t.Errorf("below the root .status is shown as %q", got)
	}
}

// Every name shown stands for one znode, and comes back to it.
func FuzzShownName(f *testing.F) {
	for _, name := range []string{".data", "%2Edata", "%252Elock", "%25", "x"} {
		f.Add(name, true)
		f.Add(name, false)
	}
	f.Fuzz(func(t *testing.T, name string, root bool) {
		shown := Shown(name, root)
		if Reserved(shown, root) {
			t.Fatalf("%q is shown as the Reserved %q", name, shown)
		}
		if back := Znode(shown, root); back != name {
			t.Fatalf("%q is shown as %q, which stands for %q", name, shown, back)
		}
	})
}

func TestValidNames(t *testing.T) {
	for _, name := range []string{"a", "a b", "%", "\u00fc", strings.Repeat("x", 300), "..."} {
		if !Valid(name) {
			t.Errorf("%q is refused", name)
		}
	}
	for _, name := range []string{"", ".", "..", "a/b", "a\nb", "\x00", "\x7f", "\u0085", "\ue000", "\ufff0", "\U0001F600", "\xff"} {
		if Valid(name) {
			t.Errorf("%q is accepted", name)
		}
	}
}

func TestPaths(t *testing.T) {
	for _, c := range []struct{ dir, name, path string }{
		{"/", "a", "/a"}, {"/a", "b", "/a/b"}, {"/a/b", "c", "/a/b/c"},
	} {
		if got := ensemble.Join(c.dir, c.name); got != c.path {
			t.Errorf("join(%q, %q) = %q", c.dir, c.name, got)
		}
		if dir, name := ensemble.Split(c.path); dir != c.dir || name != c.name {
			t.Errorf("split(%q) = %q, %q", c.path, dir, name)
		}
	}
}
