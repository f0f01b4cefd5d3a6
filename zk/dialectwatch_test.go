package zk_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// A recursive watch tells what has changed, or says that it cannot and ends.
func TestRecursiveWatchOnEveryServer(t *testing.T) {
	onEveryServer(t, func(t *testing.T, name string, server *zktest.Server) {
		c, _ := connect(t, server)
		other, _ := connect(t, server)
		for _, path := range []string{"/w", "/w/a"} {
			create(t, c, path)
		}
		w, err := c.AddWatch("/w", zk.AddWatchPersistentRecursive)
		if c.Features()[zk.FeatureAddWatch] == zk.Lacking {
			wantErr(t, err, zk.ErrUnimplemented)
			return
		}
		wantErr(t, err, nil)
		var lost []string
		cancel := c.OnEvent(func(e zk.Event) {
			if e.Type == zk.EventLost {
				lost = append(lost, e.Path)
			}
		})
		defer cancel()
		events := func() (list []string) {
			synctest.Wait()
			for len(w.Events()) > 0 {
				e := <-w.Events()
				list = append(list, fmt.Sprintf("%v %s %v", e.Type, e.Path, e.Err))
			}
			return list
		}
		change := func(path string) {
			if _, err := other.Set(path, nil, -1); err != nil {
				t.Fatal(err)
			}
		}
		change("/w") // may be what it says
		keeper := strings.HasPrefix(name, "clickhouse")
		want := "[EventNodeDataChanged /w <nil>]"
		if keeper {
			want = "[EventNodeDataChanged /w <nil> EventLost /w <nil>]"
		}
		if got := fmt.Sprint(events()); got != want || c.Features()[zk.FeatureRecursivePaths] == zk.Lacking {
			t.Errorf("events %s, %v", got, c.Features()[zk.FeatureRecursivePaths])
		}
		change("/w/a")
		want = "[EventNodeDataChanged /w/a <nil>]"
		if keeper {
			want = "[EventNodeDataChanged /w <nil> EventLost /w <nil> EventNotWatching /w " +
				zk.ErrUnimplemented.Error() + "]"
		}
		if got := fmt.Sprint(events()); got != want ||
			(c.Features()[zk.FeatureRecursivePaths] == zk.Lacking) != keeper {
			t.Errorf("events %s, %v", got, c.Features()[zk.FeatureRecursivePaths])
		}
		_, err = c.AddWatch("/w", zk.AddWatchPersistentRecursive)
		if keeper != (len(lost) == 2) || keeper != errors.Is(err, zk.ErrUnimplemented) {
			t.Errorf("lost %q, another watch: %v", lost, err)
		}
	})
}

// Only what a session owns has an owner, on servers too that mark containers in its place.
func TestOwnersOnEveryServer(t *testing.T) {
	onEveryServer(t, func(t *testing.T, name string, server *zktest.Server) {
		c, _ := connect(t, server)
		if _, err := c.Create("/e", nil, zk.FlagEphemeral, acl); err != nil {
			t.Fatal(err)
		}
		if _, stat, err := c.Exists("/e"); err != nil || stat.EphemeralOwner != c.SessionID() {
			t.Errorf("ephemeral: %+v, %v", stat, err)
		}
		if _, err := c.CreateContainer("/c", nil, zk.FlagContainer, acl); errors.Is(err, zk.ErrUnimplemented) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		if found, stat, err := c.Exists("/c"); !found || err != nil || stat.EphemeralOwner != 0 {
			t.Errorf("container: %+v, %v", stat, err)
		}
	})
}

// A deletion is told once, whatever watches stand on the znode, and so is the next.
func TestDeletionOnEveryServer(t *testing.T) {
	onEveryServer(t, func(t *testing.T, name string, server *zktest.Server) {
		c, _ := connect(t, server)
		other, _ := connect(t, server)
		var told []string
		cancel := c.OnEvent(func(e zk.Event) {
			if e.Type == zk.EventNodeDeleted {
				told = append(told, e.Path)
			}
		})
		defer cancel()
		for range 2 {
			for _, path := range []string{"/a", "/b"} {
				create(t, other, path)
				_, _, data, err := c.GetW(path)
				wantErr(t, err, nil)
				_, _, children, err := c.ChildrenW(path)
				wantErr(t, err, nil)
				wantErr(t, other.Delete(path, -1), nil)
				receive(t, data)
				receive(t, children)
			}
		}
		if got := fmt.Sprint(told); got != "[/a /b /a /b]" {
			t.Errorf("told of %s", got)
		}
	})
}

// A server that resumes sessions and does not know setWatches, whether it closes the connection or
// says nothing, ends watches at a reconnect, not the session, and is not asked for ever.
func TestServerWithoutSetWatches(t *testing.T) {
	for name, fault := range map[string]zktest.Fault{
		"closes": {Close: true}, "is silent": {Ignore: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := zktest.NewServer(zktest.WithServer("raftkeeper"))
				defer server.Close()
				server.OnRequest(func(r zktest.Request) zktest.Fault {
					if r.Op != "setWatches" {
						return zktest.Fault{}
					}
					return fault
				})
				c, events := connect(t, server)
				await(t, events, zk.StateHasSession)
				id := c.SessionID()
				create(t, c, "/a")
				_, _, data, err := c.GetW("/a")
				wantErr(t, err, nil)
				server.Disconnect()
				await(t, events, zk.StateDisconnected)
				pass(10 * time.Second)
				_, _, err = c.Get("/a")
				wantErr(t, err, nil)
				e := receive(t, data)
				if e.Type != zk.EventNotWatching || !errors.Is(e.Err, zk.ErrUnimplemented) {
					t.Errorf("the watch got %v, %v", e, e.Err)
				}
				check := steady(t, c, server)
				check()
				if c.SessionID() != id {
					t.Errorf("session 0x%x became 0x%x", id, c.SessionID())
				}
			})
		})
	}
}
