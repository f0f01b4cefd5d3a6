package fs

import (
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// Nothing here reaches the servers but by the Ensemble: no value is a connection but the argument of
// [Mount].
func TestNothingPassesByTheEnsemble(t *testing.T) {
	set, info := checked(t)
	for expr, of := range info.Types {
		if !of.IsType() && strings.Contains(of.Type.String(), "zkfs/zk.Conn") {
			if at := set.Position(expr.Pos()); at.Filename != "mount.go" {
				t.Errorf("%v is a connection: %v", at, of.Type)
			}
		}
	}
	for call, method := range info.Selections {
		if strings.HasSuffix(method.Recv().String(), "zkfs/zk.Conn") {
			t.Errorf("%v calls Conn.%s", set.Position(call.Pos()), method.Obj().Name())
		}
	}
	for id, def := range info.Defs {
		if v, ok := def.(*types.Var); ok && strings.Contains(v.Type().String(), "zkfs/zk.Conn") && id.Name != "conn" {
			t.Errorf("%v holds a connection", set.Position(id.Pos()))
		}
	}
}

// checked returns the types of this package, without its tests.
func checked(t *testing.T) (*token.FileSet, *types.Info) {
	set := token.NewFileSet()
	var files []*ast.File
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "_other.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	info := &types.Info{
		Defs:       map[*ast.Ident]types.Object{},
		Types:      map[ast.Expr]types.TypeAndValue{},
		Selections: map[*ast.SelectorExpr]*types.Selection{},
	}
	config := types.Config{Importer: importer.ForCompiler(set, "gc", exported(t))}
	if _, err := config.Check("fs", set, files, info); err != nil {
		t.Fatal(err)
	}
	return set, info
}

// exported returns a look-up of the compiled packages that this one imports.
func exported(t *testing.T) func(path string) (io.ReadCloser, error) {
	args := []string{"list", "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}"}
	// Compiled as this test was, they are in Go's cache.
	info, _ := debug.ReadBuildInfo()
	if slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		args = append(args, "-race")
	}
	list := exec.Command("go", append(args, ".")...)
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "=")
		files[path] = file
	}
	return func(path string) (io.ReadCloser, error) { return os.Open(files[path]) }
}

// faults are what happens to a request.
var faults = map[string]zktest.Fault{
	"the request is lost":  {Close: true},
	"the reply is lost":    {Lose: true},
	"the reply is cut":     {Cut: 9},
	"the server is silent": {Stall: true},
}

// changing are the requests that change something.
var changing = []string{"create", "create2", "createContainer", "delete", "setData", "setACL", "multi"}

// meddler does something to one request of a mount.
type meddler struct {
	fault zktest.Fault
	at    int  // which: from 1 on
	any   bool // of all, not only of those that change something

	mu   sync.Mutex // guards seen
	seen []string
}

// meddle lets m have its way with the requests of the mount f until the function that it returns is
// called.
func (w *world) meddle(f *FS, m *meddler) (end func()) {
	background := []string{"connect", "ping", "addWatch", "setWatches", "setWatches2", "removeWatches", "closeSession"}
	session := f.ensemble.SessionID()
	w.server.OnRequest(func(r zktest.Request) zktest.Fault {
		if r.SessionID != session || slices.Contains(background, r.Op) || !m.any && !slices.Contains(changing, r.Op) {
			return zktest.Fault{}
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.seen = append(m.seen, r.Op)
		if len(m.seen) == m.at {
			return m.fault
		}
		return zktest.Fault{}
	})
	return func() { w.server.OnRequest(nil) }
}

// count returns how many requests it has seen.
func (m *meddler) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.seen)
}

// A row is what a program does and what comes of it. Each # stands for a number that no other turn
// has.
type row struct {
	name   string
	before string // calls, separated by semicolons
	call   string // the last is the one that is meddled with
	answer string
	after  string // PATH=VERSION:DATA, PATH=VERSION:DATA/AVERSION/CVERSION or PATH=none; eVERSION: ephemeral
	asks   bool   // f# and d# are there, and nothing changes
	idle   bool   // f# and its idle lock are there, which no server removes
	told   string // what else may be answered when the reply to the change itself is lost, because nobody can tell
}

