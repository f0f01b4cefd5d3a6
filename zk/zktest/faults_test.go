package zktest_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// bubble runs a test with a server and a connection whose session stands, in a bubble.
func bubble(t *testing.T, f func(t *testing.T, s *zktest.Server, c *zk.Conn), opts ...zktest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := zktest.NewServer(opts...)
		defer s.Close()
		c := connect(t, s)
		defer c.Close()
		f(t, s, c)
	})
}

func connect(t *testing.T, s *zktest.Server) *zk.Conn {
	t.Helper()
	c, _, err := zk.Connect([]string{"zk1", "zk2"}, 10*time.Second, zk.WithDialer(s.Dialer()), zk.WithLogger(quiet{}))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Exists("/"); err != nil {
		t.Fatal(err)
	}
	return c
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}

// once lets f happen to the next request of the operation, and to no other.
func once(s *zktest.Server, op string, f zktest.Fault) {
	var done atomic.Bool
	s.OnRequest(func(r zktest.Request) zktest.Fault {
		if r.Op == op && !done.Swap(true) {
			return f
		}
		return zktest.Fault{}
	})
}

func create(c *zk.Conn, path string) error {
	_, err := c.Create(path, nil, 0, zk.WorldACL(zk.PermAll))
	return err
}

func exists(t *testing.T, c *zk.Conn, path string) bool {
	t.Helper()
	ok, _, err := c.Exists(path)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func TestFaultsOfACreate(t *testing.T) {
	for name, test := range map[string]struct {
		fault   zktest.Fault
		want    error
		applied bool
	}{
		"none":       {zktest.Fault{}, nil, true},
		"late":       {zktest.Fault{Delay: time.Second}, nil, true},
		"error":      {zktest.Fault{Code: -127}, zk.ErrThrottled, false},
		"closed":     {zktest.Fault{Close: true}, zk.ErrConnectionClosed, false},
		"lost":       {zktest.Fault{Lose: true}, zk.ErrConnectionClosed, true},
		"stalled":    {zktest.Fault{Stall: true}, zk.ErrConnectionClosed, false},
		"half":       {zktest.Fault{Cut: 7}, zk.ErrConnectionClosed, true},
		"wrong xid":  {zktest.Fault{Xid: 1}, zk.ErrConnectionClosed, true},
		"garbage":    {zktest.Fault{Garbage: []byte("HTTP/1.1 400 Bad Request")}, zk.ErrConnectionClosed, true},
		"short":      {zktest.Fault{Garbage: []byte{0, 0, 0, 1, 0}}, zk.ErrConnectionClosed, true},
		"huge frame": {zktest.Fault{Garbage: []byte{0x7f, 0xff, 0xff, 0xff}}, zk.ErrConnectionClosed, true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *zktest.Server, c *zk.Conn) {
				once(s, "create", test.fault)
				if err := create(c, "/a"); !errors.Is(err, test.want) {
					t.Errorf("error %v, want %v", err, test.want)
				}
				if got := exists(t, c, "/a"); got != test.applied {
					t.Errorf("applied: %v, want %v", got, test.applied)
				}
			})
		})
	}
}

func TestFaultsOfTheHandshake(t *testing.T) {
	for name, fault := range map[string]zktest.Fault{
		"late":    {Delay: time.Second},
		"closed":  {Close: true},
		"lost":    {Lose: true},
		"stalled": {Stall: true},
		"half":    {Cut: 20},
		"garbage": {Garbage: []byte{0x15, 3, 1, 0, 2, 2, 40}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *zktest.Server, c *zk.Conn) {
				id := c.SessionID()
				once(s, "connect", fault)
				s.Disconnect()
				synctest.Wait()
				for {
					if _, _, err := c.Exists("/"); err == nil {
						break
					} else if !errors.Is(err, zk.ErrNoServer) {
						t.Fatal(err)
					}
				}
				if c.SessionID() != id {
					t.Error("the session was lost")
				}
			})
		})
	}
}

func TestRequestsAreSeen(t *testing.T) {
	bubble(t, func(t *testing.T, s *zktest.Server, c *zk.Conn) {
		var seen []zktest.Request // by the one connection
		s.OnRequest(func(r zktest.Request) zktest.Fault {
			seen = append(seen, r)
			return zktest.Fault{}
		})
		id := c.SessionID()
		exists(t, c, "/a")
		if _, err := c.Multi(&zk.CreateRequest{Path: "/b", Acl: zk.WorldACL(zk.PermAll)}, &zk.DeleteRequest{Path: "/b"}); err != nil {
			t.Fatal(err)
		}
		c.Close()
		synctest.Wait()
		want := []zktest.Request{{"exists", "/a", id}, {"multi", "/b", id}, {"closeSession", "", id}}
		for i := range want {
			if i >= len(seen) || seen[i] != want[i] {
				t.Fatalf("%+v, want %+v", seen, want)
			}
		}
	})
}

