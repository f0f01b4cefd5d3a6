package zk_test

import (
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// Names are handed to the dialer each time, so that they are resolved again, and each attempt gets its share of the session timeout.
func TestServersAreDialedByName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var dialed []string
		servers := []string{"b", "a:2182", "::1", "[::2]:2183"}
		given := slices.Clone(servers)
		c, events, err := zk.Connect(servers, 8*time.Second, quiet,
			zk.WithDialer(func(network, address string, limit time.Duration) (net.Conn, error) {
				if network != "tcp" || limit != 2*time.Second {
					t.Errorf("dial of %s %s within %v", network, address, limit)
				}
				mu.Lock()
				defer mu.Unlock()
				dialed = append(dialed, address)
				return refuse(network, address, limit)
			}))
		wantErr(t, err, nil)
		for range 2 * len(servers) {
			await(t, events, zk.StateConnecting)
		}
		c.Close()
		if !slices.Equal(servers, given) {
			t.Errorf("Connect has changed its argument: %q", servers)
		}
		mu.Lock()
		defer mu.Unlock()
		slices.Sort(dialed)
		if got, want := fmt.Sprint(slices.Compact(dialed)), "[[::1]:2181 [::2]:2183 a:2182 b:2181]"; got != want {
			t.Errorf("dialed %s, want %s", got, want)
		}
	})
}

func TestNameThatDoesNotResolveIsPassedOver(t *testing.T) {
	server := zktest.NewServer()
	defer server.Close()
	c, _, err := zk.Connect([]string{"no-such-host.invalid", server.Addr()}, timeout, quiet)
	wantErr(t, err, nil)
	defer c.Close()
	if _, _, err := c.WithContext(t.Context()).Get("/"); err != nil {
		t.Error(err)
	}
	if c.Server() != server.Addr() {
		t.Errorf("connected to %s", c.Server())
	}
}

// The connection breaks again and again while the credentials are on their way; in the end they arrive.
func TestConnectionBreaksWhileCredentialsAreSent(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server, zk.WithAuth("digest", []byte("bob:secret")))
		await(t, events, zk.StateHasSession)
		id := c.SessionID()
		var mu sync.Mutex
		breaks := 10
		server.OnRequest(func(r zktest.Request) zktest.Fault {
			mu.Lock()
			defer mu.Unlock()
			if r.Op != "auth" || breaks == 0 {
				return zktest.Fault{}
			}
			breaks--
			return zktest.Fault{Close: breaks%2 == 0, Lose: breaks%2 == 1}
		})
		server.Disconnect()
		for {
			who, err := c.WhoAmI()
			if err != nil {
				continue
			}
			if !slices.Contains(who, zk.Identity{Scheme: "digest", User: "bob"}) {
				t.Errorf("identities %v", who)
			}
			break
		}
		if c.SessionID() != id {
			t.Error("the session was lost")
		}
		mu.Lock()
		defer mu.Unlock()
		if breaks != 0 {
			t.Errorf("the connection was to break %d more times", breaks)
		}
	})
}

func TestLoggerIsExchangedWhileTheClientLogs(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server)
		var text lockedBuffer
		loggers := []zk.Logger{silence{}, printer{&text}}
		for i := range 50 {
			server.Disconnect()
			c.SetLogger(loggers[i%2])
			await(t, events, zk.StateHasSession)
		}
		c.Close()
		if !strings.Contains(text.b.String(), "lost") {
			t.Errorf("logged: %q", text.b.String())
		}
	})
}

type printer struct{ to *lockedBuffer }

func (p printer) Printf(format string, args ...any) { fmt.Fprintf(p.to, format+"\n", args...) }

func TestSlog(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		var text lockedBuffer
		c, events := connect(t, server, zk.WithSlog(slog.New(slog.NewTextHandler(&text, nil))))
		await(t, events, zk.StateHasSession)
		server.Disconnect()
		await(t, events, zk.StateDisconnected)
		c.Close()
		if !strings.Contains(text.b.String(), "connection to zk:2181 lost") {
			t.Errorf("logged: %q", text.b.String())
		}
	})
}
