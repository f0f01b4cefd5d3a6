package zk_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// needs are calls by the operation that they need.
var needs = []struct {
	op      string
	feature zk.Feature
	call    func(c *zk.Conn) error
}{
	{"create2", zk.FeatureCreate2, func(c *zk.Conn) error { _, _, err := c.CreateStat("/a", nil, zk.FlagSequence, acl); return err }},
	{"createContainer", zk.FeatureCreateContainer, func(c *zk.Conn) error { _, err := c.Create("/c", nil, zk.FlagContainer, acl); return err }},
	{"createTTL", zk.FeatureCreateTTL, func(c *zk.Conn) error { _, err := c.CreateTTL("/t", nil, zk.FlagTTL, acl, time.Hour); return err }},
	{"multiRead", zk.FeatureMultiRead, func(c *zk.Conn) error { _, err := c.MultiRead(&zk.GetDataRequest{Path: "/"}); return err }},
	{"addWatch", zk.FeatureAddWatch, func(c *zk.Conn) error { _, err := c.AddWatch("/", zk.AddWatchPersistent); return err }},
	{"setWatches2", zk.FeatureAddWatch, func(c *zk.Conn) error { _, err := c.AddWatch("/", zk.AddWatchPersistent); return err }},
	{"checkWatches", zk.FeatureCheckWatches, func(c *zk.Conn) error { return c.CheckWatches("/", zk.WatcherAny) }},
	{"whoAmI", zk.FeatureWhoAmI, func(c *zk.Conn) error { _, err := c.WhoAmI(); return err }},
	{"getEphemerals", zk.FeatureGetEphemerals, func(c *zk.Conn) error { _, err := c.Ephemerals("/"); return err }},
	{"getAllChildrenNumber", zk.FeatureGetAllChildrenNumber, func(c *zk.Conn) error { _, err := c.AllChildrenNumber("/"); return err }},
}

// strike makes a server do something when an operation is asked for the first times.
func strike(server *zktest.Server, op string, times int, fault func() zktest.Fault) {
	var mu sync.Mutex
	server.OnRequest(func(r zktest.Request) zktest.Fault {
		mu.Lock()
		defer mu.Unlock()
		if r.Op != op || times == 0 {
			return zktest.Fault{}
		}
		times--
		return fault()
	})
}

// A server that ends when an operation is first asked for has it all the same, however often it
// ends, and so does one that closes or leaves in silence one connection alone. The call works.
func TestServerThatEndsOverAQuestionHasTheFeature(t *testing.T) {
	for _, need := range needs {
		for name, times := range map[string]int{"server": 3, "connection": 1, "silence": 1} {
			t.Run(need.op+"/"+name, func(t *testing.T) {
				bubble(t, func(t *testing.T, server *zktest.Server) {
					c, _ := connect(t, server)
					create(t, c, "/x")
					strike(server, need.op, times, func() zktest.Fault {
						switch name {
						case "server":
							server.Refuse(true)
							server.Disconnect()
							time.AfterFunc(20*time.Millisecond, func() { server.Refuse(false) })
						case "silence":
							return zktest.Fault{Stall: true}
						}
						return zktest.Fault{Close: true}
					})
					err := need.call(c)
					for range 100 {
						if !errors.Is(err, zk.ErrNoServer) && c.Features()[need.feature] != zk.SupportUnknown {
							break
						}
						err = need.call(c) // every server was away, so that it failed, or went another way
					}
					if err != nil && !errors.Is(err, zk.ErrNoWatcher) || c.Features()[need.feature] != zk.Supported {
						t.Errorf("%v, %v is %v", err, need.op, c.Features()[need.feature])
					}
				})
			})
		}
	}
}

// A call whose feature cannot be found out ends with its context. A ZooKeeper is then asked on the
// connection of the session, which it costs nothing but that. At another server a call goes another
// way, or fails.
func TestCallsThatWaitForAnAnswer(t *testing.T) {
	for name, asks := range map[string]bool{"3.8": true, "clickhouse-26.3": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := zktest.NewServer(zktest.WithServer(name))
				defer server.Close()
				c, _ := connect(t, server)
				create(t, c, "/x")
				id := c.SessionID()
				server.Refuse(true) // probes cannot connect, the session lives
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
				defer cancel()
				_, err := c.WithContext(ctx).AddWatch("/x", zk.AddWatchPersistent)
				wantErr(t, err, context.DeadlineExceeded)
				if zk.MaybeApplied(err) {
					t.Error("a request that was not sent may have been applied")
				}
				want := zk.ErrNoServer
				if asks {
					want = nil
				}
				_, err = c.AddWatch("/x", zk.AddWatchPersistent)
				wantErr(t, err, want)
				path, stat, err := c.CreateStat("/y", nil, 0, acl)
				if err != nil || path != "/y" || stat.Czxid == 0 {
					t.Errorf("%q, %+v, %v", path, stat, err)
				}
				results, err := c.MultiRead(&zk.GetDataRequest{Path: "/y"})
				if err != nil || results[0].Err != nil {
					t.Errorf("%+v, %v", results, err)
				}
				server.Refuse(false)
				_, err = c.AddWatch("/y", zk.AddWatchPersistent)
				wantErr(t, err, nil)
				if c.SessionID() != id {
					t.Errorf("session 0x%x became 0x%x", id, c.SessionID())
				}
			})
		})
	}
}

