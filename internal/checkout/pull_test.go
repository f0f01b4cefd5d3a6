package checkout_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/internal/bubble"
	"github.com/zkfs/zkfs/internal/checkout"
	"github.com/zkfs/zkfs/zk"
)

// A directory has the files of a mount, and a push of it changes nothing.
func TestPullHasTheFilesOfAMount(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		c := w.Connect()
		plant(w, c)
		long := strings.Repeat("n", 256)
		change(w, c, "/t/.status=1", "/t/%2Edata=2", "/t/d/.data=3", "/t/d/.lock=4", "/t/.zkfs-pull=5",
			"/t/%2Ezkfs-pull=6", "/t/e=", "/t/e=", "/t/empty=", "/t/"+long+"=7", "/t/Cargo.lock=8",
			"/t/idle.lock=", "/t/queue=", "/t/locks=", "/t/held=", "/t/"+long+"/below=9")
		for _, path := range []string{"/t/member", "/t/queue/lock-0000000001", "/t/held/member",
			"/t/Cargo.lock/x-0000000001"} {
			_, err := c.Create(path, []byte("host"), zk.FlagEphemeral, bubble.ACL)
			w.OK(err)
		}
		before := znodes(w, c)
		h := newHost(w)
		w.OK(h.pull())
		same(w, "the directory has", h.files(), []string{"%252Edata=2", "%252Ezkfs-pull=6", "%2Estatus=1",
			"%2Ezkfs-pull=5", "Cargo.lock=8", "a=data", "b=data", "d/", "d/%2Edata=3", "d/%2Elock=4", "d/x=data",
			"d/y=data", "e=", "empty/", "full/", "full/.data=data", "full/x=data", "held/", "locks/"})
		result, err := h.push(true)
		w.OK(err)
		if len(result.Changes) > 0 {
			w.Errorf("a push changes %v", result.Changes)
		}
		same(w, "the tree is", znodes(w, c), before)
		h.edit("held")
		var conflict *checkout.ConflictError
		if _, err := h.push(true); !errors.As(err, &conflict) || conflict.Conflicts[0].Path != "/held/member" {
			w.Errorf("a push that deletes what ephemerals are in: %v", err)
		}
		h.edit("held/", "member=x")
		if _, err := h.push(true); !errors.As(err, &conflict) || conflict.Conflicts[0].Path != "/member" {
			w.Errorf("a push to an ephemeral: %v", err)
		}
	})
}

