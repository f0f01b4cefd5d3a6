package checkout_test

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/zkfs/zkfs/internal/bubble"
	"github.com/zkfs/zkfs/internal/checkout"
	"github.com/zkfs/zkfs/internal/cut"
	"github.com/zkfs/zkfs/zk"
)

// limit is the most bytes of a request.
const limit = 1 << 20

// A host has a directory and a session.
type host struct {
	*bubble.World
	c    *zk.Conn
	root *os.Root
}

func newHost(w *bubble.World) *host {
	w.Helper()
	root, err := os.OpenRoot(w.TempDir())
	w.OK(err)
	w.Cleanup(func() { root.Close() })
	return &host{w, w.Connect(), root}
}

// pull pulls /t.
func (h *host) pull() error {
	state, err := cut.Take(h.Context(), h.c, "/t", cut.Options{})
	if err != nil {
		return err
	}
	defer state.Close()
	return (&checkout.Pull{Root: h.root, Source: "zk/t", Cut: state}).Run(h.Context())
}

func (h *host) newPush(remove bool) *checkout.Push {
	return &checkout.Push{Dir: h.root, Conn: h.c, Root: "/t", Delete: remove, Limit: limit,
		ACL: func(string, *checkout.Znode) ([]zk.ACL, error) { return bubble.ACL, nil }}
}

func (h *host) push(remove bool) (*checkout.Result, error) {
	return h.newPush(remove).Run(h.Context())
}

// edit changes the directory: "name=data" writes a file, "name" removes what is there, "name/"
// makes a directory.
func (h *host) edit(edits ...string) {
	h.Helper()
	for _, e := range edits {
		name, data, write := strings.Cut(e, "=")
		switch dir, isDir := strings.CutSuffix(name, "/"); {
		case write:
			h.OK(h.root.WriteFile(name, []byte(data), 0o644))
		case isDir:
			h.OK(h.root.MkdirAll(dir, 0o755))
		default:
			h.OK(h.root.RemoveAll(name))
		}
	}
}

// files shows the directory, but for the state.
func (h *host) files() (all []string) {
	h.Helper()
	h.OK(fs.WalkDir(h.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || name == "." || name == ".zkfs-pull":
			return err
		case d.IsDir():
			all = append(all, name+"/")
			return nil
		}
		data, err := h.root.ReadFile(name)
		all = append(all, name+"="+string(data))
		return err
	}))
	return all
}

// znodes shows the tree.
func znodes(w *bubble.World, c *zk.Conn) (all []string) {
	w.Helper()
	state, err := cut.Take(w.Context(), c, "/t", cut.Options{})
	w.OK(err)
	defer state.Close()
	for r, err := range state.Records() {
		w.OK(err)
		all = append(all, fmt.Sprintf("%s=%s", r.Path, r.Data))
	}
	return all
}

// change changes the tree as another client: "path=data" sets or creates, "path" deletes, "path!"
// deletes and makes again.
func change(w *bubble.World, c *zk.Conn, changes ...string) {
	w.Helper()
	for _, text := range changes {
		path, data, write := strings.Cut(text, "=")
		path, again := strings.CutSuffix(path, "!")
		if !write {
			w.OK(c.Delete(path, -1))
		}
		if !write && !again {
			continue
		}
		exists, _, err := c.Exists(path)
		w.OK(err)
		if exists {
			_, err = c.Set(path, []byte(data), -1)
		} else {
			_, err = c.Create(path, []byte(data), zk.FlagPersistent, bubble.ACL)
		}
		w.OK(err)
	}
}

// plant makes a tree. Each znode has a version above 0, so that one that is made again has another.
func plant(w *bubble.World, c *zk.Conn) {
	w.Helper()
	for _, path := range []string{"/t", "/t/a", "/t/b", "/t/d", "/t/d/x", "/t/d/y", "/t/full", "/t/full/x"} {
		data := "data"
		if path == "/t" || path == "/t/d" {
			data = ""
		}
		change(w, c, path+"=", path+"="+data)
	}
}

func same(w *bubble.World, what string, got, want []string) {
	w.Helper()
	if !slices.Equal(got, want) {
		w.Errorf("%s\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
