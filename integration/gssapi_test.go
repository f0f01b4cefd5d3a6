package integration

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/gssapi"
)

// realm is a Kerberos realm of a test's own, with one KDC.
type realm struct {
	t   *testing.T
	dir string
	kdc *exec.Cmd
}

// aes is the encryption of all of today's realms.
const aes = "aes256-cts-hmac-sha1-96"

// newRealm makes the realm ZKFS.TEST and starts its KDC on a port of 127.0.0.1. It knows zookeeper/localhost, whose keys are
// in zookeeper.keytab; alice, whose password is alicepw and whose keys are in alice.keytab; and bob with the password bobpw,
// who need not prove that he knows it before he gets a ticket. All keys are of the encryption type.
func newRealm(t *testing.T, encryption string) *realm {
	t.Helper()
	r := &realm{t: t, dir: t.TempDir()}
	at := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	r.write("krb5.conf", `[libdefaults]
	default_realm = ZKFS.TEST
	dns_lookup_kdc = false
	rdns = false
	udp_preference_limit = 1
	permitted_enctypes = %[2]s
	default_tkt_enctypes = %[2]s
	default_tgs_enctypes = %[2]s
[realms]
	ZKFS.TEST = {
		kdc = %[1]s
	}
`, at, encryption)
	r.write("kdc.conf", `[kdcdefaults]
	kdc_listen = ""
	kdc_tcp_listen = %[1]s
[realms]
	ZKFS.TEST = {
		database_name = %[2]s/principals
		key_stash_file = %[2]s/stash
		acl_file = %[2]s/acl
		max_life = 1h
		master_key_type = %[3]s
		supported_enctypes = %[3]s:normal
	}
[logging]
	default = FILE:%[2]s/log
`, at, r.dir, encryption)
	r.run("kdb5_util", "create", "-s", "-r", "ZKFS.TEST", "-P", "master")
	for _, query := range []string{
		"addprinc -randkey zookeeper/localhost",
		"addprinc -pw alicepw +requires_preauth alice",
		"addprinc -pw bobpw -requires_preauth bob",
		"ktadd -k " + r.path("zookeeper.keytab") + " zookeeper/localhost",
		"ktadd -norandkey -k " + r.path("alice.keytab") + " alice",
	} {
		r.run("kadmin.local", "-r", "ZKFS.TEST", "-q", query)
	}
	r.kdc = r.command("krb5kdc", "-n")
	if err := r.kdc.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.stop)
	eventually(t, func() error {
		c, err := net.Dial("tcp", at)
		if err == nil {
			c.Close()
		}
		return err
	})
	return r
}

// stop ends the KDC.
func (r *realm) stop() {
	r.kdc.Process.Kill() // fails if it has been stopped before
	r.kdc.Wait()
}

func (r *realm) path(name string) string { return filepath.Join(r.dir, name) }

