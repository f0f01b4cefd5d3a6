package zk_test

import (
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

func TestStatesOfAGoodConnect(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		_, events := connect(t, server)
		for _, want := range []zk.State{zk.StateConnecting, zk.StateConnected, zk.StateHasSession} {
			if e := receive(t, events); e.Type != zk.EventSession || e.State != want {
				t.Fatalf("%v, want %v", e, want)
			}
		}
	})
}

func TestSessionSurvivesTheConnection(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server)
		await(t, events, zk.StateHasSession)
		id := c.SessionID()
		if _, err := c.Create("/e", nil, zk.FlagEphemeral, acl); err != nil {
			t.Fatal(err)
		}
		server.Disconnect()
		await(t, events, zk.StateHasSession)
		if c.SessionID() != id {
			t.Errorf("session 0x%x became 0x%x", id, c.SessionID())
		}
		if found, stat, err := c.Exists("/e"); !found || err != nil || stat.EphemeralOwner != id {
			t.Errorf("ephemeral: %v, %v, %v", found, stat, err)
		}
	})
}

func TestSessionIsHandedOver(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		var left atomic.Bool // the first client is gone, as if its process had been killed
		a, events := connectTo(t, func(network, address string, limit time.Duration) (net.Conn, error) {
			if left.Load() {
				return refuse(network, address, limit)
			}
			return server.Dialer()(network, address, limit)
		})
		await(t, events, zk.StateHasSession)
		if _, err := a.Create("/e", nil, zk.FlagEphemeral, acl); err != nil {
			t.Fatal(err)
		}
		left.Store(true)
		b, events := connect(t, server, zk.WithSession(a.SessionID(), a.SessionPassword()))
		await(t, events, zk.StateHasSession)
		if b.SessionID() != a.SessionID() {
			t.Errorf("session 0x%x, want 0x%x", b.SessionID(), a.SessionID())
		}
		if found, _, err := b.Exists("/e"); !found || err != nil {
			t.Errorf("ephemeral: %v, %v", found, err)
		}
	})
}

// The channel of events is not read while a thousand events go by; the expiry stands in it all the same.
func TestExpiryIsNeverLost(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server)
		create(t, c, "/a")
		for range 1000 {
			_, _, fired, err := c.GetW("/a")
			wantErr(t, err, nil)
			if _, err := c.Set("/a", nil, -1); err != nil {
				t.Fatal(err)
			}
			receive(t, fired)
		}
		old := c.SessionID()
		server.ExpireSession(old)
		for c.SessionID() == old || c.SessionID() == 0 {
			pass(time.Second)
		}
		for range 200 {
			server.Disconnect()
			pass(time.Second)
		}
		await(t, events, zk.StateExpired)
		await(t, events, zk.StateHasSession)
	})
}

func TestAnotherSessionFollowsExpiry(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server)
		create(t, c, "/a")
		_, _, fired, err := c.GetW("/a")
		wantErr(t, err, nil)
		w, err := c.AddWatch("/", zk.AddWatchPersistent)
		wantErr(t, err, nil)
		old := c.SessionID()
		server.ExpireSession(old)
		for _, ended := range []<-chan zk.Event{fired, w.Events()} {
			e := receive(t, ended)
			for e.Type == zk.EventLost {
				e = receive(t, ended)
			}
			if e.Type != zk.EventNotWatching || !errors.Is(e.Err, zk.ErrSessionExpired) {
				t.Errorf("watch got %v", e)
			}
		}
		await(t, events, zk.StateExpired)
		await(t, events, zk.StateHasSession)
		if c.SessionID() == old {
			t.Error("the session is still the expired one")
		}
		if _, _, err := c.Get("/a"); err != nil {
			t.Error(err)
		}
	})
}

// While no server answers the client ends the session itself, when any server must have done so, and not before.
func TestExpiryWithoutAnyServer(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server)
		await(t, events, zk.StateHasSession)
		server.Refuse(true)
		server.Disconnect()
		start := time.Now()
		await(t, events, zk.StateExpired)
		if after := time.Since(start); after < timeout || after > 2*timeout {
			t.Errorf("expired after %v, the session timeout is %v", after, timeout)
		}
		server.Refuse(false)
		await(t, events, zk.StateHasSession)
		create(t, c, "/a")
	})
}

