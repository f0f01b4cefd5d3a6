package integration

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// What must be switched on in a server is tested here, so that a test that relies on it need not wonder.

func TestTTLZnodeGoesAway(t *testing.T) {
	c := sharedConn(t)
	if _, err := c.CreateTTL("/n", nil, zk.FlagTTL, zk.WorldACL(zk.PermAll), 100*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	gone(t, c, "/n")
}

func TestEmptyContainerGoesAway(t *testing.T) {
	c := sharedConn(t)
	if _, err := c.CreateContainer("/n", nil, zk.FlagContainer, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Create("/n/child", nil, 0, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
	if err := c.Delete("/n/child", -1); err != nil {
		t.Fatal(err)
	}
	gone(t, c, "/n")
}

// What the rules of files and directories rest on: containers and znodes with a TTL have no owner, and the cversion counts two for each
// child that was created, less those that are there. Restarting the server changes neither.
func TestStatsThatTypesDependOn(t *testing.T) {
	t.Parallel()
	ts := cluster(t, 1, nil)
	at := addr(ts.Servers[0])
	c := connect(t, []string{at})
	acl := zk.WorldACL(zk.PermAll)
	if _, err := c.CreateTTL("/ttl", nil, zk.FlagTTL, acl, time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateContainer("/container", nil, zk.FlagContainer, acl); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/dir", "/dir/a", "/dir/b", "/dir/c"} {
		if _, err := c.Create(path, nil, 0, acl); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Delete("/dir/b", -1); err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		for path, want := range map[string]zk.Stat{"/ttl": {}, "/container": {}, "/dir": {Cversion: 2*3 - 2, NumChildren: 2}} {
			_, st, err := c.Exists(path)
			if err != nil {
				t.Fatal(err)
			}
			if st.EphemeralOwner != 0 || st.Cversion != want.Cversion || st.NumChildren != want.NumChildren {
				t.Errorf("%s, %s: %+v", when, path, st)
			}
		}
	}
	check("at first")
	if err := ts.StopServer(at); err != nil {
		t.Fatal(err)
	}
	if err := ts.StartServer(at); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		_, err := c.Sync("/")
		return err
	})
	check("after a restart")
}

func TestSuperUserPassesEveryACL(t *testing.T) {
	c := sharedConn(t)
	if _, err := c.Create("/n", []byte("secret"), 0, zk.DigestACL(zk.PermAll, "bob", "password")); err != nil {
		t.Fatal(err)
	}
	if data, _, err := c.Get("/n"); !errors.Is(err, zk.ErrNoAuth) {
		t.Errorf("as anybody: %q, %v", data, err)
	}
	if err := c.AddAuth("digest", []byte("super:secret")); err != nil {
		t.Fatal(err)
	}
	if data, _, err := c.Get("/n"); err != nil || string(data) != "secret" {
		t.Errorf("as the super user: %q, %v", data, err)
	}
}

func TestEnsembleCanBeReconfigured(t *testing.T) {
	t.Parallel()
	ts := cluster(t, 3, nil)
	wantModes(t, ts, "follower", "follower", "leader")
	boss := leader(t, ts)
	id := 1 + slices.IndexFunc(ts.Servers, func(s zk.TestServer) bool { return addr(s) != boss }) // of a follower
	c := connect(t, []string{boss}, zk.WithAuth("digest", []byte("super:secret")))
	follower := connect(t, []string{addr(ts.Servers[id-1])}, zk.WithDynamicServers())
	if err := follower.WaitConnected(); err != nil {
		t.Fatal(err)
	}
	session := follower.SessionID()
	if _, err := c.IncrementalReconfig(nil, []string{strconv.Itoa(id)}, -1); err != nil {
		t.Fatal(err)
	}
	members, _, err := c.Get("/zookeeper/config")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(members), fmt.Sprintf("server.%d=", id)) || !strings.Contains(string(members), ";"+boss) {
		t.Errorf("server %d removed, members:\n%s", id, members)
	}
	eventually(t, func() error { // a session that follows the ensemble leaves the server, and lives
		server := follower.Server()
		if follower.State() != zk.StateHasSession || !strings.Contains(string(members), ";"+server) {
			return fmt.Errorf("%v at %s, members:\n%s", follower.State(), server, members)
		}
		return nil
	})
	if follower.SessionID() != session {
		t.Error("the session that follows the ensemble is another one")
	}
}

func TestSessionTimeoutsOfTests(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{
		200 * time.Millisecond: 400 * time.Millisecond,
		5 * time.Second:        5 * time.Second,
		time.Hour:              time.Minute,
	} {
		c, _, err := zk.Connect([]string{addr(shared.Servers[0])}, asked, zk.WithLogger(testLog{t}))
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, func() error { // returns when a session stands, of which the shortest is lost on a busy machine
			_, err := c.Sync("/")
			return err
		})
		if got := c.SessionTimeout(); got != want {
			t.Errorf("asked for %v, got %v, want %v", asked, got, want)
		}
		c.Close()
	}
}