func (r *realm) write(name, format string, args ...any) {
	r.t.Helper()
	if err := os.WriteFile(r.path(name), fmt.Appendf(nil, format, args...), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// command returns a command of Kerberos in the realm. Those of administrators are not in everybody's PATH.
func (r *realm) command(name string, args ...string) *exec.Cmd {
	if _, err := exec.LookPath(name); err != nil {
		name = filepath.Join("/usr/sbin", name)
	}
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "KRB5_CONFIG="+r.path("krb5.conf"), "KRB5_KDC_PROFILE="+r.path("kdc.conf"))
	return cmd
}

func (r *realm) run(name string, args ...string) {
	r.t.Helper()
	if out, err := r.command(name, args...).CombinedOutput(); err != nil {
		r.t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}

// server starts a ZooKeeper server in the realm.
func (r *realm) server() *zk.TestCluster {
	r.t.Helper()
	r.write("jaas.conf", `Server {
	com.sun.security.auth.module.Krb5LoginModule required
		useKeyTab=true keyTab=%q storeKey=true isInitiator=false principal="zookeeper/localhost@ZKFS.TEST";
};
`, r.path("zookeeper.keytab"))
	return cluster(r.t, 1, func(_ int, config *zk.ServerConfig, srv *zk.Server) {
		config.Extra = append(config.Extra, "authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider")
		srv.JVMFlags = append(srv.JVMFlags,
			"-Djava.security.auth.login.config="+r.path("jaas.conf"), "-Djava.security.krb5.conf="+r.path("krb5.conf"))
	})
}

// option authenticates a client. Kerberos takes its time on a busy machine: seconds for the server's
// first client. Its attempt must not be given up for that.
func (r *realm) option(cfg gssapi.Config) func(*zk.Conn) {
	r.t.Helper()
	cfg.Krb5Conf = r.path("krb5.conf")
	m, err := gssapi.New(cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	return func(c *zk.Conn) {
		zk.WithSASL(m)(c)
		zk.WithConnectTimeout(time.Minute)(c)
	}
}

func TestGSSAPI(t *testing.T) {
	t.Parallel()
	r := newRealm(t, aes)
	port := r.server().Servers[0].Port
	byName, byAddress := fmt.Sprintf("localhost:%d", port), fmt.Sprintf("127.0.0.1:%d", port)
	r.run("kinit", "-k", "-t", r.path("alice.keytab"), "-c", r.path("cache"), "alice")
	for name, test := range map[string]struct {
		server, user string
		cfg          gssapi.Config
	}{
		"password":                 {byName, "alice", gssapi.Config{Principal: "alice", Password: "alicepw"}},
		"password without preauth": {byName, "bob", gssapi.Config{Principal: "bob@ZKFS.TEST", Password: "bobpw"}},
		"keytab":                   {byName, "alice", gssapi.Config{Principal: "alice@ZKFS.TEST", Keytab: r.path("alice.keytab")}},
		"credential cache":         {byName, "alice", gssapi.Config{Cache: "FILE:" + r.path("cache")}},
		"server principal": {byAddress, "alice", gssapi.Config{
			Principal: "alice", Password: "alicepw", ServerPrincipal: "zookeeper/localhost@ZKFS.TEST",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, []string{test.server}, r.option(test.cfg))
			id := test.user + "@ZKFS.TEST"
			if who, err := c.WhoAmI(); err != nil || !slices.Contains(who, zk.Identity{Scheme: "sasl", User: id}) {
				t.Fatalf("the server sees %v, %v", who, err)
			}
			path := "/" + strings.ReplaceAll(name, " ", "-")
			if _, err := c.Create(path, []byte("x"), 0, saslACL(id)); err != nil {
				t.Fatal(err)
			}
			if data, _, err := c.Get(path); err != nil || string(data) != "x" {
				t.Errorf("read %q, %v", data, err)
			}
			if _, _, err := connect(t, []string{test.server}).Get(path); !errors.Is(err, zk.ErrNoAuth) {
				t.Errorf("anybody reads it: %v", err)
			}
		})
	}
}

func TestGSSAPIEncryptionTypes(t *testing.T) {
	t.Parallel()
	for _, encryption := range []string{"aes128-cts-hmac-sha1-96", "aes128-cts-hmac-sha256-128", "aes256-cts-hmac-sha384-192"} {
		r := newRealm(t, encryption)
		server := fmt.Sprintf("localhost:%d", r.server().Servers[0].Port)
		c := connect(t, []string{server}, r.option(gssapi.Config{Principal: "alice", Password: "alicepw"}))
		if who, err := c.WhoAmI(); err != nil || !slices.Contains(who, zk.Identity{Scheme: "sasl", User: "alice@ZKFS.TEST"}) {
			t.Errorf("%s: the server sees %v, %v", encryption, who, err)
		}
	}
}

// A ticket lasts longer than a connection: to make another one needs no KDC.
func TestGSSAPIOnEveryConnection(t *testing.T) {
	t.Parallel()
	r := newRealm(t, aes)
	ts := r.server()
	c := connect(t, []string{fmt.Sprintf("localhost:%d", ts.Servers[0].Port)}, r.option(gssapi.Config{Principal: "alice", Password: "alicepw"}))
	if _, err := c.Create("/n", nil, 0, saslACL("alice@ZKFS.TEST")); err != nil {
		t.Fatal(err)
	}
	r.stop()
	if err := ts.StopServer(addr(ts.Servers[0])); err != nil {
		t.Fatal(err)
	}
	if err := ts.StartServer(addr(ts.Servers[0])); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		_, _, err := c.Get("/n")
		if errors.Is(err, zk.ErrNoAuth) {
			t.Error("a call came before the authentication")
		}
		return err
	})
}