// A server whose data was wiped refuses the client without a word, because that has seen a later transaction.
func TestWipedServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full, empty := zktest.NewServer(), zktest.NewServer()
		defer full.Close()
		defer empty.Close()
		var mu sync.Mutex
		server := full
		c, events := connectTo(t, func(network, address string, limit time.Duration) (net.Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			return server.Dialer()(network, address, limit)
		})
		for _, path := range []string{"/a", "/b", "/c", "/d", "/e"} {
			create(t, c, path)
		}
		mu.Lock()
		server = empty
		mu.Unlock()
		full.Disconnect()
		await(t, events, zk.StateExpired)
		await(t, events, zk.StateHasSession)
		if found, _, err := c.Exists("/a"); found || err != nil {
			t.Errorf("exists on the empty server: %v, %v", found, err)
		}
	})
}

func TestCredentialsAreSentAgain(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server)
		await(t, events, zk.StateHasSession)
		for range 2 { // the second time changes nothing
			wantErr(t, c.AddAuth("digest", []byte("bob:secret")), nil)
		}
		_, err := c.Create("/bobs", []byte("x"), 0, zk.DigestACL(zk.PermAll, "bob", "secret"))
		wantErr(t, err, nil)
		var mu sync.Mutex
		var ops []string
		server.OnRequest(func(r zktest.Request) zktest.Fault {
			mu.Lock()
			defer mu.Unlock()
			ops = append(ops, r.Op)
			return zktest.Fault{}
		})
		server.Disconnect()
		_, _, err = c.Get("/bobs")
		for errors.Is(err, zk.ErrConnectionClosed) {
			_, _, err = c.Get("/bobs")
		}
		wantErr(t, err, nil)
		mu.Lock()
		defer mu.Unlock()
		i := slices.Index(ops, "connect")
		if got := strings.Join(ops[i:], " "); got != "connect auth getData" {
			t.Errorf("after the reconnect: %s", got)
		}
	})
}

func TestRefusedCredentialsOfACallAreForgotten(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server)
		await(t, events, zk.StateHasSession)
		wantErr(t, c.AddAuth("nosuch", []byte("x")), zk.ErrAuthFailed)
		await(t, events, zk.StateHasSession)
		create(t, c, "/a")
	})
}

func TestRefusedCredentialsOfTheConnectionEndTheClient(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		dials := 0
		dialer := server.Dialer()
		c, events := connectTo(t, func(network, address string, limit time.Duration) (net.Conn, error) {
			dials++
			return dialer(network, address, limit)
		}, zk.WithAuth("nosuch", []byte("x")))
		await(t, events, zk.StateAuthFailed)
		_, _, err := c.Get("/")
		wantErr(t, err, zk.ErrAuthFailed)
		c.Close()
		if dials != 1 {
			t.Errorf("%d attempts to connect", dials)
		}
	})
}

func TestReadOnlyServer(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		server.SetReadOnly(true)
		c, events := connect(t, server, zk.WithReadOnly())
		await(t, events, zk.StateConnectedReadOnly)
		_, err := c.Create("/a", nil, 0, acl)
		wantErr(t, err, zk.ErrNotReadOnly)
		if _, _, err := c.Get("/"); err != nil {
			t.Error(err)
		}
	})
}

func TestReadOnlyServerIsLeftForOneThatCanWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		poor, good := zktest.NewServer(), zktest.NewServer()
		defer poor.Close()
		defer good.Close()
		good.Refuse(true)
		poor.SetReadOnly(true)
		c, events, err := zk.Connect([]string{"poor", "good"}, timeout, quiet, zk.WithReadOnly(),
			zk.WithDialer(func(network, address string, limit time.Duration) (net.Conn, error) {
				if strings.HasPrefix(address, "poor") {
					return poor.Dialer()(network, address, limit)
				}
				return good.Dialer()(network, address, limit)
			}))
		wantErr(t, err, nil)
		defer c.Close()
		await(t, events, zk.StateConnectedReadOnly)
		good.Refuse(false)
		await(t, events, zk.StateHasSession)
		if !strings.HasPrefix(c.Server(), "good") {
			t.Errorf("connected to %s", c.Server())
		}
		create(t, c, "/a")
	})
}

func TestServersAreReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servers := map[string]*zktest.Server{"old:2181": zktest.NewServer(), "new:2181": zktest.NewServer()}
		for _, s := range servers {
			defer s.Close()
		}
		c, events, err := zk.Connect([]string{"old"}, timeout, quiet,
			zk.WithDialer(func(network, address string, limit time.Duration) (net.Conn, error) {
				return servers[address].Dialer()(network, address, limit)
			}))
		wantErr(t, err, nil)
		defer c.Close()
		await(t, events, zk.StateHasSession)
		wantErr(t, c.SetServers([]string{"new"}), nil)
		await(t, events, zk.StateHasSession)
		if c.Server() != "new:2181" {
			t.Errorf("connected to %s", c.Server())
		}
	})
}

// A server that is not in the list any more is left at once, even when that is said while the session is only being told.
func TestServersAreReplacedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servers := map[string]*zktest.Server{"old:2181": zktest.NewServer(), "new:2181": zktest.NewServer()}
		for _, s := range servers {
			defer s.Close()
		}
		refused := true // until the observer is there
		c, events, err := zk.Connect([]string{"old"}, timeout, quiet,
			zk.WithDialer(func(network, address string, limit time.Duration) (net.Conn, error) {
				if refused {
					return refuse(network, address, limit)
				}
				return servers[address].Dialer()(network, address, limit)
			}))
		wantErr(t, err, nil)
		defer c.Close()
		synctest.Wait()
		refused = false
		c.OnEvent(func(e zk.Event) {
			if e.State == zk.StateHasSession && c.Server() == "old:2181" {
				if err := c.SetServers([]string{"new"}); err != nil {
					t.Error(err)
				}
			}
		})
		await(t, events, zk.StateHasSession)
		await(t, events, zk.StateHasSession)
		if c.Server() != "new:2181" {
			t.Errorf("connected to %s", c.Server())
		}
	})
}

// Pings keep an idle session alive, and a silent server is left in time to save the session.
func TestIdleSessionStaysAlive(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server)
		await(t, events, zk.StateHasSession)
		id := c.SessionID()
		pass(time.Hour)
		if c.State() != zk.StateHasSession || c.SessionID() != id {
			t.Errorf("after an idle hour: %v, session 0x%x, was 0x%x", c.State(), c.SessionID(), id)
		}
		server.OnRequest(func(zktest.Request) zktest.Fault { return zktest.Fault{Stall: true} })
		start := time.Now()
		await(t, events, zk.StateDisconnected)
		if after := time.Since(start); after > timeout {
			t.Errorf("silence was noticed after %v", after)
		}
	})
}

// A program that hears of an expiry works in the next session at once. Calls of the old session
// fail, after those that listen in order have heard.
func TestCallOnExpiryIsOfTheNextSession(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server)
		next, before := make(chan error, 9), make(chan error, 9)
		create := func(path string, result chan error) {
			_, err := c.Create(path, nil, zk.FlagEphemeral, acl)
			result <- err
		}
		var heard bool
		cancel := c.OnEvent(func(e zk.Event) {
			switch e.State {
			case zk.StateDisconnected:
				go create("/before", before)
			case zk.StateExpired:
				heard = len(before) == 0
				go create("/next", next)
			default:
				return
			}
			synctest.Wait() // the call is on its way
		})
		defer cancel()
		await(t, events, zk.StateHasSession)
		server.ExpireSession(c.SessionID())
		await(t, events, zk.StateExpired)
		wantErr(t, receive(t, next), nil)
		wantErr(t, receive(t, before), zk.ErrSessionExpired)
		if !heard {
			t.Error("a call of the old session failed before the expiry was told")
		}
	})
}
