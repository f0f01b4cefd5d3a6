package integration

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// saslServer starts a server with these further lines of configuration that knows users by DIGEST-MD5: bob with the
// password bobpw, latin and greek with passwords beyond ASCII.
func saslServer(t *testing.T, lines ...string) *zk.TestCluster {
	t.Helper()
	login := filepath.Join(t.TempDir(), "jaas.conf")
	const users = `Server {
	org.apache.zookeeper.server.auth.DigestLoginModule required
		user_bob="bobpw" user_latin="pässwörd" user_greek="Ωμέγα ä";
};
`
	if err := os.WriteFile(login, []byte(users), 0o600); err != nil {
		t.Fatal(err)
	}
	return cluster(t, 1, func(_ int, config *zk.ServerConfig, srv *zk.Server) {
		config.Extra = append(config.Extra, "authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider")
		config.Extra = append(config.Extra, lines...)
		srv.JVMFlags = append(srv.JVMFlags, "-Djava.security.auth.login.config="+login)
	})
}

// saslACL lets a user that SASL has authenticated do everything, and nobody else anything.
func saslACL(user string) []zk.ACL {
	return []zk.ACL{{Perms: zk.PermAll, Scheme: "sasl", ID: user}}
}

func TestDigestMD5(t *testing.T) {
	t.Parallel()
	servers := []string{addr(saslServer(t).Servers[0])}
	anonymous := connect(t, servers)
	for user, password := range map[string]string{"bob": "bobpw", "latin": "pässwörd", "greek": "Ωμέγα ä"} {
		c := connect(t, servers, zk.WithSASL(zk.DigestMD5(user, password)))
		if _, err := c.Create("/"+user, []byte("x"), 0, saslACL(user)); err != nil {
			t.Errorf("%s creates: %v", user, err)
			continue
		}
		if data, _, err := c.Get("/" + user); err != nil || string(data) != "x" {
			t.Errorf("%s reads %q, %v", user, data, err)
		}
		if who, err := c.WhoAmI(); err != nil || !slices.Contains(who, zk.Identity{Scheme: "sasl", User: user}) {
			t.Errorf("%s is %v, %v", user, who, err)
		}
		if data, _, err := anonymous.Get("/" + user); !errors.Is(err, zk.ErrNoAuth) {
			t.Errorf("anybody reads %q of %s, %v", data, user, err)
		}
	}
}

func TestDigestMD5OnEveryConnection(t *testing.T) {
	t.Parallel()
	ts := saslServer(t)
	at := addr(ts.Servers[0])
	events := make(chan zk.Event, 100)
	c := connect(t, []string{at}, zk.WithSASL(zk.DigestMD5("bob", "bobpw")), zk.WithEventCallback(func(e zk.Event) { events <- e }))
	if _, err := c.Create("/n", nil, 0, saslACL("bob")); err != nil {
		t.Fatal(err)
	}
	if err := ts.StopServer(at); err != nil {
		t.Fatal(err)
	}
	if err := ts.StartServer(at); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		_, _, err := c.Get("/n")
		if errors.Is(err, zk.ErrNoAuth) {
			t.Error("a call came before the authentication")
		}
		return err
	})
	for range 2 {
		awaitState(t, events, zk.StateSaslAuthenticated)
	}
}

// awaitState waits for the event of a state.
func awaitState(t *testing.T, events <-chan zk.Event, want zk.State) {
	t.Helper()
	patience := time.After(hang)
	for {
		select {
		case e := <-events:
			if e.State == want {
				return
			}
		case <-patience:
			t.Fatalf("no event of %v", want)
		}
	}
}

func TestDigestMD5Refused(t *testing.T) {
	t.Parallel()
	plain := addr(shared.Servers[0])
	digest := addr(saslServer(t).Servers[0])
	strict := addr(saslServer(t, "sessionRequireClientSASLAuth=true").Servers[0])
	for _, test := range []struct{ server, user, password, want string }{
		{digest, "bob", "guessed", "refused"},
		{digest, "nobody", "guessed", "refused"},
		{strict, "bob", "guessed", "refused"},
		{plain, "bob", "bobpw", "does not offer SASL"},
	} {
		c := connect(t, []string{test.server}, zk.WithSASL(zk.DigestMD5(test.user, test.password)))
		_, _, err := c.Get("/")
		if !errors.Is(err, zk.ErrAuthFailed) || !strings.Contains(err.Error(), test.want) || c.State() != zk.StateAuthFailed {
			t.Errorf("%+v: state %v, error %v", test, c.State(), err)
		}
	}
	if _, _, err := connect(t, []string{strict}).Get("/"); !errors.Is(err, zk.ErrSessionClosedRequireSasl) {
		t.Errorf("anonymous where SASL is required: %v", err)
	}
	if _, _, err := connect(t, []string{strict}, zk.WithSASL(zk.DigestMD5("bob", "bobpw"))).Get("/"); err != nil {
		t.Errorf("where SASL is required: %v", err)
	}
}
