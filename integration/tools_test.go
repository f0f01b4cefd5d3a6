package integration

import (
	"errors"
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/zkfs/zkfs/xattr"
	"github.com/zkfs/zkfs/zk"
)

// TestTools runs the tools of a Unix system on two mounts of one znode, and looks with another client at what they have
// done. Each script of testdata/tools works below a znode of its own: the folders $A and $B, one by each mount.
func TestTools(t *testing.T) {
	root := newRoot(t)
	server := addr(shared.Servers[0])
	patience := []string{"--session-timeout=30s", "--timeout=30s"}
	a, b := mount(t, server+root, patience...), mount(t, server+root, patience...)
	client := connect(t, []string{server}, zk.WithChroot(root))
	for _, file := range scripts(t, "testdata/tools") {
		t.Run(scriptName(file), func(t *testing.T) {
			t.Parallel()
			s := newTools(t, client, "/"+scriptName(file))
			testscript.Run(t, testscript.Params{
				Files: []string{file},
				Setup: func(env *testscript.Env) error {
					env.Vars = append(env.Vars, "A="+a.dir+s.root, "B="+b.dir+s.root, "HOME="+env.WorkDir, "LC_ALL=C.UTF-8", "TERM=xterm",
						"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
					return nil
				},
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					"sh": sh, "terminal": terminal, "client": s.change,
					"is": s.is, "acl": s.acl, "missing": s.missing, "changes": s.changes, "mark": s.mark, "advanced": s.advanced,
				},
			})
		})
	}
}

// The table in docs/tools.md names the scripts, all of them and no others.
func TestToolsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/tools.md")
	if err != nil {
		t.Fatal(err)
	}
	var named, there []string
	for _, row := range regexp.MustCompile(`(?m)^\|.*\|.*\|.*\| ([a-z, ]+) \|$`).FindAllStringSubmatch(string(page), -1)[1:] { // behind the head
		named = append(named, strings.Split(row[1], ", ")...)
	}
	for _, file := range scripts(t, "testdata/tools") {
		there = append(there, scriptName(file))
	}
	slices.Sort(named)
	slices.Sort(there)
	if named = slices.Compact(named); !slices.Equal(named, there) {
		t.Errorf("the page names %s, there are %s", named, there)
	}
}

// toolScript is the world of one script: its znode, seen by a client that is no mount.
type toolScript struct {
	client *zk.Conn
	root   string
	marks  map[string]znode

	mu   sync.Mutex // guards seen
	seen []string   // the changes of znodes since the last look, as in "changed f"
}

// znode is what a mark remembers.
type znode struct {
	stat *zk.Stat
	acl  []zk.ACL
}

func newTools(t *testing.T, client *zk.Conn, root string) *toolScript {
	t.Helper()
	s := &toolScript{client: client, root: root, marks: map[string]znode{}}
	if _, err := client.Create(root, nil, 0, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
	w, err := client.AddWatch(root, zk.AddWatchPersistentRecursive)
	if err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the connection
		for e := range w.Events() {
			what, ok := map[zk.EventType]string{zk.EventNodeCreated: "created", zk.EventNodeDataChanged: "changed", zk.EventNodeDeleted: "deleted"}[e.Type]
			if !ok {
				what = e.Type.String()
			}
			s.mu.Lock()
			s.seen = append(s.seen, what+" "+strings.TrimPrefix(e.Path, root+"/"))
			s.mu.Unlock()
		}
	}()
	return s
}

func (s *toolScript) path(name string) string { return path.Join(s.root, name) }

// sh runs a line of bash in $A. It fails if a command of the line does, and is not waited for longer than two minutes.
func sh(ts *testscript.TestScript, neg bool, args []string) {
	// The shell changes the folder: what Cmd.Dir does before the command runs could not be interrupted.
	err := ts.Exec("timeout", "--kill-after=2", "120", "bash", "-c", `set -eo pipefail; cd "$A"; eval "$0"`, strings.Join(args, " "))
	if failed := err != nil; failed != neg {
		ts.Fatalf("sh: %v", err)
	}
}

// change is a change by the client: client create|ephemeral|set PATH DATA, client delete PATH, client acl PATH ACL.
func (s *toolScript) change(ts *testscript.TestScript, _ bool, args []string) {
	name := s.path(args[1])
	var err error
	switch args[0] {
	case "create":
		_, err = s.client.Create(name, unquote(ts, args[2]), 0, zk.WorldACL(zk.PermAll))
	case "ephemeral":
		_, err = s.client.Create(name, unquote(ts, args[2]), zk.FlagEphemeral, zk.WorldACL(zk.PermAll))
	case "set":
		_, err = s.client.Set(name, unquote(ts, args[2]), -1)
	case "delete":
		err = s.client.Delete(name, -1)
	case "acl":
		var acl []zk.ACL
		acl, err = xattr.ParseACL(args[2])
		ts.Check(err)
		_, err = s.client.SetACL(name, acl, -1)
	default:
		err = fmt.Errorf("client can not %q", args[0])
	}
	ts.Check(err)
}

