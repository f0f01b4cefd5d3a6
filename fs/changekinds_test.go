package fs

import (
	"errors"
	"fmt"
	"go/types"
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
	before string                                          // znodes that are there, as PATH=DATA
	make   func(at func(string) (string, snapshot)) change // at returns a path, and what is there
	after  string                                          // as in row
	answer error                                           // when no fault comes
	told   error                                           // what else may be answered when the reply is lost
}

var kindRows = []kindRow{
	{
		name: "creation", after: "f#=0:new",
		make: func(at func(string) (string, snapshot)) change {
			path, _ := at("/f#")
			return creation{path, []byte("new"), open, claim{}}
		},
	},
	{
		name: "exclusive creation", after: "f#=0:new", told: errUnresolved,
		make: func(at func(string) (string, snapshot)) change {
			path, _ := at("/f#")
			return creation{path, []byte("new"), open, claim{Exclusive: true}}
		},
	},
	{
		name: "creation by an append", after: "f#=0:new", told: errUnresolved,
		make: func(at func(string) (string, snapshot)) change {
			path, _ := at("/f#")
			return creation{path, []byte("new"), open, claim{Appends: true}}
		},
	},
	{
		name: "creation of what is there", before: "/f#=old", after: "f#=0:old", answer: zk.ErrNodeExists,
		make: func(at func(string) (string, snapshot)) change {
			path, _ := at("/f#")
			return creation{path, []byte("new"), open, claim{Exclusive: true}}
		},
	},
	{
		name: "empty creation", after: "f#=1:",
		make: func(at func(string) (string, snapshot)) change {
			path, _ := at("/f#")
			return emptyCreation{path, open, claim{Appends: true}}
		},
	},
	{
		name: "creation of a lock directory", after: "l#.lock=1:/0/2", told: errUnresolved,
		make: func(at func(string) (string, snapshot)) change {
			path, _ := at("/l#.lock")
			return lockDirCreation{path, open}
		},
	},
	{
		name: "creation of a lock", after: "l#.lock=0:",
		make: func(at func(string) (string, snapshot)) change {
			path, _ := at("/l#.lock")
			return lockCreation{path, open}
		},
	},
	{
		name: "writing", before: "/f#=old", after: "f#=1:new",
		make: func(at func(string) (string, snapshot)) change {
			path, s := at("/f#")
			return writing{Path: path, Data: []byte("new"), Base: s.stat}
		},
	},
	{
		name: "appending", before: "/f#=old", after: "f#=1:oldnew", told: errUnresolved,
		make: func(at func(string) (string, snapshot)) change {
			path, s := at("/f#")
			return writing{Path: path, Data: []byte("oldnew"), Base: s.stat, Appends: true}
		},
	},
	{
		name: "writing of a directory", before: "/d#=", after: "d#=1:new/0/2",
		make: func(at func(string) (string, snapshot)) change {
			path, s := at("/d#")
			return writing{Path: path, Data: []byte("new"), Base: s.stat, Directory: true}
		},
	},
	{
		name: "note", before: "/f#=old", after: "f#=1:new",
		make: func(at func(string) (string, snapshot)) change {
			path, _ := at("/f#")
			return note{path, []byte("new")}
		},
	},
	{
		name: "deletion", before: "/f#=old", after: "f#=none",
		make: func(at func(string) (string, snapshot)) change {
			path, s := at("/f#")
			return deletion{path, s.stat}
		},
	},
	{
		name: "change of an ACL", before: "/f#=old", after: "f#=0:old/1/0",
		make: func(at func(string) (string, snapshot)) change {
			path, s := at("/f#")
			return aclChange{path, open, s.stat}
		},
	},
	{
		name: "change of the type", before: "/f#=old", after: "f#=0:old/0/2",
		make: func(at func(string) (string, snapshot)) change {
			path, _ := at("/f#")
			return typeChange{path}
		},
	},
	{
		name: "question about a quota", before: "/f#=old", after: "f#=0:old", answer: zk.ErrBadVersion,
		make: func(at func(string) (string, snapshot)) change {
			path, s := at("/f#")
			return quotaQuestion{path, &zk.SetDataRequest{Path: path, Data: []byte{0}, Version: -1}, s.stat.Version}
		},
	},
	{
		name: "move", before: "/f#=new", after: "f#=none g#=0:new",
		make: func(at func(string) (string, snapshot)) change {
			from, s := at("/f#")
			to, _ := at("/g#")
			return move{from, to, s, nil, true, []any{
				&zk.CreateRequest{Path: to, Data: s.data, Acl: open},
				&zk.DeleteRequest{Path: from, Version: s.stat.Version},
			}}
		},
	},
	{
		name: "move onto another", before: "/f#=new /g#=old", after: "f#=none g#=1:new",
		make: func(at func(string) (string, snapshot)) change {
			from, s := at("/f#")
			to, before := at("/g#")
			return move{from, to, s, before.stat, false, []any{
				&zk.SetDataRequest{Path: to, Data: s.data, Version: before.stat.Version},
				&zk.DeleteRequest{Path: from, Version: s.stat.Version},
			}}
		},
	},
	{
		name: "exchange", before: "/f#=one /g#=two", after: "f#=1:two g#=1:one",
		make: func(at func(string) (string, snapshot)) change {
			a, inA := at("/f#")
			b, inB := at("/g#")
			return exchange{a, b, inA, inB}
		},
	},
	{
		name: "replacement", before: "/f#=", after: "f#=0:new",
		make: func(at func(string) (string, snapshot)) change {
			path, s := at("/f#")
			return replacement{path, []byte("new"), open, s.stat}
		},
	},
}

