package zk_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// onEveryServer runs f in a bubble with each server that zktest plays.
func onEveryServer(t *testing.T, f func(t *testing.T, name string, server *zktest.Server)) {
	for _, name := range zktest.Servers() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := zktest.NewServer(zktest.WithServer(name))
				defer server.Close()
				f(t, name, server)
			})
		})
	}
}

// steady fails the test if the session of c loses its connection, or is not the only one in the
// end.
func steady(t *testing.T, c *zk.Conn, server *zktest.Server) (check func()) {
	t.Helper()
	if _, _, err := c.Exists("/"); err != nil {
		t.Fatal(err)
	}
	id, losses := c.SessionID(), 0
	var mu sync.Mutex
	cancel := c.OnEvent(func(e zk.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Type == zk.EventSession && e.State != zk.StateHasSession {
			losses++
		}
	})
	return func() {
		t.Helper()
		cancel()
		mu.Lock()
		defer mu.Unlock()
		if losses != 0 || c.SessionID() != id {
			t.Errorf("%d changes of the connection, session 0x%x became 0x%x", losses, id, c.SessionID())
		}
		pass(time.Minute) // until the sessions of probes whose connections were closed have expired
		if left := server.Sessions(); len(left) != 1 || left[0] != id {
			t.Errorf("sessions %x, want %x alone", left, id)
		}
	}
}

// Every Get is answered by every server, and costs no connection.
func TestGetsOnEveryServer(t *testing.T) {
	onEveryServer(t, func(t *testing.T, name string, server *zktest.Server) {
		c, _ := connect(t, server)
		check := steady(t, c, server)
		for i := range 64 {
			if i%7 != 3 {
				if _, err := c.Create(fmt.Sprintf("/n%d", i), []byte(fmt.Sprint(i)), 0, acl); err != nil {
					t.Fatal(err)
				}
			}
		}
		seen := count(server)
		seen.slow(time.Millisecond)
		var all sync.WaitGroup
		for i := range 64 {
			all.Go(func() {
				for n := range 20 {
					k := (i + 7*n) % 64
					data, _, err := c.Get(fmt.Sprintf("/n%d", k))
					if k%7 == 3 {
						if !errors.Is(err, zk.ErrNoNode) {
							t.Errorf("missing: %q, %v", data, err)
						}
					} else if err != nil || string(data) != fmt.Sprint(k) {
						t.Errorf("%d: %q, %v", k, data, err)
					}
				}
			})
		}
		all.Wait()
		check()
		batched := c.Features()[zk.FeatureMultiRead] == zk.Supported
		if few := seen.ops["getData"] < 300; few != batched || (seen.ops["multiRead"] > 2) != batched {
			t.Errorf("multiRead is %v, requests: %v", c.Features()[zk.FeatureMultiRead], seen.ops)
		}
	})
}

// A znode that may not be read spoils no Get, and no other part of a MultiRead.
func TestUnreadableZnodeOnEveryServer(t *testing.T) {
	onEveryServer(t, func(t *testing.T, name string, server *zktest.Server) {
		c, _ := connect(t, server)
		other, _ := connect(t, server)
		create(t, c, "/open")
		wantErr(t, other.AddAuth("digest", []byte("ann:secret")), nil)
		_, err := other.Create("/closed", nil, 0, zk.AuthACL(zk.PermAll))
		wantErr(t, err, nil)
		results, err := c.MultiRead(&zk.GetDataRequest{Path: "/open"}, &zk.GetDataRequest{Path: "/closed"})
		wantErr(t, err, nil)
		wantErr(t, results[0].Err, nil)
		wantErr(t, results[1].Err, zk.ErrNoAuth)
		seen := count(server)
		seen.slow(time.Millisecond)
		var all sync.WaitGroup
		for i := range 64 {
			path, want := "/open", error(nil)
			if i%7 == 3 {
				path, want = "/closed", zk.ErrNoAuth
			}
			all.Go(func() {
				for range 5 {
					if _, _, err := c.Get(path); !errors.Is(err, want) {
						t.Errorf("%s: %v", path, err)
					}
				}
			})
		}
		all.Wait()
		if batched := c.Features()[zk.FeatureMultiRead] == zk.Supported; batched != (seen.ops["multiRead"] > 0) {
			t.Errorf("requests: %v", seen.ops)
		}
	})
}

