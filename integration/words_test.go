package integration

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zkfs/zkfs/flw"
	"github.com/zkfs/zkfs/zk"
)

// word asks the shared server and reads its reply.
func word[T any](t *testing.T, name string, parse func(string) (T, error)) T {
	t.Helper()
	text, err := flw.Ask(t.Context(), addr(shared.Servers[0]), name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	value, err := parse(text)
	if err != nil {
		t.Fatalf("%s: %v in %q", name, err, text)
	}
	return value
}

// A session with an ephemeral znode and a watch is in every word that tells of sessions, under its id.
func TestWordsTellOfASession(t *testing.T) {
	c := connect(t, []string{addr(shared.Servers[0])})
	path, err := c.Create(newRoot(t)+"/ephemeral", nil, zk.FlagEphemeral, zk.WorldACL(zk.PermAll))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := c.GetW(path); err != nil {
		t.Fatal(err)
	}
	id := c.SessionID()

	connections := word(t, "cons", flw.ParseCons)
	i := slices.IndexFunc(connections, func(c flw.Connection) bool { return c.SessionID == id })
	if i < 0 {
		t.Fatalf("cons: session %#x is not in %+v", id, connections)
	}
	own := connections[i]
	if age := time.Since(own.Established); own.Err != nil || own.LastOperation == "" || own.Timeout <= 0 || age < 0 || age > time.Hour {
		t.Errorf("cons: got %+v", own)
	}

	dump := word(t, "dump", flw.ParseDump)
	if !slices.Contains(dump.Ephemerals[id], path) {
		t.Errorf("dump: ephemerals %v", dump.Ephemerals)
	}
	if !slices.ContainsFunc(dump.Sessions, func(s flw.DumpSession) bool { return s.ID == id }) {
		t.Errorf("dump: sessions %+v", dump.Sessions)
	}
	if !slices.ContainsFunc(dump.Connections, func(c flw.DumpConnection) bool { return c.SessionID == id && c.Addr == own.Addr }) {
		t.Errorf("dump: connections %+v", dump.Connections)
	}

	if paths := word(t, "wchc", flw.ParseWchc); !slices.Contains(paths[id], path) {
		t.Errorf("wchc: %v", paths)
	}
	if sessions := word(t, "wchp", flw.ParseWchp); !slices.Contains(sessions[path], id) {
		t.Errorf("wchp: %v", sessions)
	}
	if summary := word(t, "wchs", flw.ParseWchs); summary.Watches < 1 || summary.Paths < 1 || summary.Connections < 1 {
		t.Errorf("wchs: %+v", summary)
	}
	if stat := word(t, "stat", flw.ParseSrvr); !slices.ContainsFunc(stat.Clients, func(c flw.Connection) bool { return c.Addr == own.Addr }) {
		t.Errorf("stat: %+v", stat.Clients)
	}
}

func TestWordsTellOfTheServer(t *testing.T) {
	srvr := word(t, "srvr", flw.ParseSrvr)
	if srvr.Version == "" || srvr.Built.IsZero() || srvr.Mode != "standalone" || srvr.ReadOnly || srvr.NodeCount < 5 {
		t.Errorf("srvr: %+v", srvr)
	}
	envi := word(t, "envi", flw.ParseEnvi)
	if !strings.HasPrefix(envi["zookeeper.version"], srvr.Version+", built on ") {
		t.Errorf("envi says %q, srvr %q", envi["zookeeper.version"], srvr.Version)
	}
	mntr := word(t, "mntr", flw.ParseMntr)
	if n, ok := mntr.Int("zk_znode_count"); !ok || n < 5 || mntr["zk_server_state"] != srvr.Mode {
		t.Errorf("mntr: %d znodes, state %q", n, mntr["zk_server_state"])
	}
	conf := word(t, "conf", flw.ParseConf)
	if _, port, _ := strings.Cut(addr(shared.Servers[0]), ":"); conf.Values["clientPort"] != port {
		t.Errorf("conf: client port %q, want %s", conf.Values["clientPort"], port)
	}
	if dirs := word(t, "dirs", flw.ParseDirs); dirs.DataSize <= 0 || dirs.LogSize <= 0 {
		t.Errorf("dirs: %+v", dirs)
	}
	if readOnly := word(t, "isro", flw.ParseIsro); readOnly {
		t.Error("isro: read-only")
	}
	word(t, "hash", flw.ParseHash)

	mask := word(t, "gtmk", flw.ParseGtmk)
	if got, err := new(flw.Client).SetTraceMask(t.Context(), addr(shared.Servers[0]), mask); got != mask || err != nil {
		t.Errorf("stmk: %d, %v; want %d", got, err, mask)
	}
	// The client port does not know the AdminServer's lsnp.
	if text, err := flw.Ask(t.Context(), addr(shared.Servers[0]), "lsnp"); err != flw.ErrNoReply {
		t.Errorf("lsnp: %q, %v", text, err)
	}
}

func TestWordsResetStatistics(t *testing.T) {
	t.Parallel()
	ts := cluster(t, 1, nil)
	for _, name := range []string{"crst", "srst"} {
		if text, err := flw.Ask(t.Context(), addr(ts.Servers[0]), name); err != nil || !flw.ParseReset(text) {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
}

// With the default whitelist a server answers srvr alone, and the report shows its refusals, in /.status too.
func TestWordsOfTheDefaultWhitelist(t *testing.T) {
	t.Parallel()
	ts := cluster(t, 1, func(_ int, config *zk.ServerConfig, _ *zk.Server) {
		config.Extra = append(config.Extra, "4lw.commands.whitelist=srvr")
	})
	at := addr(ts.Servers[0])
	var refused *flw.RefusedError
	if _, err := flw.Ask(t.Context(), at, "mntr"); !errors.As(err, &refused) || refused.Word != "mntr" {
		t.Errorf("got %v", err)
	}
	var report strings.Builder
	if err := flw.Report(t.Context(), &report, []string{at}); err != nil {
		t.Fatal(err)
	}
	status := mount(t, at).sh(t, "cat .status")
	for _, want := range []string{
		"==> " + at + " srvr <==\nZookeeper version: ",
		"==> " + at + " mntr <==\nmntr is not executed because it is not in the whitelist.\n",
	} {
		if !strings.Contains(report.String(), want) {
			t.Errorf("no %q in\n%s", want, report.String())
		}
		if !strings.Contains(status, want) {
			t.Errorf("no %q in .status:\n%s", want, status)
		}
	}
}

// The page's functions, asked with a server that is away.
func TestFLWFunctions(t *testing.T) {
	servers := []string{addr(shared.Servers[0]), "127.0.0.1:1"}
	stats, ok := zk.FLWSrvr(servers, hang)
	if ok || stats[0].Error != nil || stats[0].Mode != zk.ModeStandalone || stats[0].BuildTime.IsZero() || stats[1].Error == nil {
		t.Errorf("FLWSrvr: %+v %+v, %v", stats[0], stats[1], ok)
	}
	if got := zk.FLWRuok(servers, hang); !slices.Equal(got, []bool{true, false}) {
		t.Errorf("FLWRuok: %v", got)
	}
	lists, ok := zk.FLWCons(servers[:1], hang)
	if !ok || lists[0].Error != nil || len(lists[0].Clients) == 0 {
		t.Errorf("FLWCons: %+v, %v", lists[0], ok)
	}
}
