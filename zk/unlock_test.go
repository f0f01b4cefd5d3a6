package zk_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// on lets fault go wrong with the requests of that kind, of one connection at a time.
func on(server *zktest.Server, op string, fault zktest.Fault) {
	server.OnRequest(func(r zktest.Request) zktest.Fault {
		if r.Op != op {
			return zktest.Fault{}
		}
		if fault.Lose || fault.Close { // the next connection is sound
			server.OnRequest(nil)
		}
		return fault
	})
}

// While Unlock waits for a server that does not answer, no other method waits for Unlock.
func TestNothingWaitsForUnlock(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		l := zk.NewLock(c, "/lock", acl)
		wantErr(t, l.Lock(), nil)
		lost, path := l.Lost(), l.Path()
		on(server, "delete", zktest.Fault{Stall: true})
		done := make(chan error, 1)
		go func() { done <- l.Unlock() }() // ends with the session, at the latest
		synctest.Wait()

		start := time.Now()
		if l.Lost() != lost || closed(lost) {
			t.Error("the lock is lost while it is given back")
		}
		if l.Path() != path || l.Zxid() == 0 {
			t.Errorf("while it is given back, its contender is %q at %d", l.Path(), l.Zxid())
		}
		l.SetData(nil)
		wantErr(t, l.Lock(), zk.ErrDeadlock)
		wantErr(t, l.TryLock(), zk.ErrDeadlock)
		wantErr(t, l.Unlock(), zk.ErrNotLocked)
		if waited := time.Since(start); waited != 0 {
			t.Errorf("they waited %v", waited)
		}
		server.OnRequest(nil)
		receive(t, done)
	})
}

// Unlocking ends with its context, whatever goes wrong, and the znode goes as soon as a server
// answers.
func TestUnlockContext(t *testing.T) {
	for name, test := range map[string]struct {
		fault zktest.Fault
		away  bool // no server can be reached
		want  error
		left  int // contenders when UnlockContext has returned
	}{
		"answered":               {},
		"reply lost":             {fault: zktest.Fault{Lose: true}},
		"connection closed":      {fault: zktest.Fault{Close: true}},
		"server silent":          {fault: zktest.Fault{Stall: true}, want: context.DeadlineExceeded, left: 1},
		"no server":              {away: true, want: context.DeadlineExceeded},
		"the ACL does not allow": {fault: zktest.Fault{Code: -102}, want: zk.ErrNoAuth, left: 1},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, server *zktest.Server) {
				c, events := connect(t, server)
				watcher, _ := connect(t, server)
				l := zk.NewLock(c, "/lock", acl)
				wantErr(t, l.Lock(), nil)
				await(t, events, zk.StateHasSession)
				on(server, "delete", test.fault)
				server.Refuse(test.away)
				if test.away {
					server.Disconnect()
					await(t, events, zk.StateDisconnected)
				}

				const bound = time.Second
				ctx, cancel := context.WithTimeout(t.Context(), bound)
				defer cancel()
				start := time.Now()
				wantErr(t, l.UnlockContext(ctx), test.want)
				if took := time.Since(start); took > bound {
					t.Errorf("it took %v", took)
				}
				held := test.want == zk.ErrNoAuth
				if got := l.Path() != ""; got != held {
					t.Errorf("the lock is held: %v", got)
				}

				if !test.away { // else nobody can look before the client can delete it
					if left := children(t, watcher, "/lock"); len(left) != test.left {
						t.Errorf("left: %q", left)
					}
				}
				server.Refuse(false)
				server.OnRequest(nil)
				if held {
					wantErr(t, l.Unlock(), nil)
				}
				pass(timeout) // with the session, at the latest
				if left := children(t, watcher, "/lock"); len(left) != 0 {
					t.Errorf("left in the end: %q", left)
				}
				wantErr(t, l.Lock(), nil)
			})
		})
	}
}

// A contender that disappears while its Unlock is refused was lost.
func TestLostWhileUnlockIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		other, _ := connect(t, server)
		l := zk.NewLock(c, "/lock", acl)
		wantErr(t, l.Lock(), nil)
		holder := c.SessionID()
		server.OnRequest(func(r zktest.Request) zktest.Fault {
			if r.Op == "delete" && r.SessionID == holder {
				return zktest.Fault{Code: -102, Delay: time.Second}
			}
			return zktest.Fault{}
		})
		lost := l.Lost()
		done := make(chan error, 1)
		go func() { done <- l.Unlock() }() // ends with its answer
		synctest.Wait()
		wantErr(t, other.Delete(l.Path(), -1), nil)
		wantErr(t, receive(t, done), zk.ErrNoAuth)
		receiveClosed(t, lost)
		server.OnRequest(nil)
		wantErr(t, l.Unlock(), zk.ErrLockLost)
	})
}