// features has what a client knows of each server after it has made every call: what it has, what
// it lacks, and what no call tells.
var features = map[string]string{
	"3.4": "[recursivePaths pzxid resume] [create2 createContainer createTTL multiRead addWatch removeWatches checkWatches " +
		"whoAmI getEphemerals getAllChildrenNumber reconfig] [childStats]",
	"3.5": "[create2 createContainer createTTL removeWatches checkWatches reconfig recursivePaths pzxid resume] " +
		"[multiRead addWatch whoAmI getEphemerals getAllChildrenNumber] [childStats]",
	"3.6": "[create2 createContainer createTTL multiRead addWatch removeWatches checkWatches getEphemerals " +
		"getAllChildrenNumber reconfig recursivePaths pzxid resume] [whoAmI] [childStats]",
	"3.7": everything,
	"3.8": everything,
	"3.9": everything,
	"clickhouse-25.8": "[multiRead reconfig] [create2 createContainer createTTL addWatch removeWatches checkWatches " +
		"whoAmI getEphemerals getAllChildrenNumber childStats pzxid] [recursivePaths resume]",
	"clickhouse-26.1": "[create2 multiRead addWatch removeWatches checkWatches reconfig] " +
		"[createContainer createTTL whoAmI getEphemerals getAllChildrenNumber childStats pzxid] " +
		"[recursivePaths resume]",
	"clickhouse-26.3": "[create2 multiRead addWatch removeWatches checkWatches reconfig] " +
		"[createContainer createTTL whoAmI getEphemerals getAllChildrenNumber childStats pzxid] " +
		"[recursivePaths resume]",
	"clickhouse-latest": "[create2 createContainer createTTL multiRead addWatch removeWatches checkWatches reconfig " +
		"childStats] [whoAmI getEphemerals getAllChildrenNumber pzxid] [recursivePaths resume]",
	"raftkeeper": "[multiRead] [create2 createContainer createTTL addWatch removeWatches checkWatches whoAmI " +
		"getEphemerals getAllChildrenNumber reconfig childStats] [recursivePaths pzxid resume]",
	"raftkeeper-latest": "[multiRead childStats] " +
		"[create2 createContainer createTTL addWatch removeWatches checkWatches whoAmI getEphemerals " +
		"getAllChildrenNumber reconfig] [recursivePaths pzxid resume]",
}

const everything = "[create2 createContainer createTTL multiRead addWatch removeWatches checkWatches " +
	"whoAmI getEphemerals getAllChildrenNumber reconfig recursivePaths pzxid resume] [] [childStats]"

// Every call is answered by every server, or refused without being sent, and costs no connection.
func TestEveryCallOnEveryServer(t *testing.T) {
	onEveryServer(t, func(t *testing.T, name string, server *zktest.Server) {
		c, _ := connect(t, server)
		check := steady(t, c, server)
		create(t, c, "/a")
		for _, call := range []struct {
			name string
			do   func() error
		}{
			{"create with a Stat", func() error {
				path, stat, err := c.CreateStat("/b", []byte("x"), 0, acl)
				if err == nil && (path != "/b" || stat.Czxid == 0 || stat.DataLength != 1) {
					return fmt.Errorf("%q, %+v", path, stat)
				}
				return err
			}},
			{"container", func() error { _, err := c.CreateContainer("/c", nil, zk.FlagContainer, acl); return err }},
			{"container in a multi", func() error {
				_, err := c.Multi(&zk.CreateContainerRequest{Path: "/d", Acl: acl}, &zk.DeleteRequest{Path: "/d", Version: -1})
				return err
			}},
			{"time to live", func() error { _, err := c.CreateTTL("/e", nil, zk.FlagTTL, acl, time.Hour); return err }},
			{"multiRead", func() error {
				results, err := c.MultiRead(
					&zk.GetDataRequest{Path: "/a"}, &zk.GetDataRequest{Path: "/none"}, &zk.GetChildrenRequest{Path: "/"},
				)
				if err == nil && (len(results) != 3 || results[0].Err != nil ||
					!errors.Is(results[1].Err, zk.ErrNoNode) || len(results[2].Children) < 2) {
					return fmt.Errorf("%+v", results)
				}
				return err
			}},
			{"multi of nothing", func() error { _, err := c.Multi(); return err }},
			{"multiRead of nothing", func() error { _, err := c.MultiRead(); return err }},
			{"watch", func() error {
				w, err := c.AddWatch("/w", zk.AddWatchPersistent)
				if err == nil {
					err = w.Stop()
				}
				return err
			}},
			{"recursive watch", func() error {
				w, err := c.AddWatch("/w", zk.AddWatchPersistentRecursive)
				if err == nil {
					err = w.Stop()
				}
				return err
			}},
			{"remove watches", func() error {
				_, _, events, err := c.GetW("/a")
				if err != nil {
					return err
				}
				if err := c.RemoveWatches("/a", zk.WatcherAny); err != nil {
					return err
				}
				receive(t, events)
				return nil
			}},
			{"check watches", func() error {
				if err := c.CheckWatches("/a", zk.WatcherData); !errors.Is(err, zk.ErrNoWatcher) {
					return err
				}
				return nil
			}},
			{"identities", func() error { _, err := c.WhoAmI(); return err }},
			{"ephemerals", func() error { _, err := c.Ephemerals("/"); return err }},
			{"all children", func() error { _, err := c.AllChildrenNumber("/"); return err }},
			{"reconfig", func() error { _, err := c.Reconfig([]string{"server.1=a:1:2;3"}, 7); return err }},
			{"Stats of children", func() error { _, _, err := c.ChildStats("/"); return err }},
			{"check outside of a multi", func() error {
				r := c.Pipeline(&zk.CheckVersionRequest{Path: "/a", Version: -1})[0]
				if r.Err == nil || !strings.Contains(r.Err.Error(), "in a multi only") {
					return fmt.Errorf("the answer is %v", r.Err)
				}
				return nil
			}},
			{"sync", func() error { _, err := c.Sync("/a"); return err }},
		} {
			if err := call.do(); err != nil && !errors.Is(err, zk.ErrUnimplemented) &&
				!errors.Is(err, zk.ErrReconfigDisabled) && !errors.Is(err, zk.ErrBadVersion) {
				t.Errorf("%s: %v", call.name, err)
			}
			synctest.Wait()
		}
		check()
		known := c.Features()
		got := fmt.Sprint(known.With(zk.Supported), known.With(zk.Lacking), known.With(zk.SupportUnknown))
		if got != features[name] {
			t.Errorf("features %s, want %s", got, features[name])
		}
	})
}
