package zk

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Connect fails where no server can ever be one, and only there.
func TestServersThatCannotBe(t *testing.T) {
	lookup := func(ctx context.Context, host string) ([]string, error) {
		switch host {
		case "known":
			return []string{"10.0.0.1"}, nil
		case "fails":
			return nil, &net.DNSError{Err: "server misbehaving", IsTemporary: true}
		case "hangs":
			<-ctx.Done()
			return nil, &net.DNSError{Err: "i/o timeout", IsTimeout: true}
		case "stuck": // a resolver that does not heed its context
			<-time.After(time.Hour)
		}
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	tests := []struct {
		servers string
		want    string // part of the error, "" for none
	}{
		{"known", ""},
		{"known:2182,other", ""},
		{"other,known", ""},
		{"other", "no such host"},
		{"other,another:2182", "no such host"},
		{"fails", ""},
		{"other,fails", ""},
		{"hangs", ""},
		{"other,hangs", ""},
		{"stuck", ""},
		{"other,stuck", ""},
		{"other,10.0.0.1", ""},
		{"other,[::1]:2181", ""},
		{"stuck,fe80::1%eth0", ""},
		{"other:no-such-port", "invalid port"},
		{"other:70000", "invalid port"},
		{":2181", "missing host"},
		{"other:", "invalid port"},
		{":2181,other", "no such host"},
		{":2181,known", ""},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			begun := time.Now()
			err := checkServers(FormatServers(strings.Split(tt.servers, ",")), lookup)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: error %v, want %q", tt.servers, err, tt.want)
			}
			if took := time.Since(begun); took > resolveWait || took > 0 && strings.Contains(tt.servers, ":") {
				t.Errorf("%s: it took %v", tt.servers, took)
			}
			<-time.After(2 * time.Hour) // the stuck lookup has ended
		})
	}
}

// The name has characters that no resolver looks up. A dialer or a provider of hosts of the
// program's own may know what to do with it.
func TestConnectToANameThatCannotExist(t *testing.T) {
	const name = "FailThisInvalidHost!!!"
	_, _, err := Connect([]string{name}, time.Second)
	var dns *net.DNSError
	if !errors.As(err, &dns) || !dns.IsNotFound {
		t.Errorf("error %v", err)
	}
	refuse := func(string, string, time.Duration) (net.Conn, error) { return nil, errors.New("refused") }
	for _, option := range []Option{WithDialer(refuse), WithHostProvider(NewDNSHostProvider())} {
		c, _, err := Connect([]string{name}, time.Second, option, WithLogInfo(false), WithLogger(silent{}))
		if err != nil {
			t.Errorf("error %v", err)
			continue
		}
		c.Close()
	}
}

type silent struct{}

func (silent) Printf(string, ...any) {}
