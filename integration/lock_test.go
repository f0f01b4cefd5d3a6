package integration

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// A counter that only the holder changes, without looking, tells whether two held the lock at a time.
func TestLockExcludes(t *testing.T) {
	const clients, rounds = 4, 25
	root := newRoot(t)
	look := connect(t, []string{addr(shared.Servers[0])}, zk.WithChroot(root))
	if _, err := look.Create("/counter", []byte("0"), 0, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range clients {
		c := connect(t, []string{addr(shared.Servers[0])}, zk.WithChroot(root))
		all.Go(func() {
			l := zk.NewLock(c, "/lock", zk.WorldACL(zk.PermAll))
			last := int64(0)
			for range rounds {
				if err := l.Lock(); err != nil {
					t.Error(err)
					return
				}
				if l.Zxid() <= last {
					t.Errorf("fencing number %d after %d", l.Zxid(), last)
				}
				last = l.Zxid()
				increment(t, c, "/counter")
				if err := l.Unlock(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if data, _, err := look.Get("/counter"); err != nil || string(data) != fmt.Sprint(clients*rounds) {
		t.Errorf("counter %s, %v", data, err)
	}
	if names, _, err := look.Children("/lock"); err != nil || len(names) != 0 {
		t.Errorf("left in the lock: %q, %v", names, err)
	}
}

func increment(t *testing.T, c *zk.Conn, path string) {
	t.Helper()
	data, _, err := c.Get(path)
	if err != nil {
		t.Error(err)
		return
	}
	var n int
	fmt.Sscan(string(data), &n)
	if _, err := c.Set(path, []byte(fmt.Sprint(n+1)), -1); err != nil {
		t.Error(err)
	}
}

func TestTryLockAndReadLocks(t *testing.T) {
	c := sharedConn(t)
	const path = "/lock"
	acl := zk.WorldACL(zk.PermAll)
	writer, other := zk.NewLock(c, path, acl), zk.NewLock(c, path, acl)
	r1, r2 := zk.NewReadLock(c, path, acl), zk.NewReadLock(c, path, acl)
	want := func(got, want error) {
		t.Helper()
		if !errors.Is(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	want(writer.TryLock(), nil)
	want(writer.TryLock(), zk.ErrDeadlock)
	want(other.TryLock(), zk.ErrLockHeld)
	want(r1.TryLock(), zk.ErrLockHeld)
	want(writer.Unlock(), nil)
	want(writer.Unlock(), zk.ErrNotLocked)
	want(r1.TryLock(), nil)
	want(r2.TryLock(), nil)
	want(other.TryLock(), zk.ErrLockHeld)
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	want(other.LockContext(ctx), context.DeadlineExceeded)
	want(r1.Unlock(), nil)
	want(r2.Unlock(), nil)
	if names, _, err := c.Children(path); err != nil || len(names) != 0 {
		t.Errorf("left in the lock: %q, %v", names, err)
	}
}

func TestLockIsLost(t *testing.T) {
	c := sharedConn(t)
	const path = "/lock"
	l := zk.NewLock(c, path, zk.WorldACL(zk.PermAll))
	if err := l.Lock(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-l.Lost():
		t.Fatal("lost although nothing happened")
	default:
	}
	if _, err := c.Set(l.Path(), []byte("data of the holder"), -1); err != nil {
		t.Fatal(err)
	}
	if err := c.Delete(l.Path(), -1); err != nil {
		t.Fatal(err)
	}
	select {
	case <-l.Lost():
	case <-time.After(hang):
		t.Fatal("the holder is not told that its znode was deleted")
	}
	if err := l.Unlock(); !errors.Is(err, zk.ErrLockLost) {
		t.Errorf("unlock: %v", err)
	}
	if err := l.Lock(); err != nil {
		t.Errorf("lock again: %v", err)
	}
	if err := l.Unlock(); err != nil {
		t.Error(err)
	}
}
