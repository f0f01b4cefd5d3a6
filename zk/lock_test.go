package zk_test

import (
	"context"
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

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func children(t *testing.T, c *zk.Conn, path string) []string {
	t.Helper()
	for {
		names, _, err := c.Children(path)
		switch {
		case err == nil:
			return names
		case !errors.Is(err, zk.ErrConnectionClosed) && !errors.Is(err, zk.ErrNoServer):
			t.Fatal(err)
		}
	}
}

func TestLockIsFirstComeFirstServed(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		holder := zk.NewLock(c, "/dir/lock", acl)
		wantErr(t, holder.Lock(), nil)
		const n = 50
		var order []int
		var waiters sync.WaitGroup
		for i := range n {
			waiters.Go(func() {
				l := zk.NewLock(c, "/dir/lock", acl)
				if err := l.Lock(); err != nil {
					t.Error(err)
				}
				order = append(order, i) // guarded by the lock
				if err := l.Unlock(); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		requests := 0
		server.OnRequest(func(r zktest.Request) zktest.Fault {
			if r.Op != "ping" {
				requests++ // of one connection, so that no other goroutine is here
			}
			return zktest.Fault{}
		})
		wantErr(t, holder.Unlock(), nil)
		waiters.Wait()
		for i, got := range order {
			if got != i {
				t.Fatalf("order %v", order)
			}
		}
		// One waiter is woken by each release: it lists the children, watches its own znode, and deletes it in the end.
		if requests > 3*n+1 {
			t.Errorf("%d requests for %d waiters", requests, n)
		}
		if left := children(t, c, "/dir/lock"); len(left) != 0 {
			t.Errorf("left: %q", left)
		}
	})
}

func TestLockIgnoresStrayChildren(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		for _, path := range []string{"/lock", "/lock/_c_x", "/lock/notes", "/lock/lock-", "/lock/lock-12"} {
			create(t, c, path)
		}
		l := zk.NewLock(c, "/lock", acl)
		wantErr(t, l.TryLock(), nil)
		wantErr(t, l.Unlock(), nil)
	})
}

func TestInterruptedWaiterLeavesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server)
		await(t, events, zk.StateHasSession)
		holder, waiter := zk.NewLock(c, "/lock", acl), zk.NewLock(c, "/lock", acl)
		wantErr(t, holder.Lock(), nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		wantErr(t, waiter.LockContext(ctx), context.DeadlineExceeded)
		cancel()
		if left := children(t, c, "/lock"); len(left) != 1 {
			t.Errorf("left: %q", left)
		}

		// The connection breaks at that very moment: the znode is deleted on the next one.
		ctx, cancel = context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- waiter.LockContext(ctx) }()
		synctest.Wait()
		server.Disconnect()
		cancel()
		wantErr(t, <-done, context.Canceled)
		await(t, events, zk.StateHasSession)
		pass(time.Second)
		if left := children(t, c, "/lock"); len(left) != 1 {
			t.Errorf("left: %q", left)
		}

		// It is interrupted while the create is on its way.
		server.OnRequest(func(r zktest.Request) zktest.Fault {
			if r.Op == "create" {
				return zktest.Fault{Delay: 2 * time.Second}
			}
			return zktest.Fault{}
		})
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		wantErr(t, waiter.LockContext(ctx), context.DeadlineExceeded)
		cancel()
		pass(5 * time.Second)
		if left := children(t, c, "/lock"); len(left) != 1 {
			t.Errorf("left: %q", left)
		}
		wantErr(t, holder.Unlock(), nil)
		wantErr(t, waiter.Lock(), nil)
	})
}

func TestLockIsLostWithItsSession(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server)
		l := zk.NewLock(c, "/lock", acl)
		wantErr(t, l.Lock(), nil)
		server.ExpireSession(c.SessionID())
		receiveClosed(t, l.Lost())
		await(t, events, zk.StateExpired)
		wantErr(t, l.Unlock(), zk.ErrLockLost)
		wantErr(t, l.Unlock(), zk.ErrNotLocked)
		wantErr(t, l.Lock(), nil)
		if closed(l.Lost()) {
			t.Error("the lock of the other session is lost too")
		}
	})
}

// While no server can be heard, the holder gives up hope before the servers may give the lock to another.
func TestLockIsDoubtedInTime(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server)
		l := zk.NewLock(c, "/lock", acl)
		wantErr(t, l.Lock(), nil)

		server.Disconnect() // a short break is none
		await(t, events, zk.StateDisconnected)
		await(t, events, zk.StateHasSession)
		pass(timeout)
		if closed(l.Lost()) {
			t.Fatal("lost by a reconnect")
		}

		server.OnRequest(func(zktest.Request) zktest.Fault { return zktest.Fault{Stall: true} })
		start := time.Now()
		receiveClosed(t, l.Lost())
		if after := time.Since(start); after > timeout {
			t.Errorf("doubted after %v", after)
		}
		if ids := server.Sessions(); len(ids) == 0 {
			t.Error("the server has ended the session before the holder knew")
		}
	})
}