var changeRows = []row{
	{name: "new file", call: "put f# new", after: "f#=0:new"},
	{name: "new empty file", before: "open # f# w+creat; dupclose #", call: "close #", after: "f#=1:"},
	{name: "exclusive file", call: "open # f# w+creat+excl", after: "f#=1:", told: "EIO"},
	{name: "directory", call: "mkdir d#", after: "d#=0:", told: "EIO"},
	{name: "overwrite", before: "put f# old", call: "put f# new", after: "f#=1:new"},
	{name: "append", before: "put f# old", call: "append f# new", after: "f#=1:oldnew", told: "EIO"},
	{name: "append to a new file", call: "append f# new", after: "f#=0:new", told: "EIO"},
	{name: "new empty file to append to", before: "open # f# w+creat+append; dupclose #", call: "close #", after: "f#=1:"},
	{name: "truncate", before: "put f# old", call: "truncate f# 1", after: "f#=1:o"},
	{name: "touch", before: "put f# old", call: "touch f#", after: "f#=1:old"},
	{name: "unlink", before: "put f# old", call: "unlink f#", after: "f#=none"},
	{name: "rmdir", before: "mkdir d#", call: "rmdir d#", after: "d#=none"},
	{name: "data of a directory", before: "mkdir d#", call: "put d#/.data new", after: "d#=1:new"},
	{name: "unlink of the data", before: "mkdir d#; put d#/.data old", call: "unlink d#/.data", after: "d#=2:"},
	{name: "rename", before: "put f# new", call: "rename f# g#", after: "f#=none g#=0:new"},
	{name: "rename onto a file", before: "put f# new; put g# old", call: "rename f# g#", after: "f#=none g#=1:new"},
	{name: "rename of a directory", before: "mkdir d#; put d#/f new", call: "rename d# e#", after: "d#=none e#/f=0:new"},
	{name: "rename onto a directory", before: "mkdir d#; put d#/f new; mkdir e#", call: "rename d# e#", after: "d#=none e#/f=0:new"},
	{name: "rename of a scratch file", before: "create f#~ new", call: "rename f#~ f#", after: "f#=0:new f#~=none"},
	{name: "rename of an empty scratch file", before: "create f#~ ", call: "rename f#~ f#", after: "f#=1: f#~=none"},
	{name: "rename of a scratch file onto a file", before: "create f#~ new; put f# old", call: "rename f#~ f#", after: "f#=1:new f#~=none"},
	{name: "exclusive rename of a scratch file", before: "create f#~ new", call: "rename2 f#~ f# noreplace", after: "f#=0:new f#~=none", told: "EIO"},
	{name: "exchange", before: "put f# one; put g# two", call: "rename2 f# g# exchange", after: "f#=1:two g#=1:one"},
	{name: "type", before: "put f# new", call: "setxattr f# user.zk.type directory", after: "f#=0:new/0/2"},
	{name: "ephemeral", before: "put f# new", call: "setxattr f# user.zk.type ephemeral", after: "f#=e0:new"},
	{name: "permanent file", before: "put f# new; setxattr f# user.zk.type ephemeral",
		call: "setxattr f# user.zk.type file", after: "f#=0:new"},
	{name: "ACL", before: "put f# new", call: "setxattr f# user.zk.acl world:anyone:cdrwa", after: "f#=0:new/1/0"},
	{name: "ACL that nobody can read", before: "put f# new", call: "setxattr f# user.zk.acl world:anyone:d", told: "EIO"},
	{name: "first data under an ACL", before: "open # f# w+creat+excl; write # new; setxattr f# user.zk.acl world:anyone:r", call: "close #", after: "f#=0:new"},
	{name: "lock file", before: "open # l#.lock rw+creat", call: "flock # ex", after: "l#.lock=0:"},
	{name: "lock directory", call: "mkdir x#.lock", after: "x#.lock=1:/0/2", told: "EIO"},
	{idle: true, name: "lock directory over an idle lock", call: "mkdir f#.lock", after: "f#.lock=1:/0/2", told: "EIO"},
	{idle: true, name: "exclusive file over an idle lock", call: "open # f#.lock w+creat+excl", after: "f#.lock=1:", told: "EIO"},
	{idle: true, name: "new file over an idle lock", call: "put f#.lock new", after: "f#.lock=0:new"},
	{idle: true, name: "new empty file over an idle lock", before: "open # f#.lock w+creat; dupclose #", call: "close #", after: "f#.lock=1:"},
	{idle: true, name: "rename over an idle lock", before: "put g# new", call: "rename g# f#.lock", after: "g#=none f#.lock=0:new"},
	{idle: true, name: "rename of a scratch file over an idle lock", before: "create g#~ new", call: "rename g#~ f#.lock", after: "f#.lock=0:new"},
	{idle: true, name: "unlink with an idle lock", before: "open # f# r; flock # ex; flock # un; close #", call: "unlink f#", after: "f#=none f#.lock=none"},
	{name: "note", before: "open # l#.lock rw+creat; flock # ex", call: "write # note", after: "l#.lock=0:"},
}

// Every change arrives once, whatever happens to any request that it takes.
func TestChangesArriveOnce(t *testing.T) { underFaults(t, changeRows) }