func TestGSSAPIRefused(t *testing.T) {
	t.Parallel()
	r := newRealm(t, aes)
	server := fmt.Sprintf("localhost:%d", r.server().Servers[0].Port)
	plain := fmt.Sprintf("localhost:%d", shared.Servers[0].Port)
	for name, test := range map[string]struct {
		server, want string
		cfg          gssapi.Config
	}{
		"wrong password":                 {server, "PREAUTH_FAILED", gssapi.Config{Principal: "alice", Password: "guessed"}},
		"wrong password without preauth": {server, "password/keytab incorrect", gssapi.Config{Principal: "bob", Password: "guessed"}},
		"unknown client":                 {server, "C_PRINCIPAL_UNKNOWN", gssapi.Config{Principal: "nobody", Password: "guessed"}},
		"keytab of somebody else":        {server, "not found in keytab", gssapi.Config{Principal: "bob", Keytab: r.path("alice.keytab")}},
		"server without SASL":            {plain, "does not offer SASL", gssapi.Config{Principal: "alice", Password: "alicepw"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, []string{test.server}, r.option(test.cfg))
			_, _, err := c.Get("/")
			if !errors.Is(err, zk.ErrAuthFailed) || !strings.Contains(err.Error(), test.want) || c.State() != zk.StateAuthFailed {
				t.Errorf("state %v, error %v", c.State(), err)
			}
		})
	}
	if _, _, err := connect(t, []string{server}, zk.WithSASL(zk.DigestMD5("alice", "alicepw"))).Get("/"); !errors.Is(err, zk.ErrAuthFailed) {
		t.Errorf("DIGEST-MD5 where Kerberos is known: %v", err)
	}
}

// What may be better at the next server, or at the next attempt, does not end the client.
func TestGSSAPIGoesOn(t *testing.T) {
	t.Parallel()
	r := newRealm(t, aes)
	server := fmt.Sprintf("localhost:%d", r.server().Servers[0].Port)
	digest := fmt.Sprintf("localhost:%d", saslServer(t).Servers[0].Port)
	alice := gssapi.Config{Principal: "alice", Password: "alicepw"}
	elsewhere := alice
	elsewhere.ServerPrincipal = "zookeeper/elsewhere"
	for name, test := range map[string]struct {
		server, want string
		cfg          gssapi.Config
	}{
		"unknown server":               {server, "S_PRINCIPAL_UNKNOWN", elsewhere},
		"server that knows DIGEST-MD5": {digest, "another mechanism", alice},
	} {
		t.Run(name, func(t *testing.T) {
			if err := disconnected(t, test.server, r.option(test.cfg)); errors.Is(err, zk.ErrAuthFailed) || !strings.Contains(fmt.Sprint(err), test.want) {
				t.Errorf("error %v", err)
			}
		})
	}
	r.stop()
	if err := disconnected(t, server, r.option(alice)); errors.Is(err, zk.ErrAuthFailed) || !strings.Contains(fmt.Sprint(err), "KDC") {
		t.Errorf("without a KDC: %v", err)
	}
}
