// Package bubble runs tests of what is built on the client: a server and its clients in a bubble of
// testing/synctest, and the same test once for each request that can fail.
package bubble

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// SessionTimeout is that of the clients, in the time of the bubble.
const SessionTimeout = 10 * time.Second

// Hang is a time in the bubble after which a test gives up.
const Hang = time.Hour

// ACL is that of the znodes.
var ACL = zk.WorldACL(zk.PermAll)

// A World is a server and its clients, in a bubble.
type World struct {
	*testing.T
	Server *zktest.Server

	// Expired reports whether the fault of this run, see [EachFault], ended a session.
	Expired bool
}

// Run runs f in a bubble. A goroutine that outlives f fails the test.
func Run(t *testing.T, f func(w *World), options ...zktest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		// Goroutines in the background see that their client is closed.
		t.Cleanup(func() { time.Sleep(time.Minute) })
		server := zktest.NewServer(options...)
		defer server.Close()
		f(&World{T: t, Server: server})
	})
}

type silence struct{}

func (silence) Printf(string, ...any) {}

// Connect opens a session that ends with the test.
func (w *World) Connect() *zk.Conn {
	w.Helper()
	c, _, err := zk.Connect([]string{"zk"}, SessionTimeout,
		zk.WithDialer(w.Server.Dialer()), zk.WithLogger(silence{}))
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(c.Close)
	return c
}

// Create makes znodes, whose parents must exist, with the data "data".
func (w *World) Create(c *zk.Conn, paths ...string) {
	w.Helper()
	for _, path := range paths {
		if _, err := c.Create(path, []byte("data"), zk.FlagPersistent, ACL); err != nil {
			w.Fatalf("create %s: %v", path, err)
		}
	}
}

// OK fails the test if there is an error.
func (w *World) OK(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// Receive returns what comes from the channel, and fails the test if nothing comes.
func Receive[T any](w *World, c <-chan T) T {
	w.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(Hang):
		w.Fatal("nothing comes")
		panic("unreachable")
	}
}

// faults are what can go wrong with a request.
var faults = []struct {
	name   string
	fault  zktest.Fault
	expire bool
}{
	{"cut before it", zktest.Fault{Close: true}, false},
	{"reply lost", zktest.Fault{Lose: true}, false},
	{"reply cut", zktest.Fault{Cut: 7}, false},
	{"session expired", zktest.Fault{Close: true}, true},
}

// EachFault runs f without a fault, and then once for each request that it makes from the call of
// arm on and for each kind of fault: that request, of any client, has that fault.
func EachFault(t *testing.T, f func(w *World, arm func()), options ...zktest.Option) {
	t.Helper()
	requests := 0
	count := func(zktest.Request) zktest.Fault { requests++; return zktest.Fault{} }
	calm := t.Run("no fault", func(t *testing.T) {
		Run(t, func(w *World) { f(w, func() { w.Server.OnRequest(only(count)) }) }, options...)
	})
	if !calm {
		return
	}
	if requests == 0 {
		t.Fatal("no request was made: the faults prove nothing")
	}
	for _, kind := range faults {
		for at := range requests {
			t.Run(fmt.Sprintf("%s at request %d", kind.name, at), func(t *testing.T) {
				seen := 0
				Run(t, func(w *World) {
					f(w, func() {
						w.Server.OnRequest(only(func(r zktest.Request) zktest.Fault {
							if seen++; seen != at+1 {
								return zktest.Fault{}
							}
							if kind.expire {
								w.Expired = w.Server.ExpireSession(r.SessionID)
							}
							return kind.fault
						}))
					})
				}, options...)
			})
		}
	}
}

// only lets hook see what programs ask for, one request at a time.
func only(hook func(zktest.Request) zktest.Fault) func(zktest.Request) zktest.Fault {
	turn := make(chan struct{}, 1)
	return func(r zktest.Request) zktest.Fault {
		switch r.Op {
		case "connect", "ping", "auth", "setWatches", "setWatches2", "closeSession":
			return zktest.Fault{}
		}
		turn <- struct{}{}
		defer func() { <-turn }()
		return hook(r)
	}
}
