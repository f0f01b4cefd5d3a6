package zk_test

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// Most tests of the client run in a bubble: its time is their own, and a goroutine that outlives the test fails it.

const timeout = 10 * time.Second

var (
	acl   = zk.WorldACL(zk.PermAll)
	quiet = zk.WithLogger(silence{})
)

type silence struct{}

func (silence) Printf(string, ...any) {}

// bubble runs f in a bubble with a server.
func bubble(t *testing.T, f func(t *testing.T, server *zktest.Server)) {
	synctest.Test(t, func(t *testing.T) {
		server := zktest.NewServer()
		defer server.Close()
		f(t, server)
	})
}

// connect opens a session that ends with the test.
func connect(t *testing.T, server *zktest.Server, options ...zk.Option) (*zk.Conn, <-chan zk.Event) {
	t.Helper()
	return connectTo(t, server.Dialer(), options...)
}

func connectTo(t *testing.T, dialer zk.Dialer, options ...zk.Option) (*zk.Conn, <-chan zk.Event) {
	t.Helper()
	options = append([]zk.Option{quiet, zk.WithDialer(dialer)}, options...)
	c, events, err := zk.Connect([]string{"zk"}, timeout, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, events
}

// refuse is a dialer of a server that is not there.
func refuse(string, string, time.Duration) (net.Conn, error) {
	return nil, errors.New("connection refused")
}

// await returns the next event of the state, and fails if none comes.
func await(t *testing.T, events <-chan zk.Event, state zk.State) zk.Event {
	t.Helper()
	limit := time.After(time.Hour)
	for {
		select {
		case e, ok := <-events:
			if !ok {
				t.Fatalf("the events end before %v", state)
			}
			if e.Type == zk.EventSession && e.State == state {
				return e
			}
		case <-limit:
			t.Fatalf("no %v in an hour", state)
		}
	}
}

// receive returns the next value of the channel, and fails if none comes.
func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v, ok := <-c:
		if !ok {
			t.Fatal("channel is closed")
		}
		return v
	case <-time.After(time.Hour):
		t.Fatal("nothing in an hour")
		panic("unreachable")
	}
}

func create(t *testing.T, c *zk.Conn, path string) {
	t.Helper()
	if _, err := c.Create(path, nil, 0, acl); err != nil {
		t.Fatalf("create %s: %v", path, err)
	}
}

func wantErr(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("error %v, want %v", got, want)
	}
}

// pass lets time of the bubble go by.
func pass(d time.Duration) { time.Sleep(d) }