// Events that a server goes on sending say nothing about the session, if what its holder sends does not arrive.
func TestLockIsDoubtedWhileEventsCome(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		l := zk.NewLock(c, "/lock", acl)
		wantErr(t, l.Lock(), nil)
		_, err := c.AddWatch("/news", zk.AddWatchPersistent)
		wantErr(t, err, nil)
		pass(timeout)

		holder := c.SessionID()
		server.OnRequest(func(r zktest.Request) zktest.Fault {
			if r.SessionID == holder {
				return zktest.Fault{Delay: time.Hour}
			}
			return zktest.Fault{}
		})
		other, _ := connect(t, server)
		create(t, other, "/news")
		start := time.Now()
		for !closed(l.Lost()) {
			if time.Since(start) > timeout {
				t.Fatal("not doubted after the session timeout")
			}
			if _, err := other.Set("/news", nil, -1); err != nil {
				t.Fatal(err)
			}
			pass(timeout / 20)
		}
		if c.State() != zk.StateHasSession {
			t.Errorf("the connection was lost first: %v", c.State())
		}
	})
}

func receiveClosed(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(time.Hour):
		t.Fatal("not closed in an hour")
	}
}

func TestUnlockWithoutAServerIsDoneLater(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server)
		l := zk.NewLock(c, "/lock", acl)
		wantErr(t, l.Lock(), nil)
		await(t, events, zk.StateHasSession)
		server.Refuse(true)
		server.Disconnect()
		await(t, events, zk.StateDisconnected)
		wantErr(t, l.Unlock(), nil)
		server.Refuse(false)
		await(t, events, zk.StateHasSession)
		pass(time.Second)
		if left := children(t, c, "/lock"); len(left) != 0 {
			t.Errorf("left: %q", left)
		}
	})
}

func TestFencingNumbersGrow(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		last := int64(0)
		for range 5 {
			l := zk.NewLock(c, "/lock", acl)
			wantErr(t, l.Lock(), nil)
			if l.Zxid() <= last {
				t.Errorf("%d after %d", l.Zxid(), last)
			}
			last = l.Zxid()
			wantErr(t, l.Unlock(), nil)
			if l.Zxid() != 0 || l.Lost() != nil {
				t.Error("a lock that is not held has a fencing number")
			}
		}
	})
}

func TestLockInAContainerGoesAway(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		l := zk.NewLock(c, "/lock", acl)
		l.SetContainer()
		l.SetData([]byte("who"))
		wantErr(t, l.Lock(), nil)
		if data, _, err := c.Get(l.Path()); string(data) != "who" || err != nil {
			t.Errorf("contender: %q, %v", data, err)
		}
		wantErr(t, l.Unlock(), nil)
		pass(time.Minute)
		if found, _, err := c.Exists("/lock"); found || err != nil {
			t.Errorf("the lock's znode: %v, %v", found, err)
		}
	})
}

// The reply to a protected create is lost, at the top level as well: one znode is there, and its name is returned.
func TestProtectedCreateFindsItsZnode(t *testing.T) {
	for _, dir := range []string{"", "/dir"} {
		bubble(t, func(t *testing.T, server *zktest.Server) {
			c, _ := connect(t, server)
			if dir != "" {
				create(t, c, dir)
			}
			create(t, c, dir+"/_c_x") // as short as no protected name is
			losses, requests := 3, 0
			server.OnRequest(func(r zktest.Request) zktest.Fault {
				requests++
				if losses > 0 && (r.Op == "create" || r.Op == "sync") {
					losses--
					return zktest.Fault{Lose: true}
				}
				return zktest.Fault{}
			})
			path, err := c.CreateProtectedEphemeralSequential(dir+"/n-", []byte("x"), acl)
			wantErr(t, err, nil)
			if data, stat, err := c.Get(path); string(data) != "x" || err != nil || stat.EphemeralOwner != c.SessionID() {
				t.Errorf("%s: %q, %v, %v", path, data, stat, err)
			}
			made := 0
			for _, name := range children(t, c, "/"+strings.TrimPrefix(dir, "/")) {
				if strings.Contains(name, "-n-") {
					made++
				}
			}
			if made != 1 {
				t.Errorf("%d znodes", made)
			}
		})
	}
}

func TestProtectedCreateEndsWithTheSession(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server)
		await(t, events, zk.StateHasSession)
		server.OnRequest(func(r zktest.Request) zktest.Fault {
			if r.Op == "create" {
				server.ExpireSession(r.SessionID)
			}
			return zktest.Fault{}
		})
		_, err := c.CreateProtectedEphemeralSequential("/n-", nil, acl)
		wantErr(t, err, zk.ErrSessionExpired)
		server.OnRequest(nil)
		if left := children(t, c, "/"); fmt.Sprint(left) != "[zookeeper]" {
			t.Errorf("left: %q", left)
		}
	})
}
