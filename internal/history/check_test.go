package history

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const second = int64(time.Second)

// promise is what the tests check against.
var promise = Promise{Stale: 10 * time.Second, Calm: 2 * time.Second, Call: 5 * time.Second, Cut: 4}

// An op is built up by its methods. Times are seconds.
func op(kind Kind, path, value string, start, end int64) *Op {
	if kind != Append && kind != Stat && value != Missing {
		value = Digest([]byte(value))
	}
	return &Op{Process: "p", Kind: kind, Path: path, Value: value, Start: start * second, End: end * second, Outcome: OK}
}

func (o *Op) is(outcome Outcome) *Op { o.Outcome = outcome; return o }
func (o *Op) on(view string) *Op     { o.View = view; return o }
func (o *Op) to(path string) *Op     { o.To = path; return o }
func (o *Op) fence(n int64) *Op      { o.Fence = n; return o }
func (o *Op) cached() *Op            { o.Cached = true; return o }
func (o *Op) slow(seconds int64) *Op { o.Call, o.Slowest = "write", seconds*second; return o }

// changes numbers what was committed. A plus before a kind makes it a part of the transaction before.
func changes(words ...string) []Change {
	var all []Change
	zxid := int64(0)
	for _, word := range words {
		f := strings.SplitN(word, " ", 3)
		f = append(f, "", "")
		kind, more := strings.CutPrefix(f[0], "+")
		if !more {
			zxid++
		}
		c := Change{Zxid: zxid, Path: f[1], Data: []byte(strings.ReplaceAll(f[2], ";", "\n"))}
		c.Kind = map[string]ChangeKind{"create": Created, "set": Set, "delete": Deleted}[kind]
		for _, before := range all {
			if c.Kind == Set && before.Path == c.Path {
				c.Version++ // nothing is deleted before it is set
			}
		}
		all = append(all, c)
	}
	return all
}