var open = zk.WorldACL(zk.PermAll)

// Every kind of change has a row.
func TestEveryKindOfChangeHasARow(t *testing.T) {
	have := map[string]bool{}
	for _, r := range kindRows {
		c := r.make(func(path string) (string, snapshot) { return path, snapshot{stat: &zk.Stat{}} })
		have[reflect.TypeOf(c).Name()] = true
	}
	_, pkg, _ := checked(t)
	kind := pkg.Scope().Lookup("change").Type().Underlying().(*types.Interface)
	for _, name := range pkg.Scope().Names() {
		named, ok := pkg.Scope().Lookup(name).(*types.TypeName)
		if !ok || types.IsInterface(named.Type()) {
			continue
		}
		is := types.Implements(named.Type(), kind) || types.Implements(types.NewPointer(named.Type()), kind)
		if is && !have[name] {
			t.Errorf("%s is a kind of change without a row", name)
		}
		delete(have, name)
	}
	for name := range have {
		t.Errorf("%s is no kind of change", name)
	}
}

// Every kind of change is made once, whatever happens to any request that it takes.
func TestEveryKindOfChangeIsMadeOnce(t *testing.T) {
	for name, fault := range faults {
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
	w := newWorld(t, Options{Watch: WatchOff})
	f, _ := w.session(1500*time.Millisecond, Options{Watch: WatchOff}) // given up after a second of silence
	for at := 1; ; at++ {
		turn := func(text string) string { return strings.ReplaceAll(text, "#", fmt.Sprint(at)) }
		for znode := range strings.FieldsSeq(turn(r.before)) {
			path, data, _ := strings.Cut(znode, "=")
			w.create(path, data)
		}
		c := r.make(func(path string) (string, snapshot) {
			s, _ := f.ensemble.get(t.Context(), turn(path))
			return turn(path), s
		})
		m := &meddler{fault: fault, at: at, any: !fault.Stall} // a silence takes its time
		end := w.meddle(f, m)
		_, err := f.ensemble.do(t.Context(), c)
		end()
		m.mu.Lock()
		seen := slices.Clone(m.seen)
		m.mu.Unlock()
		if len(seen) < at {
			if at == 1 {
				t.Errorf("it takes no request")
			}
			return
		}
		lost := slices.Contains(changing, seen[at-1]) && (fault.Lose || fault.Cut > 0)
		if !errors.Is(err, r.answer) && (!lost || r.told == nil || !errors.Is(err, r.told)) {
			t.Errorf("%v with request %d of %q", err, at, seen)
			continue
		}
		row{}.check(w, turn(r.after))
	}
}
