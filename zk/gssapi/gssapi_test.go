package gssapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/keytab"

	"github.com/zkfs/zkfs/zk"
)

// krb5Conf writes a krb5.conf whose realm has its KDC at the address, and returns its name.
func krb5Conf(t *testing.T, kdc string) string {
	t.Helper()
	return file(t, "krb5.conf", fmt.Sprintf(`include /nonexistent
[libdefaults]
	default_realm = ZKFS.TEST
	udp_preference_limit = 1
[realms]
	ZKFS.TEST = {
		kdc = %s
		v4_instance_convert = { }
	}
`, kdc))
}

func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// fakeKDC answers each connection with what a KDC never says, and returns its address.
func fakeKDC(t *testing.T, answer string) string {
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
			if answer == "" {
				defer c.Close() // says nothing, until the test ends
				continue
			}
			c.Read(make([]byte, 4096))
			c.Write([]byte(answer))
			c.Close()
		}
	}()
	return l.Addr().String()
}

func TestConfigErrors(t *testing.T) {
	conf := krb5Conf(t, "127.0.0.1:1")
	for want, cfg := range map[string]Config{
		"0 of Password":        {Principal: "alice"},
		"2 of Password":        {Principal: "alice", Password: "x", Keytab: "y"},
		"name and a realm":     {Password: "x"},
		"keytab: ":             {Principal: "alice", Keytab: "/nonexistent"},
		"credential cache: ":   {Cache: "/nonexistent"},
		"malformed":            {Cache: file(t, "cache", "")},
		"Invalid":              {Cache: "FILE:" + file(t, "cache", "nonsense")},
		"keytab: invalid":      {Principal: "alice", Keytab: file(t, "keytab", "nonsense")},
		"could not be opened:": {Principal: "alice", Password: "x", Krb5Conf: "/nonexistent"},
	} {
		if cfg.Krb5Conf == "" {
			cfg.Krb5Conf = conf
		}
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "gssapi: ") {
			t.Errorf("%v: error %v, want one with %q", cfg, err, want)
		}
	}
	t.Setenv("KRB5_CONFIG", conf)
	if _, err := New(Config{Principal: "alice", Password: "x"}); err != nil {
		t.Errorf("KRB5_CONFIG: %v", err)
	}
}

// A keytab may be a file or in memory. An error about one has nothing that is in it.
func TestKeytabThatIsTruncated(t *testing.T) {
	keys := keytab.New()
	for range 2 {
		err := keys.AddEntry("alice", "ZKFS.TEST", "alicepw", time.Now(), 1, etypeID.AES256_CTS_HMAC_SHA1_96)
		if err != nil {
			t.Fatal(err)
		}
	}
	b, err := keys.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	conf := krb5Conf(t, "127.0.0.1:1")
	if _, err := New(Config{Principal: "alice", Keys: b, Krb5Conf: conf}); err != nil {
		t.Error(err)
	}
	b = b[:len(b)-9]
	for _, cfg := range []Config{{Keys: b}, {Keytab: file(t, "keytab", string(b))}} {
		cfg.Principal, cfg.Krb5Conf = "alice", conf
		if _, err := New(cfg); err == nil || err.Error() != "gssapi: keytab: invalid or truncated" {
			t.Errorf("error %q", err)
		}
	}
}

func TestPasswordIsNotPrinted(t *testing.T) {
	cfg := Config{Principal: "alice", Password: "alicepw", Krb5Conf: krb5Conf(t, "127.0.0.1:1")}
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprintf("%v %+v %#v %v %s", cfg, cfg, cfg, m, m); strings.Contains(s, "alicepw") || !strings.Contains(s, "alice") {
		t.Error(s)
	}
}

func TestServerPrincipal(t *testing.T) {
	conf := krb5Conf(t, "127.0.0.1:1")
	b, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	conf = file(t, "krb5.conf", string(b)+"[domain_realm]\n\t.other.example = OTHER.EXAMPLE\n")
	for _, test := range []struct{ principal, host, want string }{
		{"", "Zoo.Example", "zookeeper/zoo.example ZKFS.TEST"},
		{"", "zoo.other.example", "zookeeper/zoo.other.example OTHER.EXAMPLE"},
		{"zk/_HOST@R", "zoo.other.example", "zk/zoo.other.example R"},
		{"zk/fixed", "127.0.0.1", "zk/fixed ZKFS.TEST"},
	} {
		mech, err := New(Config{Principal: "alice", Password: "x", Krb5Conf: conf, ServerPrincipal: test.principal})
		if err != nil {
			t.Fatal(err)
		}
		m := mech.(*mechanism)
		name, realm := m.serverName(m.server(test.host), "ZKFS.TEST")
		if got := name.PrincipalNameString() + " " + realm; got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

func TestTicketIsUsedUntilItEnds(t *testing.T) {
	m := &mechanism{tickets: map[string]*ticket{}}
	for left, want := range map[time.Duration]bool{time.Hour: true, 59 * time.Second: false, -time.Second: false} {
		m.keep("s", &ticket{end: time.Now().Add(left)})
		if got := m.cached("s") != nil; got != want || m.cached("other") != nil {
			t.Errorf("%v before the end: %t", left, got)
		}
	}
}

// A KDC that is silent, or talks nonsense, costs the attempt, and no more of it than its time.
func TestKDCThatIsNone(t *testing.T) {
	keys := keytab.New()
	if err := keys.AddEntry("alice", "ZKFS.TEST", "alicepw", time.Now(), 1, etypeID.AES256_CTS_HMAC_SHA1_96); err != nil {
		t.Fatal(err)
	}
	b, err := keys.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for name, answer := range map[string]string{
		"silent": "", "garbage": "\x00\x00\x00\x04\x6b\x02\x30\x00", "half": "\x00\x00\x00\x10\x6b", "HTTP": "HTTP/1.1 400 Bad Request\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			m, err := New(Config{Principal: "alice", Keytab: file(t, "keytab", string(b)), Krb5Conf: krb5Conf(t, fakeKDC(t, answer))})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			_, err = m.Begin(ctx, "localhost")
			if err == nil || errors.Is(err, zk.ErrAuthFailed) || !strings.Contains(err.Error(), "ticket for zookeeper/localhost") {
				t.Error(err)
			}
			if answer == "" && !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
	}
}

func TestPanicOfTheLibraryIsAnError(t *testing.T) {
	if err := func() (err error) { defer recovered(&err); panic("index out of range") }(); err == nil || !strings.Contains(err.Error(), "index") {
		t.Error(err)
	}
}
