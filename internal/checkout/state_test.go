package checkout_test

import (
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/internal/checkout"
)

// A state comes back as it was saved. What is not as Save writes it is refused.
func TestState(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if s, err := checkout.LoadState(root); s != nil || err != nil {
		t.Errorf("of an empty directory: %v, %v", s, err)
	}
	saved := &checkout.State{Source: "zk1/app", Root: "/app", Czxid: 7, Known: map[string]checkout.Known{
		"/": {Czxid: 7}, "/conf": {Czxid: 8, Version: 3, Sum: checkout.Sum{1}}}}
	if err := saved.Save(root); err != nil {
		t.Fatal(err)
	}
	got, err := checkout.LoadState(root)
	if err != nil || got.Root != saved.Root || got.Czxid != saved.Czxid || !maps.Equal(got.Known, saved.Known) {
		t.Errorf("got %+v, error %v", got, err)
	}
	text, err := root.ReadFile(".zkfs-pull")
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"empty":      "",
		"no JSON":    "x",
		"cut short":  string(text[:len(text)-10]),
		"too few":    strings.Join(strings.Split(string(text), "\n")[:2], "\n"),
		"too many":   string(text) + strings.Split(string(text), "\n")[1],
		"other file": strings.Replace(string(text), `"format":1`, `"format":2`, 1),
		"other key":  strings.Replace(string(text), `"version"`, `"verzion"`, 1),
		"way out":    strings.Replace(string(text), `"/conf"`, `"/../conf"`, 1),
		"relative":   strings.Replace(string(text), `"/conf"`, `"conf"`, 1),
		"root":       strings.Replace(string(text), `"/app"`, `"/app/"`, 1),
		"czxid":      strings.Replace(string(text), `"0x8"`, `"eight"`, 1),
		"hash":       strings.Replace(string(text), `"01`, `"1`, 1),
	} {
		if err := root.WriteFile(".zkfs-pull", []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := checkout.LoadState(root); err == nil {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if err := root.Remove(".zkfs-pull"); err != nil {
		t.Fatal(err)
	}
	if err := root.Symlink("/etc/passwd", ".zkfs-pull"); err != nil {
		t.Fatal(err)
	}
	if s, err := checkout.LoadState(root); err == nil {
		t.Errorf("a symbolic link: %+v", s)
	}
}