func TestCheck(t *testing.T) {
	abc := changes("create /r a", "set /r b", "set /r c")
	wrote := func(more ...*Op) []*Op {
		return append([]*Op{op(Write, "/r", "a", 1, 2), op(Write, "/r", "b", 3, 4), op(Write, "/r", "c", 5, 6)}, more...)
	}
	lines := changes("create /l x;", "set /l x;y;")
	moved := changes("create /s t", "delete /s", "+create /d t")
	for _, tt := range []struct {
		name    string
		ops     []*Op
		changes []Change
		want    string // in the breach; none if empty
	}{
		{"writes and reads", wrote(op(Read, "/r", "a", 2, 3), op(Read, "/r", "c", 7, 7)), abc, ""},
		{"lost", wrote(op(Write, "/r", "d", 7, 8)), abc, "lost"},
		{"twice", wrote(), changes("create /r a", "set /r b", "set /r c", "set /r b"), "done 2 times"},
		{"unknown and not done", wrote(op(Write, "/r", "d", 7, 8).is(Unknown)), abc, ""},
		{"unknown and done", wrote()[:3], abc, ""},
		{"unknown and twice", append(wrote()[:2], op(Write, "/r", "c", 5, 6).is(Unknown)),
			changes("create /r a", "set /r b", "set /r c", "set /r c"), "done 2 times"},
		{"failed and done", append(wrote()[:2], op(Write, "/r", "c", 5, 6).is(Failed)), abc, "although it failed"},
		{"failed and not done", wrote(op(Write, "/r", "d", 7, 8).is(Failed)), abc, ""},
		{"out of order", wrote(), changes("create /r b", "set /r a", "set /r c"), "out of order"},
		{"overlapping, in either order", []*Op{op(Write, "/r", "a", 1, 4), op(Write, "/r", "b", 2, 3)}, changes("create /r b", "set /r a"), ""},
		{"written by nobody", wrote()[:2], abc, "nobody wrote"},
		{"torn", wrote(op(Read, "/r", "ab", 7, 8)), abc, "never there"},

		{"truncated by one that was ended", append(wrote()[:2], op(Write, "/r", "c", 5, 0).is(Unknown)), changes("create /r a", "set /r b", "set /r"), ""},
		{"seen truncated twice", append(wrote()[:2], op(Write, "/r", "c", 5, 0).is(Unknown), op(Read, "/r", "", 3, 4).on("m"), op(Write, "/r", "d", 2, 4).on("m"), op(Sync, "/r", "b", 7, 8)),
			changes("create /r a", "set /r d", "set /r b", "set /r"), ""},
		{"truncated by nobody", wrote()[:2], changes("create /r a", "set /r b", "set /r"), "nobody wrote"},
		{"draft of the view", wrote(op(Write, "/r", "d", 7, 9).on("m").is(Failed), op(Read, "/r", "d", 8, 8).on("m")), abc, ""},
		{"draft of another view", wrote(op(Write, "/r", "d", 7, 9).on("m").is(Failed), op(Read, "/r", "d", 8, 8).on("n")), abc, "never there"},
		{"draft that is gone", wrote(op(Write, "/r", "d", 7, 9).on("m").is(Failed), op(Read, "/r", "d", 10, 11).on("m")), abc, "never there"},
		{"draft is no proof", append(wrote()[:2], op(Write, "/r", "c", 5, 9).on("m"), op(Read, "/r", "c", 6, 6).on("m"), op(Sync, "/r", "b", 7, 8)), abc, ""},
		{"back in time", wrote(op(Read, "/r", "c", 7, 8).on("m"), op(Read, "/r", "b", 9, 9).on("m")), abc, "back in time"},
		{"back in time after the own write", append(wrote()[:2], op(Write, "/r", "c", 5, 6).on("m"), op(Read, "/r", "b", 7, 7).on("m")), abc, "back in time"},
		{"versions", wrote(op(Stat, "/r", "version 1", 4, 5).on("m"), op(Stat, "/r", "version 2", 7, 8).on("m")), abc, ""},
		{"version of before", wrote(op(Read, "/r", "c", 7, 8).on("m"), op(Stat, "/r", "version 1", 9, 9).on("m")), abc, "back in time"},
		{"version for too long", wrote(op(Stat, "/r", "version 1", 17, 18)), abc, "stale by"},
		{"version that nothing had", wrote(op(Stat, "/r", "version 3", 7, 8)), abc, "never there"},
		{"overlapping reads of one view", wrote(op(Read, "/r", "c", 7, 9).on("m"), op(Read, "/r", "b", 8, 9).on("m")), abc, ""},
		{"older in another view", wrote(op(Read, "/r", "c", 7, 8).on("m"), op(Read, "/r", "b", 9, 9).on("n")), abc, ""},
		{"gone again", wrote(op(Read, "/r", "a", 3, 4).on("m"), op(Read, "/r", Missing, 5, 5).on("m")), abc, "back in time"},

		{"cut", wrote(op(Read, "/r", "ab", 7, 8).cached()), abc, "1 of 1 cached reads were cut"},
		{"seldom cut", wrote(append(slices.Repeat([]*Op{op(Read, "/r", "c", 7, 8).cached()}, 300), op(Read, "/r", "ab", 7, 8).cached())...), abc, ""},

		{"stale", wrote(op(Read, "/r", "b", 17, 17)), abc, "stale"},
		{"not yet stale", wrote(op(Read, "/r", "b", 16, 16)), abc, ""},
		{"stale in calm times", wrote(op(Read, "/r", "b", 25, 25)), abc, "stale"},
		{"replaced before it was calm", []*Op{op(Write, "/q", "a", 17, 18), op(Write, "/q", "b", 18, 19), op(Read, "/q", "a", 22, 22)}, changes("create /q a", "set /q b"), ""},
		{"replaced long before in calm times", []*Op{op(Write, "/q", "a", 17, 18), op(Write, "/q", "b", 18, 19), op(Read, "/q", "a", 23, 23)}, changes("create /q a", "set /q b"), "stale"},
		{"seen by another before", wrote(op(Read, "/r", "c", 5, 5), op(Sync, "/r", "b", 6, 7)), abc, "a sync showed"},
		{"sync", wrote(op(Sync, "/r", "b", 5, 7)), abc, ""},

		{"event", wrote(op(Event, "/r", "b", 4, 8)), abc, ""},
		{"late event", wrote(op(Event, "/r", "b", 4, 17)), abc, "late"},
		{"missed event", wrote(op(Event, "/r", "b", 4, 90).is(Unknown)), abc, "missed"},
		{"watch that ended with its session", wrote(op(Event, "/r", "b", 4, 90).is(Failed)), abc, ""},
		{"watcher that was ended", wrote(op(Event, "/r", "b", 4, 0).is(Unknown)), abc, ""},
		{"nothing to tell", wrote(op(Event, "/r", "c", 6, 90).is(Unknown)), abc, ""},

		{"appends", []*Op{op(Append, "/l", "x", 1, 2), op(Append, "/l", "y", 2, 3)}, lines, ""},
		{"append lost", []*Op{op(Append, "/l", "x", 1, 2), op(Append, "/l", "y", 2, 3), op(Append, "/l", "z", 3, 4)}, lines, "lost"},
		{"append overwritten", []*Op{op(Append, "/l", "x", 1, 2), op(Append, "/l", "y", 2, 3)}, changes("create /l x;", "set /l y;"), "does not continue"},
		{"append twice", []*Op{op(Append, "/l", "x", 1, 2), op(Append, "/l", "y", 2, 3).is(Unknown)}, changes("create /l x;", "set /l x;y;y;"), "done 2 times"},
		{"append failed and done", []*Op{op(Append, "/l", "x", 1, 2), op(Append, "/l", "y", 2, 3).is(Failed)}, lines, "although it failed"},
		{"append not known", []*Op{op(Append, "/l", "x", 1, 2), op(Append, "/l", "y", 2, 3), op(Append, "/l", "z", 3, 4).is(Unknown)}, lines, ""},
		{"old length read", []*Op{op(Append, "/l", "x", 1, 2), op(Append, "/l", "y", 2, 3), op(Read, "/l", "x\n", 14, 14)}, lines, "stale"},

		{"create", []*Op{op(Create, "/c", "1", 1, 2), op(Create, "/c", "2", 1, 2).is(Failed)}, changes("create /c", "set /c 1"), ""},
		{"two created", []*Op{op(Create, "/c", "1", 1, 2), op(Create, "/c", "2", 1, 2)}, changes("create /c", "set /c 1", "set /c 2"), "two created"},
		{"nobody created", []*Op{op(Create, "/c", "1", 1, 2).is(Failed), op(Create, "/c", "2", 1, 2).is(Failed)}, changes("create /c"), "everybody was told"},
		{"perhaps one created", []*Op{op(Create, "/c", "1", 1, 2).is(Unknown), op(Create, "/c", "2", 1, 2).is(Failed)}, changes("create /c"), ""},
		{"created without content", []*Op{op(Create, "/c", "1", 1, 2)}, changes("create /c"), "lost"},

		{"rename", []*Op{op(Rename, "/s", "", 1, 2).to("/d")}, moved, ""},
		{"rename lost", []*Op{op(Rename, "/s", "", 1, 2).to("/d")}, changes("create /s t"), "lost"},
		{"rename in two steps", []*Op{op(Rename, "/s", "", 1, 2).to("/d")}, changes("create /s t", "create /d t", "delete /s"), "lost"},
		{"rename failed and done", []*Op{op(Rename, "/s", "", 1, 2).to("/d").is(Failed)}, moved, "although it failed"},

		{"lock", []*Op{op(Lock, "/k", "", 1, 2).fence(1), op(Touch, "/k", "", 3, 4).fence(1), op(Lock, "/k", "", 1, 5).fence(2), op(Touch, "/k", "", 6, 6).fence(2)}, nil, ""},
		{"held by two", []*Op{op(Lock, "/k", "", 1, 2).fence(1), op(Lock, "/k", "", 1, 5).fence(2), op(Touch, "/k", "", 6, 7).fence(1)}, nil, "two hold"},
		{"held by one that was frozen", []*Op{op(Lock, "/k", "", 1, 2).fence(1), op(Lock, "/k", "", 1, 33).fence(2), op(Touch, "/k", "", 33, 35).fence(1).on("frozen")}, nil, ""},
		{"held by one that was frozen before", []*Op{op(Lock, "/k", "", 1, 2).fence(1), op(Lock, "/k", "", 1, 33).fence(2), op(Touch, "/k", "", 35, 35).fence(1).on("frozen")}, nil, "two hold"},
		{"held by two of three", []*Op{op(Lock, "/k", "", 1, 2).fence(1), op(Lock, "/k", "", 1, 9).fence(2), op(Lock, "/k", "", 1, 5).fence(3), op(Touch, "/k", "", 6, 7).fence(1)}, nil, "two hold"},
		{"same fence", []*Op{op(Lock, "/k", "", 1, 2).fence(1), op(Lock, "/k", "", 5, 6).fence(1)}, nil, "one fencing number"},
		{"lost in time", []*Op{op(Lock, "/k", "", 1, 2).fence(1), op(Lock, "/k", "", 1, 5).fence(2), op(Touch, "/k", "", 6, 7).fence(1).is(Failed)}, nil, ""},

		{"quick", []*Op{op(Other, "/o", "", 1, 9).slow(5)}, nil, ""},
		{"slow", []*Op{op(Other, "/o", "", 1, 9).slow(6)}, nil, "took 6s"},
		{"slow where nobody could answer", []*Op{op(Other, "/o", "", 30, 39).slow(8).on("frozen")}, nil, ""},
		{"slower than that", []*Op{op(Other, "/o", "", 30, 40).slow(9).on("frozen")}, nil, "took 6s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			errs := Check(&Run{
				Ops: tt.ops, Changes: tt.changes,
				Calm:   []Span{{20 * second, 30 * second}},
				Frozen: map[string][]Span{"frozen": {{31 * second, 34 * second}}},
			}, promise)
			switch {
			case tt.want == "" && len(errs) > 0:
				t.Errorf("breaches %v, want none", errs)
			case tt.want != "" && len(errs) == 0:
				t.Errorf("no breach, want %q", tt.want)
			case tt.want != "" && !strings.Contains(errs[0].Error(), tt.want):
				t.Errorf("breaches %v, want %q", errs, tt.want)
			}
		})
	}
}

// The second record of an operation replaces the first; what was cut off is left out.
func TestReadOps(t *testing.T) {
	text := `{"id":1,"process":"p","kind":"write","path":"/a","start":1,"outcome":"unknown"}
{"id":2,"process":"p","kind":"write","path":"/b","start":2,"outcome":"unknown"}
{"id":1,"process":"p","kind":"write","path":"/a","start":1,"end":3,"outcome":"ok"}
{"id":2,"process":"p","kind":"wri`
	ops, err := ReadOps(strings.NewReader(text))
	if err != nil || len(ops) != 2 || ops[0].Outcome != OK || ops[0].End != 3 || ops[1].Outcome != Unknown {
		t.Errorf("%v, error %v", ops, err)
	}
	if _, err := ReadOps(strings.NewReader("{\n")); err == nil {
		t.Error("a line that is no record is taken")
	}
}
