package zktest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zkfs/zkfs/flw"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

func ask(t *testing.T, s *zktest.Server, word string) string {
	t.Helper()
	reply, err := flw.Ask(t.Context(), s.Addr(), word)
	if err != nil {
		t.Fatalf("%s: %v", word, err)
	}
	return reply
}

func TestFourLetterWords(t *testing.T) {
	s := zktest.NewServer()
	defer s.Close()
	c, _, err := zk.Connect([]string{s.Addr()}, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Create("/e", []byte("data"), zk.FlagEphemeral, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := c.ExistsW("/e"); err != nil {
		t.Fatal(err)
	}

	if !flw.ParseRuok(ask(t, s, "ruok")) {
		t.Error("ruok")
	}
	if ro, err := flw.ParseIsro(ask(t, s, "isro")); ro || err != nil {
		t.Errorf("isro: %v, %v", ro, err)
	}
	// The connections of earlier words may not be gone yet.
	srvr, err := flw.ParseSrvr(ask(t, s, "srvr"))
	if err != nil || srvr.Mode != "standalone" || srvr.NodeCount != 5 || srvr.Zxid != 2 || srvr.Connections < 2 {
		t.Errorf("srvr: %+v, %v", srvr, err)
	}
	if _, err := flw.ParseSrvr(ask(t, s, "stat")); err != nil {
		t.Errorf("stat: %v", err)
	}
	mntr, err := flw.ParseMntr(ask(t, s, "mntr"))
	if err != nil || mntr["zk_ephemerals_count"] != "1" || mntr["zk_watch_count"] != "1" || mntr["zk_znode_count"] != "5" {
		t.Errorf("mntr: %v, %v", mntr, err)
	}
	cons, err := flw.ParseCons(ask(t, s, "cons"))
	ours := func(conn flw.Connection) bool { return conn.SessionID == c.SessionID() }
	if err != nil || len(cons) < 2 || !slices.ContainsFunc(cons, ours) {
		t.Errorf("cons: %+v, %v", cons, err)
	}
	wchs, err := flw.ParseWchs(ask(t, s, "wchs"))
	if err != nil || wchs != (flw.Wchs{Connections: 1, Paths: 1, Watches: 1}) {
		t.Errorf("wchs: %+v, %v", wchs, err)
	}
	if _, err := flw.ParseDump(ask(t, s, "dump")); err != nil {
		t.Errorf("dump: %v", err)
	}
	if got := ask(t, s, "srvr"); !strings.Contains(got, "Received: ") {
		t.Errorf("srvr: %s", got)
	}
}