// A second pull takes what other clients have changed, keeps what the directory alone has changed,
// and refuses what both have.
func TestPullAgain(t *testing.T) {
	for _, tt := range []struct {
		name  string
		here  []string
		there []string
		want  []string // of files, beside those of plant; nil if named is refused
		named string
	}{
		{"changes there", nil, []string{"/t/a=new", "/t/d/x", "/t/n=1", "/t/b/c=1"},
			[]string{"a=new", "b/", "b/.data=data", "b/c=1", "d/", "d/y=data", "full/",
				"full/.data=data", "full/x=data", "n=1"}, ""},
		{"changes here", []string{"a=new", "d/x", "n=1", "full/.data"}, nil,
			[]string{"a=new", "b=data", "d/", "d/y=data", "full/", "full/x=data", "n=1"}, ""},
		{"both, of different znodes", []string{"a=new", "d/n=1"}, []string{"/t/b=new", "/t/d/x", "/t/a/c=1"},
			[]string{"a/", "a/.data=new", "a/c=1", "b=new", "d/", "d/n=1", "d/y=data", "full/",
				"full/.data=data", "full/x=data"}, ""},
		{"the same", []string{"a=new", "n=1"}, []string{"/t/a=new", "/t/n=1"},
			[]string{"a=new", "b=data", "d/", "d/x=data", "d/y=data", "full/", "full/.data=data",
				"full/x=data", "n=1"}, ""},
		{"deleted here, changed there", []string{"a"}, []string{"/t/a=new"},
			[]string{"a=new", "b=data", "d/", "d/x=data", "d/y=data", "full/", "full/.data=data", "full/x=data"}, ""},
		{"a directory deleted there, with a new file here", []string{"d/n=1"}, []string{"/t/d/x", "/t/d/y", "/t/d"},
			[]string{"a=data", "b=data", "d/", "d/n=1", "full/", "full/.data=data", "full/x=data"}, ""},
		{"a file becomes a directory with data gone", nil, []string{"/t/full/x", "/t/full", "/t/full=1"},
			[]string{"a=data", "b=data", "d/", "d/x=data", "d/y=data", "full=1"}, ""},
		{"both changed", []string{"a=here", "b=new"}, []string{"/t/a=there", "/t/d/x=new"}, nil, "/a"},
		{"both made", []string{"n=here"}, []string{"/t/n=there"}, nil, "/n"},
		{"changed here, deleted there", []string{"a=here"}, []string{"/t/a"}, nil, "/a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble.Run(t, func(w *bubble.World) {
				c := w.Connect()
				plant(w, c)
				h := newHost(w)
				w.OK(h.pull())
				h.edit(tt.here...)
				change(w, c, tt.there...)
				before := h.files()
				err := h.pull()
				if tt.named == "" {
					w.OK(err)
					same(w, "the directory has", h.files(), tt.want)
					_, err := h.push(true)
					w.OK(err)
					again := newHost(w)
					w.OK(again.pull())
					same(w, "after a push the tree has", again.files(), tt.want)
					return
				}
				var conflict *checkout.ConflictError
				if !errors.As(err, &conflict) || len(conflict.Conflicts) != 1 ||
					conflict.Conflicts[0].Path != tt.named {
					w.Errorf("error %v", err)
				}
				same(w, "the directory has", h.files(), before)
			})
		})
	}
}

// A directory is touched only if it is empty, or was pulled from this tree.
func TestPullIntoOtherDirectories(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		c := w.Connect()
		plant(w, c)
		h := newHost(w)
		h.edit("mine=1")
		if err := h.pull(); !errors.Is(err, checkout.ErrNotPulled) {
			w.Errorf("error %v", err)
		}
		same(w, "the directory has", h.files(), []string{"mine=1"})
		h.edit("mine")
		w.OK(h.pull())
		w.OK(c.Delete("/t/d/x", -1))
		change(w, c, "/t/d/y", "/t/d", "/t/full/x", "/t/full", "/t/a", "/t/b", "/t!", "/t/a=1")
		var other *checkout.OtherError
		if err := h.pull(); !errors.As(err, &other) {
			w.Errorf("error %v", err)
		}
		if _, err := h.push(true); !errors.As(err, &other) {
			w.Errorf("error %v", err)
		}
	})
}

// Files that stand for no znode are named.
func TestPushOfUnfitFiles(t *testing.T) {
	for file, make := range map[string]func(*os.Root) error{
		"link":      func(r *os.Root) error { return r.Symlink("a", "link") },
		"d/.lock":   func(r *os.Root) error { return r.WriteFile("d/.lock", nil, 0o644) },
		".status":   func(r *os.Root) error { return r.WriteFile(".status", nil, 0o644) },
		"d/\x01":    func(r *os.Root) error { return r.WriteFile("d/\x01", nil, 0o644) },
		"d/.data":   func(r *os.Root) error { return r.Mkdir("d/.data", 0o755) },
		"d/\xff":    func(r *os.Root) error { return r.WriteFile("d/\xff", nil, 0o644) },
		"%2E\u0085": func(r *os.Root) error { return r.WriteFile("%2E\u0085", nil, 0o644) },
	} {
		bubble.Run(t, func(w *bubble.World) {
			c := w.Connect()
			plant(w, c)
			h := newHost(w)
			w.OK(h.pull())
			w.OK(make(h.root))
			before := znodes(w, c)
			var unfit *checkout.UnfitError
			if _, err := h.push(true); !errors.As(err, &unfit) || unfit.File != file {
				w.Errorf("%q: error %v", file, err)
			}
			same(w, "the tree is", znodes(w, c), before)
		})
	}
}