// unquote understands \n and the like. An empty text is null data.
func unquote(ts *testscript.TestScript, text string) []byte {
	if text == "" {
		return nil
	}
	data, err := strconv.Unquote(`"` + strings.ReplaceAll(text, `"`, `\"`) + `"`)
	ts.Check(err)
	return []byte(data)
}

// is PATH VERSION [DATA] fails unless the znode has that version and, if given, that data.
func (s *toolScript) is(ts *testscript.TestScript, _ bool, args []string) {
	data, stat, err := s.client.Get(s.path(args[0]))
	ts.Check(err)
	if got := fmt.Sprint(stat.Version); got != args[1] {
		ts.Fatalf("%s: version %s, want %s; data %q", args[0], got, args[1], data)
	}
	if len(args) > 2 && string(data) != string(unquote(ts, args[2])) {
		ts.Fatalf("%s: data %q, want %q", args[0], data, unquote(ts, args[2]))
	}
}

// acl PATH ACL fails unless the znode has that ACL.
func (s *toolScript) acl(ts *testscript.TestScript, _ bool, args []string) {
	acl, _, err := s.client.GetACL(s.path(args[0]))
	ts.Check(err)
	if got := xattr.FormatACL(acl); got != args[1] {
		ts.Fatalf("%s: ACL %s, want %s", args[0], got, args[1])
	}
}

// missing PATH... fails if one of the znodes exists.
func (s *toolScript) missing(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		if exists, _, err := s.client.Exists(s.path(name)); err != nil || exists {
			ts.Fatalf("%s: exists %v, error %v", name, exists, err)
		}
	}
}

// endOfChanges is a znode that is created after all that a script has done.
const endOfChanges = "end of changes"

// changes CHANGE... fails unless these are the changes that were made since the last call, in this order. With -sort first, in any.
func (s *toolScript) changes(ts *testscript.TestScript, _ bool, args []string) {
	end := s.path(endOfChanges)
	_, err := s.client.Create(end, nil, 0, zk.WorldACL(zk.PermAll))
	ts.Check(err)
	ts.Check(s.client.Delete(end, -1))
	deadline := time.Now().Add(hang)
	for {
		s.mu.Lock()
		i := slices.Index(s.seen, "deleted "+endOfChanges)
		var seen []string
		if i >= 0 {
			seen = slices.Clone(s.seen[:i-1])
			s.seen = s.seen[i+1:]
		}
		s.mu.Unlock()
		if i < 0 {
			if time.Now().After(deadline) {
				ts.Fatalf("the last change was not reported")
			}
			time.Sleep(5 * time.Millisecond)
			continue
		}
		if len(args) > 0 && args[0] == "-sort" {
			args = args[1:]
			slices.Sort(args)
			slices.Sort(seen)
		}
		if !slices.Equal(seen, args) {
			ts.Fatalf("changes\n\t%s\nwant\n\t%s", strings.Join(seen, "\n\t"), strings.Join(args, "\n\t"))
		}
		return
	}
}

// mark PATH... remembers the znodes for advanced.
func (s *toolScript) mark(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		z, err := s.look(name)
		ts.Check(err)
		s.marks[name] = z
	}
}

// advanced PATH N fails unless the znode is the one that was marked, with the ACL that it had, N versions on.
func (s *toolScript) advanced(ts *testscript.TestScript, _ bool, args []string) {
	was := s.marks[args[0]]
	z, err := s.look(args[0])
	ts.Check(err)
	n := z.stat.Version - was.stat.Version
	switch {
	case z.stat.Czxid != was.stat.Czxid:
		ts.Fatalf("%s is another znode", args[0])
	case !slices.Equal(z.acl, was.acl):
		ts.Fatalf("%s: ACL %v, was %v", args[0], z.acl, was.acl)
	case fmt.Sprint(n) != args[1]:
		ts.Fatalf("%s: %d versions on, want %s", args[0], n, args[1])
	}
}

func (s *toolScript) look(name string) (znode, error) {
	acl, _, err := s.client.GetACL(s.path(name))
	exists, stat, err2 := s.client.Exists(s.path(name))
	if !exists {
		err2 = errors.Join(err2, fmt.Errorf("%s does not exist", name))
	}
	return znode{stat, acl}, errors.Join(err, err2)
}
