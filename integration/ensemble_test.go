package integration

import (
	"testing"

	"github.com/zkfs/zkfs/zk"
)

func TestEnsembleSurvivesItsLeader(t *testing.T) {
	ts := cluster(t, 3, nil)
	wantModes(t, ts, "follower", "follower", "leader")
	old := leader(t, ts)
	if err := ts.StopServer(old); err != nil {
		t.Fatal(err)
	}
	wantModes(t, ts, "", "follower", "leader")
	if leader(t, ts) == old {
		t.Errorf("the dead server %s still leads", old)
	}
	if err := ts.StartServer(old); err != nil {
		t.Fatal(err)
	}
	wantModes(t, ts, "follower", "follower", "leader")
}

func TestServersContinueAfterARestart(t *testing.T) {
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
