package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"testing"

	"github.com/zkfs/zkfs/zk"
)

// registered runs `zkfs register` of /svc/a below root, and returns when a session of it owns that.
func registered(t *testing.T, c *zk.Conn, root string) (cmd *exec.Cmd, owner int64) {
	t.Helper()
	path, err := zkfs()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(path, "register", "--session-timeout=1s",
		"--server="+addr(shared.Servers[0])+root, "/svc/a", "data", "--", "sleep", "1000000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill() // fails if it has ended
		cmd.Wait()
	})
	return cmd, ownerOf(t, c, "/svc/a", func(id int64) bool { return id != 0 })
}

// ownerOf returns the session that owns the znode, 0 without a znode, as soon as it is one to wait
// for.
func ownerOf(
	t *testing.T, c *zk.Conn, path string, awaited func(int64) bool,
) (owner int64) {
	t.Helper()
	eventually(t, func() error {
		_, stat, err := c.Exists(path)
		if err != nil {
			return err
		}
		if owner = stat.EphemeralOwner; !awaited(owner) {
			return fmt.Errorf("%s is of %#x", path, owner)
		}
		return nil
	})
	return owner
}

func isGone(owner int64) bool { return owner == 0 }

func TestRegister(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	server := addr(shared.Servers[0])
	c := connect(t, []string{server}, zk.WithChroot(root))
	cmd, first := registered(t, c, root)

	// A session that expires, because the process does not run, is followed by another.
	cmd.Process.Signal(syscall.SIGSTOP)
	ownerOf(t, c, "/svc/a", isGone)
	cmd.Process.Signal(syscall.SIGCONT)
	second := ownerOf(t, c, "/svc/a", func(id int64) bool { return id != 0 && id != first })

	// The servers know the session, and what it owns.
	var list struct {
		Sessions []struct {
			Session, Client string
			Ephemerals      []string
		}
	}
	program, _ := zkfs()
	answer(t, &list, program, "sessions", "--json", server)
	var found bool
	for _, s := range list.Sessions {
		if s.Session == fmt.Sprintf("%#x", uint64(second)) {
			found = s.Client != "" && len(s.Ephemerals) == 1 && s.Ephemerals[0] == root+"/svc/a"
		}
	}
	if !found {
		t.Errorf("%#x is not among %+v", second, list.Sessions)
	}
	if _, _, _, err := c.GetW("/svc/a"); err != nil {
		t.Fatal(err)
	}
	var holders struct {
		Holders []struct{ How, Session, Client string }
		Unknown []any
	}
	answer(t, &holders, program, "holders", "--json", "--server="+server+root, "/svc/a")
	got := fmt.Sprint(len(holders.Unknown))
	for _, h := range holders.Holders {
		got += " " + h.How + " " + h.Session
		if h.Client == "" {
			t.Errorf("no address of %s", h.Session)
		}
	}
	want := fmt.Sprintf("0 owns %#x watches %#x watches %#x", second, c.SessionID(), second)
	if got != want {
		t.Errorf("holders: %s, want %s", got, want)
	}

	// A signal deletes it before the process ends.
	cmd.Process.Signal(syscall.SIGTERM)
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 143 {
		t.Errorf("SIGTERM: %v", err)
	}
	if ok, _, err := c.Exists("/svc/a"); ok || err != nil {
		t.Errorf("it is left: %v, %v", ok, err)
	}

	// One that is killed leaves it to the servers.
	cmd, _ = registered(t, c, root)
	cmd.Process.Kill()
	ownerOf(t, c, "/svc/a", isGone)
}

// answer runs a command that prints JSON.
func answer(t *testing.T, v any, name string, args ...string) {
	t.Helper()
	if err := json.Unmarshal([]byte(command(t, "", name, args...)), v); err != nil {
		t.Fatal(err)
	}
}
