package zk_test

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// connectFor is connectTo for a session of the given timeout.
func connectFor(t *testing.T, session time.Duration, dialer zk.Dialer) (*zk.Conn, <-chan zk.Event) {
	t.Helper()
	c, events, err := zk.Connect([]string{"zk"}, session, quiet, zk.WithDialer(dialer))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, events
}

// However long the servers were away, and however long the session lives, they are found within a
// second of their return.
func TestReconnectAfterALongOutage(t *testing.T) {
	for _, session := range []time.Duration{2 * time.Second, 40 * time.Second} {
		bubble(t, func(t *testing.T, server *zktest.Server) {
			_, events := connectFor(t, session, server.Dialer())
			await(t, events, zk.StateHasSession)
			server.Refuse(true)
			server.Disconnect()
			pass(session * 3 / 4)
			server.Refuse(false)
			back := time.Now()
			await(t, events, zk.StateHasSession)
			if took := time.Since(back); took > time.Second {
				t.Errorf("session of %v: connected %v after the server was back", session, took)
			}
		})
	}
}

// A call that waits for a connection hastens it.
func TestACallHastensTheReconnect(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server)
		await(t, events, zk.StateHasSession)
		server.Refuse(true)
		server.Disconnect()
		pass(timeout / 2) // the pauses are at their longest
		for range 10 {
			await(t, events, zk.StateDisconnected)
			server.Refuse(false)
			back := time.Now()
			if _, _, err := c.Get("/"); err != nil {
				t.Error(err)
			}
			if took := time.Since(back); took > 300*time.Millisecond {
				t.Errorf("the call took %v", took)
			}
			server.Refuse(true)
			server.Disconnect()
		}
	})
}

// A program that calls again and again while there is no server does not make the client spin.
func TestCallsDoNotMakeTheClientSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		dials := 0
		c, _ := connectTo(t, func(string, string, time.Duration) (net.Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			dials++
			return nil, errors.New("refused")
		})
		for end := time.Now().Add(time.Minute); time.Now().Before(end); {
			_, _, err := c.Get("/")
			wantErr(t, err, zk.ErrNoServer)
		}
		mu.Lock()
		defer mu.Unlock()
		if dials > 60*8+10 {
			t.Errorf("%d attempts in a minute", dials)
		}
	})
}

// slowConn delays the first bytes from the server.
type slowConn struct {
	net.Conn
	once  sync.Once
	delay time.Duration
}

func (s *slowConn) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	s.once.Do(func() { pass(s.delay) })
	return n, err
}

// A server that takes longer for the handshake than an attempt has at first is reached: attempts
// get longer.
func TestServerWithASlowHandshakeIsReached(t *testing.T) {
	for _, tt := range []struct{ session, delay time.Duration }{
		{time.Second, 900 * time.Millisecond},
		{3 * time.Second, 2500 * time.Millisecond},
		{10 * time.Second, 9 * time.Second},
	} {
		bubble(t, func(t *testing.T, server *zktest.Server) {
			dial := server.Dialer()
			c, events := connectFor(t, tt.session, func(network, address string, limit time.Duration) (net.Conn, error) {
				conn, err := dial(network, address, limit)
				if err != nil {
					return nil, err
				}
				return &slowConn{Conn: conn, delay: tt.delay}, nil
			})
			await(t, events, zk.StateHasSession)
			if _, _, err := c.Get("/"); err != nil {
				t.Error(err)
			}
		})
	}
}

// With WithServerExpiry the client keeps the session until a server says that it has expired.
func TestServerExpiry(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server, zk.WithServerExpiry())
		await(t, events, zk.StateHasSession)
		var refused, early atomic.Bool
		refused.Store(true)
		c.OnEvent(func(e zk.Event) {
			if e.State == zk.StateExpired && refused.Load() {
				early.Store(true)
			}
		})
		server.Refuse(true)
		server.Disconnect()
		pass(5 * timeout)
		refused.Store(false)
		server.Refuse(false)
		e := await(t, events, zk.StateExpired)
		wantErr(t, e.Err, zk.ErrSessionExpired)
		if early.Load() {
			t.Error("expired while there was no server")
		}
		await(t, events, zk.StateHasSession)
	})
}
