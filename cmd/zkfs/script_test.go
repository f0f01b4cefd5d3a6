package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"zkfs": func() {
			if folder := os.Getenv("ZKFS_TEST_CONTEXTS"); folder != "" {
				systemContexts = folder
			}
			main()
		},
		"killed-at-once": killedAtOnce,
	})
}

// killedAtOnce is killed when its companion, which logs that to the file log, has hardly begun.
func killedAtOnce() {
	file, err := filepath.Abs("log")
	if err == nil {
		_, err = startCompanion(filepath.Dir(file), &logSettings{File: file})
	}
	if err == nil {
		err = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	panic(err)
}

// Each script has a server of its own, $SERVER, with a znode /app. The command exits runs another one, which must end with
// that exit code. At the end nothing may be mounted below $WORK.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Deadline:            time.Now().Add(4 * hangAfter),
		Setup: func(env *testscript.Env) error {
			server := zktest.NewServer(zktest.WithSuper("super:secret"))
			env.Defer(server.Close)
			env.Defer(func() { unmountAll(env, env.WorkDir) })
			env.Setenv("SERVER", server.Addr())
			env.Setenv("GORACE", "halt_on_error=1 atexit_sleep_ms=0") // else each command ends a second late
			conn, _, err := zk.Connect([]string{server.Addr()}, time.Minute)
			if err != nil {
				return err
			}
			defer conn.Close()
			_, err = conn.Create("/app", nil, 0, zk.WorldACL(zk.PermAll))
			return err
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"exits": exits},
	})
}

// exits runs a command that must end with an exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// unmountAll fails the script if something is mounted on a folder m of dir.
func unmountAll(env *testscript.Env, dir string) {
	point := dir + "/m"
	found, err := mountAt(point)
	if err != nil || found.fstype == "" {
		return
	}
	exec.Command("umount", "-f", point).Run()
	exec.Command("umount", "-l", point).Run()
	env.T().Log("left mounted: " + point)
	env.T().FailNow()
}
