package ensemble

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// A kindRow is a change and what comes of it. Each # stands for a number that no other turn has.
type kindRow struct {
	name   string
	before string                                          // see prepare
	make   func(at func(string) (string, Snapshot)) Change // at returns a path, and what is there
	after  string                                          // see check
	answer error                                           // when no fault comes
	told   error                                           // or so when the reply is lost
}

var kindRows = []kindRow{
	{
		name: "creation", after: "f#=0:new",
		make: func(at func(string) (string, Snapshot)) Change {
			path, _ := at("/f#")
			return Creation{path, []byte("new"), open, Claim{}}
		},
	},
	{
		name: "exclusive creation", after: "f#=0:new", told: ErrUnresolved,
		make: func(at func(string) (string, Snapshot)) Change {
			path, _ := at("/f#")
			return Creation{path, []byte("new"), open, Claim{Exclusive: true}}
		},
	},
	{
		name: "creation by an append", after: "f#=0:new", told: ErrUnresolved,
		make: func(at func(string) (string, Snapshot)) Change {
			path, _ := at("/f#")
			return Creation{path, []byte("new"), open, Claim{Appends: true}}
		},
	},
	{
		name: "creation of what is there", before: "/f#=old", after: "f#=0:old",
		answer: zk.ErrNodeExists,
		make: func(at func(string) (string, Snapshot)) Change {
			path, _ := at("/f#")
			return Creation{path, []byte("new"), open, Claim{Exclusive: true}}
		},
	},
	{
		name: "empty creation", after: "f#=1:",
		make: func(at func(string) (string, Snapshot)) Change {
			path, _ := at("/f#")
			return EmptyCreation{path, open, Claim{Appends: true}}
		},
	},
	{
		name: "creation of a lock directory", after: "l#.lock=1:/0/2", told: ErrUnresolved,
		make: func(at func(string) (string, Snapshot)) Change {
			path, _ := at("/l#.lock")
			return LockDirCreation{path, open}
		},
	},
	{
		name: "creation of a lock", after: "l#.lock=0:",
		make: func(at func(string) (string, Snapshot)) Change {
			path, _ := at("/l#.lock")
			return LockCreation{path, open}
		},
	},
	{
		name: "writing", before: "/f#=old", after: "f#=1:new",
		make: func(at func(string) (string, Snapshot)) Change {
			path, s := at("/f#")
			return Writing{Path: path, Data: []byte("new"), Base: s.Stat}
		},
	},
	{
		name: "appending", before: "/f#=old", after: "f#=1:oldnew", told: ErrUnresolved,
		make: func(at func(string) (string, Snapshot)) Change {
			path, s := at("/f#")
			return Writing{Path: path, Data: []byte("oldnew"), Base: s.Stat, Appends: true}
		},
	},
	{
		name: "writing of a directory", before: "/d#=", after: "d#=1:new/0/2",
		make: func(at func(string) (string, Snapshot)) Change {
			path, s := at("/d#")
			return Writing{Path: path, Data: []byte("new"), Base: s.Stat, Directory: true}
		},
	},
	{
		name: "note", before: "/f#=old", after: "f#=1:new",
		make: func(at func(string) (string, Snapshot)) Change {
			path, _ := at("/f#")
			return Note{path, []byte("new")}
		},
	},
	{
		name: "deletion", before: "/f#=old", after: "f#=none",
		make: func(at func(string) (string, Snapshot)) Change {
			path, s := at("/f#")
			return Deletion{path, s.Stat}
		},
	},
	{
		name: "change of an ACL", before: "/f#=old", after: "f#=0:old/1/0",
		make: func(at func(string) (string, Snapshot)) Change {
			path, s := at("/f#")
			return ACLChange{path, open, s.Stat}
		},
	},
	{
		name: "change of the type", before: "/f#=old", after: "f#=0:old/0/2",
		make: func(at func(string) (string, Snapshot)) Change {
			path, _ := at("/f#")
			return TypeChange{path}
		},
	},
	{
		name: "change into an ephemeral", before: "/f#=old", after: "f#=e0:old",
		make: func(at func(string) (string, Snapshot)) Change {
			path, s := at("/f#")
			return OwnerChange{path, s, SeenACL{path, open, s.Stat}, true}
		},
	},
	{
		name: "change of an ephemeral", before: "e/f#=old", after: "f#=0:old",
		make: func(at func(string) (string, Snapshot)) Change {
			path, s := at("/f#")
			return OwnerChange{path, s, SeenACL{path, open, s.Stat}, false}
		},
	},
	{
		name: "change of an empty ephemeral", before: "e/f#=", after: "f#=1:",
		make: func(at func(string) (string, Snapshot)) Change {
			path, s := at("/f#")
			return OwnerChange{path, s, SeenACL{path, open, s.Stat}, false}
		},
	},
	{
		name: "question about a quota", before: "/f#=old", after: "f#=0:old",
		answer: zk.ErrBadVersion,
		make: func(at func(string) (string, Snapshot)) Change {
			path, s := at("/f#")
			set := &zk.SetDataRequest{Path: path, Data: []byte{0}, Version: -1}
			return quotaQuestion{path, set, s.Stat.Version}
		},
	},
	{
		name: "move", before: "/f#=new", after: "f#=none g#=0:new",
		make: func(at func(string) (string, Snapshot)) Change {
			from, s := at("/f#")
			to, _ := at("/g#")
			return Move{from, to, s, nil, true, []any{
				&zk.CreateRequest{Path: to, Data: s.Data, Acl: open},
				&zk.DeleteRequest{Path: from, Version: s.Stat.Version},
			}, []SeenACL{{from, open, s.Stat}}}
		},
	},
	{
		name: "move onto another", before: "/f#=new /g#=old", after: "f#=none g#=1:new",
		make: func(at func(string) (string, Snapshot)) Change {
			from, s := at("/f#")
			to, before := at("/g#")
			return Move{from, to, s, before.Stat, false, []any{
				&zk.SetDataRequest{Path: to, Data: s.Data, Version: before.Stat.Version},
				&zk.DeleteRequest{Path: from, Version: s.Stat.Version},
			}, []SeenACL{{from, open, s.Stat}}}
		},
	},
	{
		name: "exchange", before: "/f#=one /g#=two", after: "f#=1:two g#=1:one",
		make: func(at func(string) (string, Snapshot)) Change {
			a, inA := at("/f#")
			b, inB := at("/g#")
			return Exchange{a, b, inA, inB}
		},
	},
	{
		name: "replacement of an ephemeral", before: "e/f#=", after: "f#=e0:new",
		make: func(at func(string) (string, Snapshot)) Change {
			path, s := at("/f#")
			return Replacement{path, []byte("new"), open, s.Stat}
		},
	},
	{
		name: "replacement", before: "/f#=", after: "f#=0:new",
		make: func(at func(string) (string, Snapshot)) Change {
			path, s := at("/f#")
			return Replacement{path, []byte("new"), open, s.Stat}
		},
	},
}

