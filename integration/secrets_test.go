package integration

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// secretKind is a kind of file that holds a secret.
type secretKind struct {
	server string // that takes it
	flags  []string
	file   string    // which flags name
	good   []byte    // what it holds at first
	other  []byte    // another secret that the server takes
	stale  []byte    // what the server refuses; nil if there is nothing
	acls   [2]string // the ACL of what good and other create
}

// rotate sees what becomes of a mount when its secret rotates, breaks and is refused. Each
// connection after the first comes from a cut of a proxy.
func (kind secretKind) rotate(t *testing.T) {
	server, path, _ := strings.Cut(kind.server, "/")
	p := newProxy(t, strings.Replace(server, "localhost", "127.0.0.1", 1))
	source := strings.Replace(p.Addr(), "127.0.0.1", "localhost", 1) + "/" + path
	replace(t, kind.file, kind.good)
	m := mount(t, source, append(kind.flags, "--acl=creator", "--session-timeout=2s")...)
	name := filepath.Base(m.dir) + "-" + filepath.Base(kind.file)
	as := func(acl string) {
		t.Helper()
		script := fmt.Sprintf("echo x >%[1]s && getfattr --only-values -n user.zk.acl %[1]s && rm %[1]s", name)
		eventually(t, func() error {
			if got, err := m.try(script); err != nil || !strings.Contains(got, acl) {
				return fmt.Errorf("the ACL is %q, not that of %s, %w", got, acl, err)
			}
			return nil
		})
	}
	as(kind.acls[0])
	replace(t, kind.file, kind.other)
	p.Cut()
	as(kind.acls[1])
	replace(t, kind.file, []byte("nonsense"))
	p.Cut()
	as(kind.acls[1])
	const broken = `level=ERROR msg="a secret can not be read again, the last one is used on"`
	if log := m.log.String(); !strings.Contains(log, broken) || strings.Contains(log, "nonsense") {
		t.Errorf("of a broken file the log has\n%s", log)
	}
	replace(t, kind.file, kind.good)
	p.Cut()
	as(kind.acls[0])
	if kind.stale == nil {
		return
	}
	replace(t, kind.file, kind.stale)
	p.Cut()
	m.refused(t)
}

// rotateEach does so for each kind of secret.
func rotateEach(t *testing.T, kinds map[string]secretKind) {
	t.Helper()
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kind.rotate(t)
		})
	}
}

// refused waits for the end of a mount after its secret is refused for good, and sees to what is
// left.
func (m *mounted) refused(t *testing.T) {
	t.Helper()
	m.killed = true // it does not end with success
	if !m.wait(hang) {
		t.Fatalf("the mount goes on with a secret that is refused:\n%s", m.log)
	}
	if code := m.daemon.ProcessState.ExitCode(); code != 13 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{
		`level=ERROR msg="authentication refused" `, "authentication refused for good", "the mount is dead",
	} {
		if !strings.Contains(m.log.String(), want) {
			t.Errorf("the log has not %q:\n%s", want, m.log)
		}
	}
	if strings.Contains(m.log.String(), "xyzzy") {
		t.Errorf("the log has the secret:\n%s", m.log)
	}
	if err := os.WriteFile(filepath.Join(m.dir, "f"), nil, 0o600); !errors.Is(err, syscall.ENOTCONN) {
		t.Errorf("the mount point: %v", err)
	}
	if out, code := runZkfs(t, "status", m.dir); code != 16 {
		t.Errorf("zkfs status: exit code %d, %s", code, out)
	}
	if out, code := runZkfs(t, "umount", m.dir); code != 0 {
		t.Errorf("zkfs umount: exit code %d, %s", code, out)
	}
}

// replace puts a file in the place of another one, as a program should that rotates secrets.
func replace(t *testing.T, name string, text []byte) {
	t.Helper()
	if err := errors.Join(os.WriteFile(name+".new", text, 0o600), os.Rename(name+".new", name)); err != nil {
		t.Fatal(err)
	}
}

func fileBytes(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