// A stalled client learns nothing of the end of its session until it comes on another connection.
func TestStalledSessionExpires(t *testing.T) {
	bubble(t, func(t *testing.T, s *zktest.Server, c *zk.Conn) {
		other := connect(t, s)
		defer other.Close()
		id := c.SessionID()
		s.OnRequest(func(r zktest.Request) zktest.Fault { return zktest.Fault{Stall: r.SessionID == id} })
		if _, err := c.Create("/e", nil, zk.FlagEphemeral, zk.WorldACL(zk.PermAll)); err == nil {
			t.Error("a stalled create succeeds")
		}
		for len(s.Sessions()) > 1 {
			time.Sleep(time.Second) // in the bubble's time
		}
		if s.Sessions()[0] != other.SessionID() {
			t.Error("the wrong session has expired")
		}
	})
}

func TestTheExampleInABubble(t *testing.T) { synctest.Test(t, memberLeaves) }

func TestExpireSession(t *testing.T) {
	bubble(t, func(t *testing.T, s *zktest.Server, c *zk.Conn) {
		if _, err := c.Create("/e", nil, zk.FlagEphemeral, zk.WorldACL(zk.PermAll)); err != nil {
			t.Fatal(err)
		}
		id := c.SessionID()
		if !s.ExpireSession(id) || s.ExpireSession(id) {
			t.Error("ExpireSession does not tell whether there was one")
		}
		time.Sleep(time.Second) // in the bubble's time
		if exists(t, c, "/e") {
			t.Error("the ephemeral is still there")
		}
		if c.SessionID() == id {
			t.Error("the session is still the same")
		}
	})
}

func TestRefuse(t *testing.T) {
	bubble(t, func(t *testing.T, s *zktest.Server, c *zk.Conn) {
		s.Refuse(true)
		exists(t, c, "/") // what is connected stays so
		s.Disconnect()
		synctest.Wait()
		if _, _, err := c.Exists("/"); !errors.Is(err, zk.ErrNoServer) {
			t.Errorf("error %v, want %v", err, zk.ErrNoServer)
		}
		s.Refuse(false)
		time.Sleep(time.Second) // in the bubble's time
		exists(t, c, "/")
	})
}

func TestReadOnly(t *testing.T) {
	bubble(t, func(t *testing.T, s *zktest.Server, c *zk.Conn) {
		reader, _, err := zk.Connect([]string{"zk"}, 10*time.Second, zk.WithDialer(s.Dialer()), zk.WithLogger(quiet{}), zk.WithReadOnly())
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		s.SetReadOnly(true)
		time.Sleep(time.Second) // in the bubble's time
		exists(t, reader, "/")
		if state := reader.State(); state != zk.StateConnectedReadOnly {
			t.Errorf("state %v", state)
		}
		if err := create(reader, "/a"); !errors.Is(err, zk.ErrNotReadOnly) {
			t.Errorf("error %v", err)
		}
		if _, _, err := c.Exists("/"); !errors.Is(err, zk.ErrNoServer) {
			t.Errorf("a client that wants to write gets %v", err)
		}
		s.SetReadOnly(false)
		time.Sleep(2 * time.Second) // in the bubble's time
		if err := create(c, "/a"); err != nil {
			t.Error(err)
		}
	})
}

func TestVersion(t *testing.T) {
	bubble(t, func(t *testing.T, s *zktest.Server, c *zk.Conn) {
		if _, err := c.AddWatch("/", zk.AddWatchPersistent); !errors.Is(err, zk.ErrUnimplemented) {
			t.Errorf("addWatch: error %v", err)
		}
		synctest.Wait() // the server closes the connection
		if _, err := c.AllChildrenNumber("/"); !errors.Is(err, zk.ErrUnimplemented) {
			t.Errorf("getAllChildrenNumber: error %v", err)
		}
		synctest.Wait()
		if err := create(c, "/a"); err != nil {
			t.Error(err)
		}
	}, zktest.WithVersion("3.5.9"))
}

func TestSessionTimeouts(t *testing.T) {
	bubble(t, func(t *testing.T, s *zktest.Server, c *zk.Conn) {
		if got := c.SessionTimeout(); got != 4*time.Second {
			t.Errorf("timeout %v", got)
		}
	}, zktest.WithSessionTimeouts(2*time.Second, 4*time.Second))
}

func TestEventsForAll(t *testing.T) {
	bubble(t, func(t *testing.T, s *zktest.Server, c *zk.Conn) {
		if _, err := c.Create("/a", nil, 0, zk.WorldACL(zk.PermWrite)); err != nil {
			t.Fatal(err)
		}
		_, _, events, err := c.ExistsW("/a")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Set("/a", nil, -1); err != nil {
			t.Fatal(err)
		}
		if e := <-events; e.Type != zk.EventNodeDataChanged {
			t.Errorf("event %+v", e)
		}
	}, zktest.WithEventsForAll())
}