// Every type with an outcome is a kind of change, and has a row.
func TestEveryKindOfChangeHasARow(t *testing.T) {
	have := map[string]bool{}
	for _, r := range kindRows {
		at := func(path string) (string, Snapshot) { return path, Snapshot{Stat: &zk.Stat{}} }
		c := r.make(at)
		have[reflect.TypeOf(c).Name()] = true
	}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Name.Name != "outcome" || f.Recv == nil {
				continue
			}
			kind := strings.TrimPrefix(fmt.Sprint(receiver(f)), "*")
			if !have[kind] {
				t.Errorf("%s is a kind of change without a row", kind)
			}
			delete(have, kind)
		}
	}
	for name := range have {
		t.Errorf("%s has no outcome", name)
	}
}

// receiver returns the name of the type that f is a method of.
func receiver(f *ast.FuncDecl) string {
	t := f.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	return t.(*ast.Ident).Name
}

// Every kind of change is made once, whatever happens to any request that it takes.
func TestEveryKindOfChangeIsMadeOnce(t *testing.T) {
	for name, fault := range map[string]zktest.Fault{
		"the request is lost":  {Close: true},
		"the reply is lost":    {Lose: true},
		"the reply is cut":     {Cut: 9},
		"the server is silent": {Stall: true},
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range kindRows {
				t.Run(r.name, func(t *testing.T) {
					t.Parallel()
					r.run(t, fault)
				})
			}
		})
	}
}

// run makes the change once for each request that it takes.
func (r kindRow) run(t *testing.T, fault zktest.Fault) {
	const timeout = 1500 * time.Millisecond // silence is given up after a second
	s := newServers(t, timeout, Options{Watch: WatchOff})
	for at := 1; ; at++ {
		turn := func(text string) string { return strings.ReplaceAll(text, "#", fmt.Sprint(at)) }
		for znode := range strings.FieldsSeq(turn(r.before)) {
			s.prepare(znode)
		}
		c := r.make(func(path string) (string, Snapshot) {
			known, _ := s.e.Get(t.Context(), turn(path))
			return turn(path), known
		})
		var err error
		everything := !fault.Stall // a silence takes its time
		seen := s.during(fault, at, everything, func() { _, err = s.e.Do(t.Context(), c) })
		if len(seen) < at {
			if at == 1 {
				t.Errorf("it takes no request")
			}
			return
		}
		lost := slices.Contains(changes, seen[at-1]) && (fault.Lose || fault.Cut > 0)
		if !errors.Is(err, r.answer) && (!lost || r.told == nil || !errors.Is(err, r.told)) {
			t.Errorf("%v with request %d of %q", err, at, seen)
			continue
		}
		s.check(turn(r.after))
	}
}

// prepare makes a znode, as PATH=DATA, with an e before it an ephemeral of the session.
func (s *servers) prepare(znode string) {
	s.Helper()
	path, data, _ := strings.Cut(znode, "=")
	path, ephemeral := strings.CutPrefix(path, "e")
	if !ephemeral {
		s.create(path, data)
		return
	}
	c := s.e.conn.WithContext(s.Context())
	if _, err := c.Create(path, []byte(data), zk.FlagEphemeral, open); err != nil {
		s.Fatal(err)
	}
}

// check compares znodes with what they are to be, as PATH=VERSION:DATA,
// PATH=VERSION:DATA/AVERSION/CVERSION or PATH=none. An e before the version says that it is an
// ephemeral.
func (s *servers) check(after string) {
	s.Helper()
	for want := range strings.FieldsSeq(after) {
		path, content, _ := strings.Cut(want, "=")
		data, st, err := s.other.Get("/" + path)
		got := "none"
		switch {
		case err == nil && strings.Contains(content, "/"):
			got = fmt.Sprintf("%d:%s/%d/%d", st.Version, data, st.Aversion, st.Cversion)
		case err == nil:
			got = fmt.Sprintf("%d:%s", st.Version, data)
		case !errors.Is(err, zk.ErrNoNode):
			got = err.Error()
		}
		if err == nil && st.EphemeralOwner != 0 {
			got = "e" + got
		}
		if got != content {
			s.Errorf("%s is %s, want %s", path, got, content)
		}
	}
}