// Close ends what waits for an answer, and the connection that has asked.
func TestCloseWhileAQuestionIsUnanswered(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		create(t, c, "/x")
		server.OnRequest(func(r zktest.Request) zktest.Fault { return zktest.Fault{Stall: r.Op == "whoAmI"} })
		done := make(chan error)
		go func() { // ends with the client
			_, err := c.WhoAmI()
			done <- err
		}()
		synctest.Wait()
		start := time.Now()
		c.Close()
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("took %v", took)
		}
		wantErr(t, <-done, zk.ErrClosing)
	})
}

// A connection that is lost twice in a row over an operation that the server had makes it a
// question again: another server may be behind the address. Then there is another way.
func TestLostFeatureIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := zktest.NewServer(zktest.WithServer("clickhouse-latest"))
		defer server.Close()
		c, events := connect(t, server)
		create2 := func() error { _, _, err := c.CreateStat("/a", nil, zk.FlagSequence, acl); return err }
		wantErr(t, create2(), nil)
		server.OnRequest(func(r zktest.Request) zktest.Fault { return zktest.Fault{Close: r.Op == "create2"} })
		for range 2 {
			wantErr(t, create2(), zk.ErrConnectionClosed)
			await(t, events, zk.StateDisconnected)
			await(t, events, zk.StateHasSession)
		}
		id := c.SessionID()
		for range 3 {
			wantErr(t, create2(), nil)
		}
		if c.SessionID() != id || c.State() != zk.StateHasSession || c.Features()[zk.FeatureCreate2] != zk.Lacking {
			t.Errorf("session 0x%x became 0x%x, %v, %v", id, c.SessionID(), c.State(), c.Features())
		}
	})
}

// A ZooKeeper that accepts no other connection of this client, or leaves it in silence, delays the
// first call that needs a feature, and no later one. What the call shows is known from then on.
func TestProbesThatDoNotConnectDelayOneCall(t *testing.T) {
	for name, limit := range map[string]time.Duration{"refused": time.Second / 4, "silence": 4 * time.Second} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, server *zktest.Server) {
				var others atomic.Bool
				dial := server.Dialer()
				c, _ := connect(t, server, zk.WithDialer(
					func(network, address string, timeout time.Duration) (net.Conn, error) {
						if name == "silence" && others.Load() {
							ours, theirs := net.Pipe()
							go io.Copy(io.Discard, theirs) // ends with the probe
							return ours, nil
						}
						return dial(network, address, timeout)
					}))
				create(t, c, "/x")
				others.Store(true)
				server.Refuse(name == "refused")
				for i, need := range needs {
					start := time.Now()
					for range 3 {
						if err := need.call(c); err != nil && !errors.Is(err, zk.ErrNodeExists) &&
							!errors.Is(err, zk.ErrNoWatcher) {
							t.Errorf("%s: %v", need.op, err)
						}
					}
					if took := time.Since(start); i == 0 && took > limit || i > 0 && took > 0 {
						t.Errorf("%s: took %v", need.op, took)
					}
					if s := c.Features()[need.feature]; s != zk.Supported {
						t.Errorf("%s is %v after it was answered", need.op, s)
					}
				}
			})
		})
	}
}

// A call that can do without what a server may have does not wait long for one that leaves the
// question unanswered.
func TestSilentServerDelaysOneCallWithAnotherWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := zktest.NewServer(zktest.WithServer("raftkeeper"))
		defer server.Close()
		c, _ := connect(t, server)
		create(t, c, "/x")
		for i := range 2 {
			start := time.Now()
			path, stat, err := c.CreateStat("/x/n", nil, zk.FlagSequence, acl)
			if err != nil || stat == nil {
				t.Errorf("%s, %v, %v", path, stat, err)
			}
			if took := time.Since(start); took > time.Second || i > 0 && took > 0 {
				t.Errorf("took %v", took)
			}
		}
		pass(time.Minute)
		if s := c.Features()[zk.FeatureCreate2]; s != zk.Lacking {
			t.Errorf("create2 is %v", s)
		}
	})
}

// At another server the calls that have another way take it at once after a prover has given up.
func TestProbesThatDoNotConnectDelayOneCallWithAnotherWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := zktest.NewServer(zktest.WithServer("clickhouse-26.3"))
		defer server.Close()
		c, _ := connect(t, server)
		create(t, c, "/x")
		server.Refuse(true)
		for i := range 3 {
			start := time.Now()
			_, _, err := c.CreateStat("/a", nil, zk.FlagSequence, acl)
			wantErr(t, err, nil)
			_, err = c.MultiRead(&zk.GetDataRequest{Path: "/x"})
			wantErr(t, err, nil)
			if took := time.Since(start); i > 0 && took > 0 {
				t.Errorf("took %v", took)
			}
		}
		server.Refuse(false)
		time.Sleep(time.Minute)
		_, _, err := c.CreateStat("/a", nil, zk.FlagSequence, acl)
		wantErr(t, err, nil)
		if s := c.Features()[zk.FeatureCreate2]; s == zk.SupportUnknown {
			t.Error("not asked again")
		}
	})
}
