package integration

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/zkfs/zkfs/zk"
)

// saslServer starts a server that knows the users super and bob, with the passwords adminpw and bobpw, by DIGEST-MD5.
func saslServer(t *testing.T) *zk.TestCluster {
	t.Helper()
	login := filepath.Join(t.TempDir(), "jaas.conf")
	const users = `Server {
	org.apache.zookeeper.server.auth.DigestLoginModule required user_super="adminpw" user_bob="bobpw";
};
`
	if err := os.WriteFile(login, []byte(users), 0o600); err != nil {
		t.Fatal(err)
	}
	return cluster(t, 1, func(_ int, config *zk.ServerConfig, srv *zk.Server) {
		config.Extra = append(config.Extra, "authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider")
		srv.JVMFlags = append(srv.JVMFlags, "-Djava.security.auth.login.config="+login)
	})
}

func TestSASLServer(t *testing.T) {
	if got := modes(saslServer(t)); !slices.Equal(got, []string{"standalone"}) {
		t.Errorf("modes %q", got)
	}
}
