package integration

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/zk"
)

// rotations has the steps of the table in docs/operations.md, by secret. What begins with these
// words the tests do, see follow.
var rotations = map[string][]string{
	"password, DIGEST-MD5": {
		"`mv` the file with the new password over the old one, on all clients.",
		"Give each server the new password, and start it again:",
	},
	"user and password, `digest`": {
		"Give the ACLs both identities.",
		"`mv` the file.",
		"Start the servers again one by one, or mount again.",
		"Take the old identity from the ACLs.",
	},
	"keytab":                     {"`kadmin: ktadd` writes the new keys;", "`mv` the keytab."},
	"client certificate and key": {"`mv` the files."},
	"authority of the servers": {
		"`mv` a file with the old and the new authority over `--tls-ca`.",
		"Give the servers certificates of the new one, and start them again one by one.",
		"`mv` a file with the new one only",
	},
}

// step is the begin of a step in a cell of the table.
var step = regexp.MustCompile(`(?:^| )\d\. `)

func TestStepsOfRotations(t *testing.T) {
	t.Parallel()
	text := string(fileBytes(t, "../docs/operations.md"))
	_, table, _ := strings.Cut(text, "\n| secret | steps |\n|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	rows := strings.Split(table, "\n")
	if len(rows) != len(rotations) {
		t.Errorf("%d rows, want %d", len(rows), len(rotations))
	}
	for _, row := range rows {
		cells := strings.Split(strings.Trim(row, "| "), " | ")
		steps := step.Split(cells[len(cells)-1], -1)[1:]
		want := rotations[cells[0]]
		if !slices.EqualFunc(steps, want, strings.HasPrefix) {
			t.Errorf("the steps of %s are %q, those that are tested %q", cells[0], steps, want)
		}
	}
}

// follow takes the steps of a rotation, after each of which, and on a new connection after the last,
// the mount must work as before.
func follow(t *testing.T, secret string, cut func(), works func() error, steps ...func()) {
	t.Helper()
	if len(steps) != len(rotations[secret]) {
		t.Fatalf("%s: %d steps, want %d", secret, len(steps), len(rotations[secret]))
	}
	eventually(t, works)
	for _, take := range steps {
		take()
		eventually(t, works)
	}
	cut()
	eventually(t, works)
}

// through returns a proxy to the server, and a source that names it as certificates and Kerberos do.
func through(t *testing.T, server string) (cut func(), source string) {
	t.Helper()
	p := newProxy(t, strings.Replace(server, "localhost", "127.0.0.1", 1))
	return p.Cut, strings.Replace(p.Addr(), "127.0.0.1", "localhost", 1)
}

// creates returns a check that a new file of the mount has an ACL for the identity.
func (m *mounted) creates(name, identity string) func() error {
	return func() error {
		got, err := m.try(fmt.Sprintf("echo x >%[1]s && getfattr --only-values -n user.zk.acl %[1]s && rm %[1]s", name))
		if err != nil || !strings.Contains(got, identity) {
			return fmt.Errorf("the ACL is %q, not that of %s: %w", got, identity, err)
		}
		return nil
	}
}

// restart starts the only server again, and waits until it serves.
func restart(t *testing.T, ts *zk.TestCluster) {
	t.Helper()
	at := addr(ts.Servers[0])
	if err := errors.Join(ts.StopServer(at), ts.StartServer(at)); err != nil {
		t.Fatal(err)
	}
	wantModes(t, ts, "standalone")
}

func followPassword(t *testing.T, ts *zk.TestCluster) {
	t.Helper()
	const property = "-Djava.security.auth.login.config="
	flags := ts.Servers[0].Srv.JVMFlags
	at := slices.IndexFunc(flags, func(f string) bool { return strings.HasPrefix(f, property) })
	login := strings.TrimPrefix(flags[at], property)
	cut, source := through(t, addr(ts.Servers[0]))
	file, old := authFile(t, "sasl:greek:Ωμέγα ä\n"), authFile(t, "sasl:greek:Ωμέγα ä\n")
	m := mount(t, source, "--sasl=digest-md5", "--acl=creator", "--auth-file", file)
	follow(t, "password, DIGEST-MD5", cut, m.creates("password", "sasl:greek:"), func() {
		replace(t, file, []byte("sasl:greek:new\n"))
	}, func() {
		replace(t, login, []byte(strings.Replace(string(fileBytes(t, login)), "Ωμέγα ä", "new", 1)))
		restart(t, ts)
	})
	if out, code := runZkfs(t, "mount", source, t.TempDir(), "--sasl=digest-md5", "--auth-file", old); code != 13 {
		t.Errorf("the old password: exit code %d, %s", code, out)
	}
}

func followDigest(t *testing.T) {
	t.Helper()
	cut, source := through(t, addr(shared.Servers[0]))
	source += newRoot(t)
	file := authFile(t, "digest:bob:old\n")
	id := func(password string) string {
		return "digest:" + zk.DigestACL(zk.PermAll, "bob", password)[0].ID + ":cdrwa"
	}
	flags := []string{"--acl=creator", "--auth-file", file}
	m := mount(t, source, flags...)
	m.sh(t, "echo x >f")
	works := func() error {
		_, err := m.try("cat f && echo x >f")
		return err
	}
	follow(t, "user and password, `digest`", cut, works, func() {
		m.sh(t, fmt.Sprintf("setfattr -n user.zk.acl -v %s,%s f", id("old"), id("new")))
	}, func() {
		replace(t, file, []byte("digest:bob:new\n"))
	}, func() {
		m.unmount(t)
		m = mount(t, source, flags...)
	}, func() {
		m.sh(t, fmt.Sprintf("setfattr -n user.zk.acl -v %s f", id("new")))
	})
	old := mount(t, source, "--auth-file", authFile(t, "digest:bob:old\n"))
	if got, err := old.try("cat f"); err == nil {
		t.Errorf("the old password reads %q", got)
	}
}

func followKeytab(t *testing.T, kerberos string, r *realm) {
	t.Helper()
	admin := func(query string) { t.Helper(); r.run("kadmin.local", "-r", "ZKFS.TEST", "-q", query) }
	file, old := r.path("carol.keytab"), r.path("carol.old")
	admin("addprinc -randkey carol")
	admin("ktadd -k " + file + " carol")
	if err := os.WriteFile(old, fileBytes(t, file), 0o600); err != nil {
		t.Fatal(err)
	}
	cut, source := through(t, kerberos)
	flags := func(keytab string) []string {
		return []string{"--sasl=gssapi", "--sasl-principal=carol", "--acl=creator", "--sasl-keytab", keytab}
	}
	m := mount(t, source, flags(file)...)
	follow(t, "keytab", cut, m.creates("keytab", "sasl:carol@"), func() {
		admin("ktadd -k " + r.path("carol.new") + " carol")
	}, func() {
		replace(t, file, fileBytes(t, r.path("carol.new")))
	})
	if out, code := runZkfs(t, append([]string{"mount", source, t.TempDir()}, flags(old)...)...); code != 13 {
		t.Errorf("the old keytab: exit code %d, %s", code, out)
	}
}

// followTLS leaves the server with a certificate of another authority.
func followTLS(t *testing.T, ts *zk.TestCluster, secure string, a *authority) {
	t.Helper()
	cut, source := through(t, secure)
	next, dir := newAuthority(t), t.TempDir()
	next.issue("server")
	before, after := fileBytes(t, filepath.Join(a.dir, "ca.pem")), fileBytes(t, filepath.Join(next.dir, "ca.pem"))
	own, ca := filepath.Join(dir, "own"), filepath.Join(dir, "ca")
	a.issue("carol")
	replace(t, own, fileBytes(t, filepath.Join(a.dir, "carol.pem")))
	replace(t, ca, before)
	flags := []string{"--acl=creator", "--tls-cert", own, "--tls-key", own, "--tls-ca"}
	m := mount(t, source, append(flags, ca)...)
	works := m.creates("tls", "x509:CN=carol")
	follow(t, "authority of the servers", cut, works, func() {
		replace(t, ca, slices.Concat(before, after))
	}, func() {
		replace(t, filepath.Join(a.dir, "server.pem"), fileBytes(t, filepath.Join(next.dir, "server.pem")))
		restart(t, ts)
	}, func() {
		replace(t, ca, after)
	})
	follow(t, "client certificate and key", cut, works, func() {
		a.issue("carol") // with another key
		replace(t, own, fileBytes(t, filepath.Join(a.dir, "carol.pem")))
	})
	args := append([]string{"mount", "--connect-timeout=2s", source, t.TempDir()}, flags...)
	args = append(args, filepath.Join(a.dir, "ca.pem"))
	if out, code := runZkfs(t, args...); code != 12 || !strings.Contains(out, "unknown authority") {
		t.Errorf("the old authority: exit code %d, %s", code, out)
	}
}
