package checkout_test

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/zkfs/zkfs/internal/bubble"
	"github.com/zkfs/zkfs/internal/checkout"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// pushes are kinds of plans, and the znodes that the error names for each kind of change of another
// client. A change that is not in refused is none that stops the push.
var pushes = []struct {
	name    string
	edits   []string
	remove  bool
	refused map[string]string // what another client does: the znode that is named
}{
	{"set", []string{"a=new"}, false, map[string]string{
		"/t/a=other": "/a", "/t/a": "/a", "/t/a!": "/a"}},
	{"create", []string{"n=new"}, false, map[string]string{"/t/n=other": "/n"}},
	{"create an empty file", []string{"n="}, false, map[string]string{"/t/n=other": "/n"}},
	{"create a tree", []string{"n/m/", "n/.data=new", "n/m/f=new"}, false, map[string]string{"/t/n=other": "/n"}},
	{"set a directory", []string{"d/.data=new"}, false, map[string]string{"/t/d=other": "/d"}},
	{"set the root", []string{".data=new"}, false, map[string]string{"/t=other": "/"}},
	{"clear a directory", []string{"full/.data"}, true, map[string]string{"/t/full=other": "/full"}},
	{"delete", []string{"d/x"}, true, map[string]string{
		"/t/d/x=other": "/d/x", "/t/d/x!": "/d/x", "/t/d/x/below=other": "/d/x/below"}},
	{"delete a tree", []string{"d"}, true, map[string]string{
		"/t/d/y=other": "/d/y", "/t/d/new=other": "/d/new", "/t/d=other": "/d"}},
	{"all at once", []string{"a=new", "n=new", "d/x", "full/.data=new", "e/", "e/.data=new"}, true,
		map[string]string{"/t/a=other": "/a", "/t/n=other": "/n", "/t/d/x=other": "/d/x",
			"/t/full=other": "/full", "/t/e=other": "/e"}},
}

// anywhere are changes of other clients that stop every push, and those that stop none but name what
// was made meanwhile.
var anywhere = map[string]string{"/t/b=other": "/b", "/t/b": "/b", "/t/b!": "/b"}

// Whatever another client changes between the pull and the push, or between the plan and the
// transaction, is named and nothing is changed, or the tree is as the directory after one
// transaction.
func TestPushBesideAnotherClient(t *testing.T) {
	for _, tt := range pushes {
		changes := map[string]string{"": "", "/t/z=other": "", "/t/full/z=other": ""}
		for _, refused := range []map[string]string{anywhere, tt.refused} {
			for change, named := range refused {
				changes[change] = named
			}
		}
		for by, named := range changes {
			for _, late := range []bool{false, true} {
				name := strings.ReplaceAll(tt.name+" beside "+by, "/", "-")
				if late {
					name += " after the plan"
				}
				t.Run(name, func(t *testing.T) {
					named := named
					if strings.Contains(by, "z=other") && tt.remove && !late {
						named, _, _ = strings.Cut(strings.TrimPrefix(by, "/t"), "=")
					}
					bubble.Run(t, func(w *bubble.World) {
						other := w.Connect()
						plant(w, other)
						h := newHost(w)
						w.OK(h.pull())
						h.edit(tt.edits...)
						pushed(w, h, other, tt.remove, late, by, named)
					})
				})
			}
		}
	}
}

// pushed pushes beside a change of another client.
func pushed(w *bubble.World, h *host, other *zk.Conn, remove, late bool, by, named string) {
	w.Helper()
	interfere := func() {
		if by != "" {
			change(w, other, by)
		}
	}
	if late {
		var done atomic.Bool
		w.Server.OnRequest(func(r zktest.Request) zktest.Fault {
			if r.Op == "multi" && !done.Swap(true) {
				interfere()
			}
			return zktest.Fault{}
		})
	} else {
		interfere()
	}
	before := znodes(w, other)
	result, err := h.push(remove)
	if named != "" {
		var conflict *checkout.ConflictError
		if !errors.As(err, &conflict) || !slices.ContainsFunc(conflict.Conflicts, func(c checkout.Conflict) bool {
			return c.Path == named
		}) {
			w.Fatalf("error %v, want one that names %s", err, named)
		}
		if late { // before is of before the change
			if left := strings.Join(znodes(w, other), " "); strings.Contains(left, "=new") {
				w.Errorf("a refused push left %s", left)
			}
			return
		}
		same(w, "a refused push left", znodes(w, other), before)
		return
	}
	w.OK(err)
	if result.Parts != 1 {
		w.Errorf("%d transactions", result.Parts)
	}
	again := newHost(w)
	w.OK(again.pull())
	made := strings.Contains(by, "z=other")
	want := slices.DeleteFunc(again.files(), func(f string) bool { return made && strings.HasSuffix(f, "z=other") })
	same(w, "the tree is", want, h.files())
	if late && made != (len(result.Others) == 1) {
		w.Errorf("made by others meanwhile: %q", result.Others)
	}
	if again, err := h.push(false); err != nil || len(again.Changes) > 0 {
		w.Errorf("a second push changes %v, error %v", again.Changes, err)
	}
}

// A connection that is lost, or a session that expires, at any request: the push is made once.
func TestPushAtEachFault(t *testing.T) {
	bubble.EachFault(t, func(w *bubble.World, arm func()) {
		other := w.Connect()
		plant(w, other)
		h := newHost(w)
		w.OK(h.pull())
		h.edit("a=new", "n=new", "d/x")
		arm()
		result, err := h.push(true)
		w.Server.OnRequest(nil)
		w.OK(err)
		if result.Parts != 1 || len(result.Changes) != 3 {
			w.Errorf("%d transactions, changes %v", result.Parts, result.Changes)
		}
		if _, stat, err := other.Get("/t/a"); err != nil || stat.Version != 2 {
			w.Errorf("version %d, error %v", stat.Version, err)
		}
		same(w, "the tree is", znodes(w, other), []string{"/=", "/a=new", "/b=data", "/d=", "/d/y=data",
			"/full=data", "/full/x=data", "/n=new"})
	})
}

// What exceeds one transaction is refused with its size, and made in several if that is allowed.
func TestPushOfMoreThanOneTransaction(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		other := w.Connect()
		plant(w, other)
		h := newHost(w)
		w.OK(h.pull())
		large := strings.Repeat("x", 600<<10)
		h.edit("a="+large, "n="+large)
		_, err := h.push(false)
		var size *checkout.TooLargeError
		if !errors.As(err, &size) || size.Path != "" || size.Bytes < 1200<<10 || size.Limit != limit {
			w.Fatalf("error %v", err)
		}
		p := h.newPush(false)
		p.InParts = true
		result, err := p.Run(w.Context())
		w.OK(err)
		if result.Parts != 2 || len(result.Changes) != 2 {
			w.Errorf("%d transactions, %d changes", result.Parts, len(result.Changes))
		}
		h.edit("b=" + strings.Repeat("x", limit))
		if _, err := h.push(false); !errors.As(err, &size) || size.Path != "/b" {
			w.Errorf("error %v", err)
		}
		h.edit("b=" + strings.Repeat("x", limit+1))
		if _, err := h.push(false); !errors.As(err, &size) || size.Path != "/b" {
			w.Errorf("error %v", err)
		}
	})
}
