package integration

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The command speaks TLS wherever it asks servers, and says which side of TLS is wrong.
func TestCommandTLS(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	a.issue("alice")
	ts, secure := tlsServer(t, a, "need")
	flags := []string{"--tls-ca", filepath.Join(a.dir, "ca.pem"), "--tls-cert", filepath.Join(a.dir, "alice.pem"), "--tls-key", filepath.Join(a.dir, "alice.pem")}
	m := mount(t, secure, append(flags, "--acl=creator")...)
	if got := m.sh(t, "echo x > f; cat f; getfattr --only-values -n user.zk.acl f"); !strings.HasPrefix(got, "x\n") || !strings.Contains(got, "x509:CN=alice:cdrwa") {
		t.Errorf("printed %q", got)
	}
	eventually(t, func() error { // a server is given little time to answer
		if got := m.sh(t, "cat .status"); !strings.Contains(got, "Mode: standalone") {
			return fmt.Errorf(".status: %s", got)
		}
		return nil
	})
	for want, args := range map[string][]string{
		secure + "  standalone": {m.dir}, // without flags
		"standalone":            append([]string{secure}, flags...),
	} {
		eventually(t, func() error {
			out, code := runZkfs(t, append([]string{"status"}, args...)...)
			if code != 0 || !strings.Contains(out, want) {
				return fmt.Errorf("zkfs status %q: exit code %d, %s", args, code, out)
			}
			return nil
		})
	}
	other := newAuthority(t)
	for _, test := range []struct {
		want string
		args []string
	}{
		{"takes connections, but does not answer (it hangs, or is a port for TLS)", []string{secure}},
		{"ends the TLS handshake (is it the plain port?)", []string{addr(shared.Servers[0]), "--tls"}},
		{"has a certificate that can not be trusted (x509: certificate signed by unknown authority", []string{secure, "--tls-ca", filepath.Join(other.dir, "ca.pem")}},
		{"has a certificate that can not be trusted (x509: certificate is valid for localhost, not elsewhere", append(flags, secure, "--tls-server-name=elsewhere")},
		{"does not want this client's certificate, or wants one (tls: ", []string{secure, "--tls-ca", filepath.Join(a.dir, "ca.pem")}},
	} {
		args := append(append([]string{"mount", "--connect-timeout=2s"}, test.args...), t.TempDir())
		want := 12
		if strings.Contains(test.want, "client's certificate") {
			want = 13
		}
		if out, code := runZkfs(t, args...); code != want || !strings.Contains(out, test.want) {
			t.Errorf("zkfs %s: exit code %d, %s\nwant %s", strings.Join(args, " "), code, out, test.want)
		}
	}
	t.Run("kinds", func(t *testing.T) { rotateEach(t, tlsSecrets(t, secure, a)) })
	followTLS(t, ts, secure, a)
}

// tlsSecrets are those of TLS, for a server of the authority that wants certificates.
func tlsSecrets(t *testing.T, secure string, a *authority) map[string]secretKind {
	t.Helper()
	pair := func(a *authority, name string) []byte {
		a.issue(name)
		return fileBytes(t, filepath.Join(a.dir, name+".pem"))
	}
	stranger, dir := newAuthority(t), t.TempDir()
	own, ca, alice := filepath.Join(dir, "own"), filepath.Join(dir, "ca"), filepath.Join(a.dir, "alice.pem")
	trusted := fileBytes(t, filepath.Join(a.dir, "ca.pem"))
	return map[string]secretKind{
		"certificate and key": {
			secure, []string{"--tls-ca", filepath.Join(a.dir, "ca.pem"), "--tls-cert", own, "--tls-key", own}, own,
			pair(a, "alice"), pair(a, "bob"), pair(stranger, "eve"), [2]string{"x509:CN=alice", "x509:CN=bob"},
		},
		"authorities": { // none of which a server can refuse
			secure, []string{"--tls-ca", ca, "--tls-cert", alice, "--tls-key", alice}, ca,
			trusted, append(fileBytes(t, filepath.Join(stranger.dir, "ca.pem")), trusted...), nil,
			[2]string{"x509:CN=alice", "x509:CN=alice"},
		},
	}
}

