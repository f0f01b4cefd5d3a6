package integration

import (
	"bufio"
	"context"
	"os/exec"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// zkfs watch goes on after its server has gone and come back, and says that changes may be missing.
func TestCommandWatch(t *testing.T) {
	t.Parallel()
	ts := cluster(t, 1, nil)
	server := addr(ts.Servers[0])
	path, err := zkfs()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "watch", "-r", server+"/a")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // after a failure
		cmd.Process.Kill()
		cmd.Wait()
	})
	patience := time.AfterFunc(hang, func() { cmd.Process.Kill() }) // a line that does not come is not awaited for ever
	defer patience.Stop()
	lines := bufio.NewScanner(stdout)
	expect := func(pattern string) {
		t.Helper()
		patience.Reset(hang)
		if !lines.Scan() || !regexp.MustCompile(pattern).MatchString(lines.Text()) {
			t.Fatalf("printed %q, want %s", lines.Text(), pattern)
		}
	}
	expect("^zkfs: watching /a on ")
	c := connect(t, []string{server})
	create(t, c, "/a", "1", zk.FlagPersistent)
	expect(" created  /a$")
	create(t, c, "/a/b", "2", zk.FlagPersistent)
	expect(" created  /a/b$")
	if err := ts.StopServer(server); err != nil {
		t.Fatal(err)
	}
	if err := ts.StartServer(server); err != nil {
		t.Fatal(err)
	}
	expect(" lost     /a ")
	// It says so before it watches again: what changes between may be missing.
	ctx, seen := context.WithCancel(t.Context())
	defer seen()
	go func() { // ends with ctx
		for ctx.Err() == nil {
			c.WithContext(ctx).Set("/a/b", []byte("3"), -1) // fails until the server is back
			time.Sleep(20 * time.Millisecond)
		}
	}()
	expect(" changed  /a/b$")
	seen()
	patience.Reset(hang)
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
}
