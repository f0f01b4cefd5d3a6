package integration

import (
	"bufio"
	"os/exec"
	"regexp"
	"syscall"
	"testing"

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
	lines := bufio.NewScanner(stdout)
	expect := func(pattern string) {
		t.Helper()
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
	eventually(t, func() error {
		_, err := c.Set("/a/b", []byte("3"), -1)
		return err
	})
	expect(" changed  /a/b$")
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
}
