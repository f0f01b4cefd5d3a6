package zk_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// resuming are the servers on which a session survives its connection.
func resuming(name string) bool { return !strings.HasPrefix(name, "clickhouse") }

// A session that the server does not resume has expired: that is told, watches end, locks
// are lost, and a new one follows, all within a second. One that is resumed goes on.
func TestReconnectOnEveryServer(t *testing.T) {
	onEveryServer(t, func(t *testing.T, name string, server *zktest.Server) {
		c, events := connect(t, server)
		await(t, events, zk.StateHasSession)
		create(t, c, "/a")
		lock := zk.NewLock(c, "/lock", acl)
		wantErr(t, lock.Lock(), nil)
		_, _, changed, err := c.GetW("/a")
		wantErr(t, err, nil)
		_, _, children, err := c.ChildrenW("/")
		wantErr(t, err, nil)
		id := c.SessionID()
		server.Disconnect()
		start := time.Now()
		want := zk.Lacking
		if resuming(name) {
			want = zk.Supported
			await(t, events, zk.StateHasSession)
			if _, err := c.Set("/a", nil, -1); err != nil {
				t.Error(err)
			}
			if e := receive(t, changed); e.Type != zk.EventNodeDataChanged {
				t.Errorf("data watch got %v", e)
			}
			create(t, c, "/b")
			if e := receive(t, children); e.Type != zk.EventNodeChildrenChanged {
				t.Errorf("child watch got %v", e)
			}
		} else {
			e := await(t, events, zk.StateExpired)
			wantErr(t, e.Err, zk.ErrSessionExpired)
			for _, ended := range []<-chan zk.Event{changed, children} {
				if e := receive(t, ended); e.Type != zk.EventNotWatching || !errors.Is(e.Err, zk.ErrSessionExpired) {
					t.Errorf("watch got %v", e)
				}
			}
			if _, ok := <-lock.Lost(); ok {
				t.Error("Lost has a value")
			}
			await(t, events, zk.StateHasSession)
			create(t, c, "/b")
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("it took %v", took)
		}
		select {
		case <-lock.Lost():
			if resuming(name) {
				t.Error("the lock is lost")
			}
		default:
		}
		if same := c.SessionID() == id; same != resuming(name) || c.Features()[zk.FeatureResume] != want {
			t.Errorf("session 0x%x became 0x%x, %v", id, c.SessionID(), c.Features())
		}
	})
}

// Close ends the session, and does not wait for a reply that a server does not send.
func TestCloseOnEveryServer(t *testing.T) {
	onEveryServer(t, func(t *testing.T, name string, server *zktest.Server) {
		c, _ := connect(t, server)
		if _, err := c.Create("/e", nil, zk.FlagEphemeral, acl); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		c.Close()
		if took := time.Since(start); took > 0 || len(server.Sessions()) != 0 {
			t.Errorf("took %v, sessions %x are left", took, server.Sessions())
		}
	})
}

// A client that reads all the time keeps its session on a server for which reads are no sign of
// life.
func TestBusyReaderOnEveryServer(t *testing.T) {
	onEveryServer(t, func(t *testing.T, name string, server *zktest.Server) {
		c, _ := connect(t, server)
		check := steady(t, c, server)
		for range 100 {
			if _, _, err := c.Get("/"); err != nil {
				t.Fatal(err)
			}
			pass(time.Second)
		}
		check()
	})
}
