package integration

import (
	"fmt"
	"testing"

	"github.com/zkfs/zkfs/zk"
)

func TestWritesAreReadThroughOtherServers(t *testing.T) {
	t.Parallel()
	ts := cluster(t, 3, nil)
	var conns []*zk.Conn
	for _, s := range ts.Servers {
		conns = append(conns, connect(t, []string{addr(s)}))
	}
	if _, err := conns[0].Create("/n", []byte("0"), 0, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
	for i, writer := range conns {
		value := fmt.Sprint("written through ", i)
		if _, err := writer.Set("/n", []byte(value), -1); err != nil {
			t.Fatal(err)
		}
		reader := conns[(i+1)%len(conns)]
		if _, err := reader.Sync("/n"); err != nil {
			t.Fatal(err)
		}
		if data, _, err := reader.Get("/n"); err != nil || string(data) != value {
			t.Errorf("read %q, error %v, want %q", data, err, value)
		}
	}
}

func TestEnsembleSurvivesItsLeader(t *testing.T) {
	t.Parallel()
	ts := cluster(t, 3, nil)
	wantModes(t, ts, "follower", "follower", "leader")
	var servers []string
	for _, s := range ts.Servers {
		servers = append(servers, addr(s))
	}
	c := connect(t, servers)
	if _, err := c.Create("/e", []byte("before"), zk.FlagEphemeral, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
	session := c.SessionID()

	old := leader(t, ts)
	if err := ts.StopServer(old); err != nil {
		t.Fatal(err)
	}
	wantModes(t, ts, "", "follower", "leader")
	eventually(t, func() error {
		_, err := c.Set("/e", []byte("after"), -1)
		return err
	})
	if c.SessionID() != session {
		t.Errorf("session %#x, want %#x", c.SessionID(), session)
	}

	if err := ts.StartServer(old); err != nil {
		t.Fatal(err)
	}
	wantModes(t, ts, "follower", "follower", "leader")
	other := connect(t, []string{old})
	if _, err := other.Sync("/e"); err != nil {
		t.Fatal(err)
	}
	data, stat, err := other.Get("/e")
	if err != nil || string(data) != "after" || stat.EphemeralOwner != session {
		t.Errorf("through the old leader: %q, %+v, %v", data, stat, err)
	}
}

func TestServersContinueAfterARestart(t *testing.T) {
	t.Parallel()
	ts := cluster(t, 3, nil)
	if err := ts.StopAllServers(); err != nil {
		t.Fatal(err)
	}
	wantModes(t, ts, "", "", "")
	if err := ts.StartAllServers(); err != nil {
		t.Fatal(err)
	}
	wantModes(t, ts, "follower", "follower", "leader")
}

func TestMinorityServesReadOnly(t *testing.T) {
	t.Parallel()
	ts := cluster(t, 3, func(_ int, config *zk.ServerConfig, srv *zk.Server) {
		config.Extra = append(config.Extra, "localSessionsEnabled=true", "localSessionsUpgradingEnabled=true")
		srv.JVMFlags = append(srv.JVMFlags, "-Dreadonlymode.enabled=true")
	})
	for _, s := range ts.Servers[1:] {
		if err := s.Srv.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	wantModes(t, ts, "", "", "read-only")
}
