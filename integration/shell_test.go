package integration

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/zkfs/zkfs/zk"
)

// The scripts in testdata/script run in a folder on which a znode of the shared server is mounted, those in
// testdata/server on a server of their own, which they may stop. They know, besides the commands of testscript:
//
//	zk create|set|get|delete PATH [DATA]    what another client does
//	server freeze|thaw|stop|start           what happens to the server
//	eventually COMMAND...                   repeats a command until it succeeds
//
// $ZK is the folder, $SOURCE what is mounted on it, and zkfs is in the path.
func TestShell(t *testing.T) {
	for _, file := range scripts(t, "testdata/script") {
		t.Run(scriptName(file), func(t *testing.T) {
			root := newRoot(t)
			server := addr(shared.Servers[0])
			runScript(t, file, script{
				source: server + root,
				mount:  mount(t, server+root),
				conn:   connect(t, []string{server}, zk.WithChroot(root)),
			})
		})
	}
}

func TestShellWhileServersAreAway(t *testing.T) {
	t.Parallel()
	for _, file := range scripts(t, "testdata/server") {
		t.Run(scriptName(file), func(t *testing.T) {
			t.Parallel()
			ts := cluster(t, 1, nil)
			server := ts.Servers[0]
			runScript(t, file, script{
				source: addr(server),
				mount:  mount(t, addr(server), "--timeout=2s", "--session-timeout=4s"),
				conn:   connect(t, []string{addr(server)}),
				server: server,
			})
		})
	}
}

func scripts(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(folder + "/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts in %s: %v", folder, err)
	}
	return files
}

func scriptName(file string) string { return strings.TrimSuffix(filepath.Base(file), ".txt") }

// script is what a script works with.
type script struct {
	source string
	mount  *mounted
	conn   *zk.Conn
	server zk.TestServer // without a process if it is shared
}

func runScript(t *testing.T, file string, s script) {
	path, err := zkfs()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Files:               []string{file},
		RequireExplicitExec: true,
		Deadline:            time.Now().Add(2 * hang),
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", filepath.Dir(path)+":"+os.Getenv("PATH"))
			env.Setenv("GORACE", raceOptions)
			env.Setenv("ZK", s.mount.dir)
			env.Setenv("SOURCE", s.source)
			env.Cd = s.mount.dir
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"zk":         s.zk,
			"server":     s.signal,
			"eventually": repeat,
		},
	})
}

// zk is what another client does.
func (s script) zk(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: zk create|set|get|delete PATH [DATA]")
	}
	data := []byte(strings.Join(args[2:], " "))
	var err error
	switch path := args[1]; args[0] {
	case "create":
		_, err = s.conn.Create(path, data, 0, zk.WorldACL(zk.PermAll))
	case "set":
		_, err = s.conn.Set(path, data, -1)
	case "delete":
		err = s.conn.Delete(path, -1)
	case "get":
		data, _, err = s.conn.Get(path)
		fmt.Fprint(ts.Stdout(), string(data))
	default:
		ts.Fatalf("unknown: zk %s", args[0])
	}
	if (err != nil) != neg {
		ts.Fatalf("zk %s: %v", strings.Join(args, " "), err)
	}
}

// signal is what happens to a server.
func (s script) signal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 || s.server.Srv == nil {
		ts.Fatalf("usage: server freeze|thaw|stop|start, in testdata/server")
	}
	var err error
	switch args[0] {
	case "freeze":
		err = freeze(s.server)
	case "thaw":
		err = s.server.Srv.Signal(syscall.SIGCONT)
	case "stop":
		err = s.server.Srv.Stop()
	case "start":
		err = s.server.Srv.Start()
	default:
		err = errors.New("unknown")
	}
	ts.Check(err)
}

// repeat runs a command until it succeeds.
func repeat(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: eventually COMMAND...")
	}
	deadline := time.Now().Add(hang)
	for {
		err := ts.Exec(args[0], args[1:]...)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s: %v", strings.Join(args, " "), err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
