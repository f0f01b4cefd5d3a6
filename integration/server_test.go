package integration

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"

	"github.com/zkfs/zkfs/flw"
	"github.com/zkfs/zkfs/internal/child"
	"github.com/zkfs/zkfs/zk"
)

func TestOneServerRunsAlone(t *testing.T) {
	if got := modes(shared); !slices.Equal(got, []string{"standalone"}) {
		t.Errorf("modes %q", got)
	}
}

func TestServerConfigurationReachesTheServer(t *testing.T) {
	t.Parallel()
	ts := cluster(t, 1, func(_ int, config *zk.ServerConfig, _ *zk.Server) {
		config.Extra = append(config.Extra, "4lw.commands.whitelist=srvr")
	})
	var refused *flw.RefusedError
	if answer, err := ask(addr(ts.Servers[0]), "ruok"); !errors.As(err, &refused) {
		t.Errorf("answer %q, error %v", answer, err)
	}
}

func TestStopLeavesNothing(t *testing.T) {
	ts, err := startCluster(1, nil)
	if err != nil {
		t.Fatal(err)
	}
	at := addr(ts.Servers[0])
	if err := ts.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(ts.Path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("folder: %v", err)
	}
	if c, err := net.Dial("tcp", at); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("port: %v, %v", c, err)
	}
}

// roleVariable makes the test binary play another role than running tests.
const roleVariable = "ZKFS_INTEGRATION_ROLE"

// playRole starts a server, prints its address and waits for the end of stdin. Killed before, it cannot stop the server.
func playRole(role string) error {
	if role != "server" {
		return fmt.Errorf("no role %q", role)
	}
	ts, err := startCluster(1, nil)
	if err != nil {
		return err
	}
	fmt.Println(addr(ts.Servers[0]))
	io.Copy(io.Discard, os.Stdin)
	return ts.Stop()
}

func TestServersDieWithTheProcess(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", t.TempDir()) // for the server's data, which nobody is left to remove
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), roleVariable+"=server")
	p := child.Start(t, "the process of the server", cmd)
	at := p.Answer()
	if mode(at) != "standalone" {
		t.Errorf("server at %q: mode %q", at, mode(at))
	}
	p.Kill()
	p.End()
	eventually(t, func() error {
		c, err := net.Dial("tcp", at)
		if err == nil {
			c.Close()
			return fmt.Errorf("the server at %s outlives the process that started it", at)
		}
		return nil
	})
}