var questionRows = []row{
	{asks: true, name: "stat", call: "stat f#", answer: "ok file 0644 size=3 nlink=1"},
	{asks: true, name: "stat of nothing", call: "stat g#", answer: "ENOENT"},
	{asks: true, name: "read", call: "cat f#", answer: `ok "old"`},
	{asks: true, name: "list", call: "ls d#", answer: "ok a b"},
	{asks: true, name: "list and look", call: "modes d# a b", answer: "ok a=0644 b=0644"},
	{asks: true, name: "open to write", call: "open # f# w", answer: "ok"},
	{asks: true, name: "sync", before: "open # f# r", call: "fsync #", answer: "ok"},
	{asks: true, name: "ACL", call: "getxattr f# user.zk.acl", answer: "ok world:anyone:cdrwa"},
	{asks: true, name: "version", call: "getxattr f# user.zk.version", answer: "ok 0"},
	{asks: true, name: "descendants", call: "getxattr d# user.zk.descendants", answer: "ok 2"},
	{asks: true, name: "lock", call: "getxattr l.lock user.zk.lock", answer: "ok queue=0"},
	{asks: true, name: "queue", call: "cat l.lock", answer: `ok ""`},
}

// Every question is answered, whatever happens to any request that it takes.
func TestQuestionsAreAskedAgain(t *testing.T) { underFaults(t, questionRows) }

// underFaults runs each row with each fault.
func underFaults(t *testing.T, rows []row) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			for _, r := range rows {
				t.Run(r.name, func(t *testing.T) {
					t.Parallel()
					r.run(t, fault)
				})
			}
		})
	}
}

// run makes the call of a row once for each request that it takes.
func (r row) run(t *testing.T, fault zktest.Fault) {
	w := newWorld(t, Options{Watch: WatchOff}) // so that the most is asked
	w.create("/l.lock", "")
	f, a := w.session(1500*time.Millisecond, Options{Watch: WatchOff}) // given up after a second of silence
	for at, lost := 1, 0; ; {
		m := &meddler{fault: fault, at: at, any: !fault.Stall || r.asks} // a silence takes its time
		id := f.ensemble.SessionID()
		wrong := r.turn(w, f, a, m, at+lost)
		switch {
		case f.ensemble.SessionID() != id && lost < 50: // the machine is so busy: what it held is gone
			lost++
			continue
		case len(wrong) > 0:
			t.Error(strings.Join(wrong, "\n"))
		case m.count() < at:
			if at == 1 {
				t.Errorf("it takes no request")
			}
			return
		}
		at++
	}
}

// turn makes the call, with m at work and the number n in its names, and returns what is wrong then.
func (r row) turn(w *world, f *FS, a *agent, m *meddler, n int) (wrong []string) {
	numbered := func(text string) string { return strings.ReplaceAll(text, "#", fmt.Sprint(n)) }
	if r.asks {
		w.create(numbered("/f#"), "old")
		w.create(numbered("/d#"), "")
		w.create(numbered("/d#/a"), "a")
		w.create(numbered("/d#/b"), "b")
	}
	if r.idle {
		w.create(numbered("/f#"), "old")
		w.create(numbered("/f#.lock"), "")
	}
	for call := range strings.SplitSeq(numbered(r.before), "; ") {
		if call == "" {
			continue
		}
		if got := a.do(words(call)...); got != "ok" {
			wrong = append(wrong, fmt.Sprintf("%s: %s, want ok", call, got))
		}
	}
	end := w.meddle(f, m)
	got := a.do(words(numbered(r.call))...)
	end()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.seen) < m.at {
		return wrong
	}
	want := r.answer
	if want == "" {
		want = "ok"
	}
	op := m.seen[m.at-1]
	lost := slices.Contains(changing, op) && (m.fault.Lose || m.fault.Cut > 0)
	if got != want && (!lost || r.told == "" || got != r.told) {
		return append(wrong, fmt.Sprintf(
			"%s: %s with request %d, %s, of %q", numbered(r.call), got, m.at, op, m.seen))
	}
	return append(wrong, r.check(w, numbered(r.after))...)
}

// words splits a call. A space at its end is an empty word.
func words(call string) []string { return strings.Split(call, " ") }

// check compares znodes, and returns what is wrong.
func (r row) check(w *world, after string) (wrong []string) {
	for want := range strings.FieldsSeq(after) {
		path, content, _ := strings.Cut(want, "=")
		data, st, err := w.other.Get("/" + path)
		got := fmt.Sprintf("%d:%s", stat(st).Version, data)
		if stat(st).EphemeralOwner != 0 {
			got = "e" + got
		}
		if strings.Contains(content, "/") {
			got += fmt.Sprintf("/%d/%d", stat(st).Aversion, stat(st).Cversion)
		}
		if errors.Is(err, zk.ErrNoNode) {
			got, err = "none", nil
		}
		if err != nil || got != content {
			wrong = append(wrong, fmt.Sprintf("%s is %s, %v; want %s", path, got, err, content))
		}
	}
	return wrong
}

func stat(st *zk.Stat) zk.Stat {
	if st == nil {
		return zk.Stat{}
	}
	return *st
}
