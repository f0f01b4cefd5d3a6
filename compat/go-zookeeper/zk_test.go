package zk

import (
	"sync"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

const timeout = 10 * time.Second

// logger counts what is logged.
type logger struct {
	mu sync.Mutex
	n  int
}

func (l *logger) Printf(string, ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n++
}

func (l *logger) lines() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n
}

// connect opens a session that ends with the test.
func connect(t *testing.T, server *zktest.Server, options ...Option) (*Conn, <-chan Event) {
	t.Helper()
	c, events, err := Connect([]string{server.Addr()}, timeout, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	await(t, events, StateHasSession)
	return c, events
}

func await(t *testing.T, events <-chan Event, state State) {
	t.Helper()
	limit := time.After(time.Minute)
	for {
		select {
		case e := <-events:
			if e.State == state {
				return
			}
		case <-limit:
			t.Fatalf("no %v", state)
		}
	}
}

// A DefaultLogger that the program has put in its place is used, unless an option names another.
func TestDefaultLogger(t *testing.T) {
	server := zktest.NewServer()
	t.Cleanup(server.Close)
	standard := DefaultLogger
	t.Cleanup(func() { DefaultLogger = standard })
	var own, option logger
	DefaultLogger = &own
	_, events := connect(t, server)
	_, other := connect(t, server, WithLogger(&option))
	before := own.lines()
	server.Disconnect()
	await(t, events, StateHasSession)
	await(t, other, StateHasSession)
	if own.lines() == before || option.lines() == 0 {
		t.Errorf("%d lines, then %d, and %d of the option", before, own.lines(), option.lines())
	}
}

// A value of this package is one of package zk.
func TestValuesAreTheSame(t *testing.T) {
	server := zktest.NewServer()
	t.Cleanup(server.Close)
	c, _ := connect(t, server)
	var same *zk.Conn = c
	if _, _, err := same.Get("/none"); err != ErrNoNode || err != zk.ErrNoNode {
		t.Errorf("error %v", err)
	}
}

func TestFLWSrvr(t *testing.T) {
	server := zktest.NewServer()
	t.Cleanup(server.Close)
	theirs, ok := FLWSrvr([]string{server.Addr()}, timeout)
	if !ok || len(theirs) != 1 || theirs[0].Error != nil {
		t.Fatalf("%v, %+v", ok, theirs)
	}
	var average float64 = theirs[0].AvgLatency
	s := theirs[0]
	if s.Server != server.Addr() || s.Mode != ModeStandalone || s.Version == "" || s.BuildTime.IsZero() || s.NodeCount < 3 || average < 0 {
		t.Errorf("%+v", s)
	}
	if list, ok := FLWSrvr([]string{"127.0.0.1:1"}, timeout); ok || len(list) != 1 || list[0].Error == nil {
		t.Errorf("nobody there: %v, %+v", ok, list)
	}
}

// A request may have what go-zookeeper lets it have: the server decides whether it takes more than
// a megabyte.
func TestRequestsOfOneAndAHalfMegabytes(t *testing.T) {
	server := zktest.NewServer()
	t.Cleanup(server.Close)
	c, _ := connect(t, server)
	acl := WorldACL(PermAll)
	if _, err := c.Create("/a", make([]byte, 1400<<10), 0, acl); err != ErrConnectionClosed { // this one does not
		t.Errorf("1400 KiB: %v", err)
	}
	if _, err := c.Create("/a", make([]byte, 1600<<10), 0, acl); err != ErrTooLarge {
		t.Errorf("1600 KiB: %v", err)
	}
	small, _ := connect(t, server, WithMaxConnBufferSize(1<<10))
	if _, err := small.Create("/a", make([]byte, 2<<10), 0, acl); err != ErrTooLarge {
		t.Errorf("2 KiB where 1 KiB is allowed: %v", err)
	}
}