// authSecrets are the others: digest for any server, one by DIGEST-MD5, and keytabs of the realm.
func authSecrets(t *testing.T, digest, kerberos string, r *realm) map[string]secretKind {
	t.Helper()
	dir := t.TempDir()
	auth, password, keytab := filepath.Join(dir, "auth"), filepath.Join(dir, "password"), filepath.Join(dir, "keytab")
	r.run("kadmin.local", "-r", "ZKFS.TEST", "-q", "ktadd -norandkey -k "+r.path("bob.keytab")+" bob")
	r.run("kadmin.local", "-r", "ZKFS.TEST", "-q", "ktadd -norandkey -k "+r.path("both.keytab")+" alice bob")
	return map[string]secretKind{
		"digest": {
			addr(shared.Servers[0]) + newRoot(t), []string{"--auth-file", auth}, auth,
			[]byte("digest:bob:pw\n"), []byte("digest:al:pw\n"), []byte("nosuch:xyzzy\n"),
			[2]string{"digest:bob:", "digest:al:"},
		},
		"DIGEST-MD5": {
			digest, []string{"--sasl=digest-md5", "--auth-file", password}, password,
			[]byte("sasl:bob:bobpw\n"), []byte("sasl:latin:pässwörd\n"), []byte("sasl:bob:xyzzy\n"),
			[2]string{"sasl:bob:", "sasl:latin:"},
		},
		"keytab": {
			kerberos, []string{"--sasl=gssapi", "--sasl-principal=alice", "--sasl-keytab", keytab}, keytab,
			fileBytes(t, r.path("alice.keytab")), fileBytes(t, r.path("both.keytab")),
			fileBytes(t, r.path("bob.keytab")),
			[2]string{"sasl:alice@", "sasl:alice@"},
		},
	}
}

// The command authenticates by SASL with the credentials of its file, or the tickets of kinit.
func TestCommandSASL(t *testing.T) {
	ts := saslServer(t, "sessionRequireClientSASLAuth=true")
	digest := addr(ts.Servers[0])
	m := mount(t, digest, "--sasl=digest-md5", "--auth-file", authFile(t, "sasl:bob:bobpw\n"), "--acl=creator")
	if got := m.sh(t, "echo x > f; getfattr --only-values -n user.zk.acl f"); !strings.Contains(got, "sasl:bob:cdrwa") {
		t.Errorf("the ACL is %q", got)
	}
	for _, test := range []struct {
		want string
		args []string
	}{
		{"refuses the credentials", []string{"--sasl=digest-md5", "--auth-file", authFile(t, "sasl:bob:guessed\n")}},
		{"takes no session without SASL", nil},
	} {
		if out, code := runZkfs(t, append([]string{"mount", digest, t.TempDir()}, test.args...)...); code != 13 || !strings.Contains(out, test.want) {
			t.Errorf("%s: exit code %d, %s\nwant %s", test.args, code, out, test.want)
		}
	}

	r := newRealm(t, aes)
	kerberos := strings.Replace(addr(r.server().Servers[0]), "127.0.0.1", "localhost", 1)
	t.Setenv("KRB5_CONFIG", r.path("krb5.conf"))
	t.Setenv("KRB5CCNAME", r.path("cache"))
	kinit := r.command("kinit", "bob")
	kinit.Stdin = strings.NewReader("bobpw\n")
	if out, err := kinit.CombinedOutput(); err != nil {
		t.Fatalf("kinit: %v, %s", err, out)
	}
	for _, test := range []struct {
		user  string
		flags []string
	}{
		{"alice", []string{"--auth-file", authFile(t, "sasl:alice:alicepw\n")}},
		{"alice", []string{"--sasl-keytab", r.path("alice.keytab"), "--sasl-principal=alice@ZKFS.TEST"}},
		{"bob", nil},
	} {
		m := mount(t, kerberos, append(test.flags, "--sasl=gssapi", "--acl=creator")...)
		if got := m.sh(t, "rm -f f; echo x > f; getfattr --only-values -n user.zk.acl f; rm f"); !strings.Contains(got, "sasl:"+test.user+"@ZKFS.TEST:cdrwa") {
			t.Errorf("%s: the ACL is %q, not that of %s", test.flags, got, test.user)
		}
	}
	args := []string{"mount", kerberos, t.TempDir(), "--sasl=gssapi", "--sasl-keytab", r.path("alice.keytab"), "--sasl-principal=bob"}
	if out, code := runZkfs(t, args...); code != 13 {
		t.Errorf("the keytab of somebody else: exit code %d, %s", code, out)
	}
	followDigest(t)
	followPassword(t, ts)
	followKeytab(t, kerberos, r)
	rotateEach(t, authSecrets(t, digest, kerberos, r))
}

// authFile writes credentials that nobody else may read.
func authFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "auth")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// runZkfs runs the command zkfs and returns what it prints, errors included, and its exit code.
func runZkfs(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	path, err := zkfs()
	if err != nil {
		t.Fatal(err)
	}
	printed, err := exec.Command(path, args...).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(printed), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(printed), 0
}
