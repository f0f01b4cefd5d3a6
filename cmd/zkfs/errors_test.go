package main

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/zk/zktest"
)

// listen returns the address of something that accepts connections and treats them in its own way.
func listen(t *testing.T, treat func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
			treat(c)
		}
	}()
	return l.Addr().String()
}

// What a user reads when a mount fails: what is wrong, and what to do. Those that need another user, another /dev or a
// directory in use are in the scripts user.txt, exit-15-fuse.txt and exit-10-mountpoint.txt.
func TestErrorMessages(t *testing.T) {
	server := zktest.NewServer()
	t.Cleanup(server.Close)
	good := server.Addr()
	silent := listen(t, func(net.Conn) {}) // as a port for TLS is to who does not speak it
	dir, full := t.TempDir(), t.TempDir()
	file, open := filepath.Join(full, "file"), filepath.Join(full, "open")
	for name, mode := range map[string]os.FileMode{file: 0o600, open: 0o644} {
		if err := os.WriteFile(name, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	const waiting = "hint: are host and port those of a ZooKeeper server that runs?.* --connect-timeout waits longer"
	tests := []struct {
		args, environ string
		code          int
		message, hint string // regular expressions for the last two lines
	}{
		{"127.0.0.1:1 " + dir, "", exitConnect, `can not connect to 127.0.0.1:1 within 300ms: 127.0.0.1:1 refuses connections \(nothing listens there\)`, waiting},
		{"no-such-host.invalid " + dir, "", exitConnect, "no-such-host.invalid:2181 (is not a known host|could not be resolved)", waiting},
		{silent + " " + dir, "", exitConnect, `takes connections, but does not answer \(it hangs, or is a port for TLS\)`, waiting},
		{good + " --tls " + dir, "", exitConnect, `ends the TLS handshake \(is it the plain port\?\)|does not speak TLS`, waiting},
		{good + " " + dir, "nosuch:secret", exitAuth, "127.0.0.1:\\d+ refuses the credentials", "hint: give credentials in ZKFS_AUTH or by --auth-file"},
		{good + " " + dir, "nonsense", exitUsage, "environment variable ZKFS_AUTH: line 1 is not of the form scheme:credentials", "hint: as in digest:USER:PASSWORD"},
		{good + " " + dir + " --auth-file " + open, "", exitUsage, "--auth-file .*/open: other users may access it \\(mode 0644\\)", "hint: chmod 600 .*/open"},
		{good + " " + dir + " --sasl=digest-md5", "", exitUsage, "--sasl=digest-md5 needs credentials", "hint: a line sasl:USER:PASSWORD"},
		{good + " " + dir + " --sasl=gssapi --sasl-keytab " + open + " --sasl-principal bob", "", exitUsage, "--sasl-keytab .*/open: other users may access it \\(mode 0644\\)", "hint: chmod 600 .*/open"},
		{good + " " + dir + " --sasl=gssapi --sasl-keytab " + file, "", exitUsage, "--sasl-keytab and --sasl-principal need each other", "hint: `klist -k FILE`"},
		{good + " " + dir + " --sasl=gssapi --sasl-principal bob --sasl-keytab " + file, "sasl:bob:secret", exitUsage, "there are a keytab and credentials for SASL", "hint: leave one"},
		{good + " " + dir + " --sasl-keytab " + file, "", exitUsage, "--sasl-keytab and --sasl-principal are for Kerberos", "hint: --sasl=gssapi"},
		{good + " " + dir, "sasl:bob:secret", exitUsage, "there are credentials for SASL, and no mechanism", "hint: --sasl=digest-md5 or --sasl=gssapi"},
		{good + " " + dir + " --tls-ca " + open, "", exitUsage, "--tls-ca .*/open: no certificate in it", "hint: it is a PEM file"},
		{good + " " + dir + " --tls-cert " + open, "", exitUsage, "", "--tls-cert and --tls-key need each other"},
		{good + "/none " + dir, "", exitChroot, "the znode /none does not exist on 127.0.0.1:\\d+", "hint: create it, or leave the path away: 127.0.0.1:\\d+"},
		{good + " " + full, "", exitMountpoint, "not empty, and the mount would hide what is there", "hint: mount on an empty directory, or hide it with --nonempty"},
		{good + " " + file, "", exitMountpoint, "file: not a directory", "hint: mount on an empty directory"},
		{good + " " + dir + "/none", "", exitMountpoint, "none: does not exist", "hint: mkdir -p .*/none"},
		{"zk1:port " + dir, "", exitUsage, `source "zk1:port": "port" is no port`, "hint: a port is a number from 1 to 65535"},
		{"/app " + dir, "", exitUsage, "/app: a source is needed", "hint: the source comes first"},
		{",/app " + dir, "", exitUsage, `source ",/app": `, "hint: it looks like zk1:2181,zk2:2181/path"},
	}
	for _, tt := range tests {
		t.Setenv(authVariable, tt.environ)
		patience := "--connect-timeout=1m"
		if tt.code == exitConnect {
			patience = "--connect-timeout=300ms"
		}
		args := append([]string{"mount", "-f", patience, "--log-level=error"}, strings.Fields(tt.args)...)
		var stderr strings.Builder
		code := run(t.Context(), args, stdio{strings.NewReader(""), &stderr, &stderr})
		lines := append([]string{""}, strings.Split(strings.TrimSpace(stderr.String()), "\n")...)
		message, hint := lines[len(lines)-2], lines[len(lines)-1]
		if code != tt.code || !regexp.MustCompile(tt.message).MatchString(message) || !regexp.MustCompile("^zkfs: ("+tt.hint+")").MatchString(hint) {
			t.Errorf("zkfs mount %s\nexit code %d\n%s\nwant %d\n%s\n%s", tt.args, code, stderr.String(), tt.code, tt.message, tt.hint)
		}
		if strings.Contains(stderr.String(), "secret") {
			t.Errorf("zkfs mount %s tells a secret:\n%s", tt.args, stderr.String())
		}
	}
}
