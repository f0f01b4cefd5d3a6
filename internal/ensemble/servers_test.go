package ensemble

import (
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// servers are a server in this process, what is known of it, and another client.
type servers struct {
	*testing.T
	server *zktest.Server
	e      *Ensemble
	other  *zk.Conn
}

// newServers starts one. Everything ends with the test. The session of e is given up after timeout
// without an answer.
func newServers(t *testing.T, timeout time.Duration, o Options, server ...zktest.Option) *servers {
	t.Helper()
	s := &servers{T: t, server: zktest.NewServer(server...)}
	t.Cleanup(s.server.Close)
	s.other = s.connect(40 * time.Second)
	o.Timeout, o.MaxAge, o.CacheSize = 10*time.Second, time.Minute, 1<<20
	s.e = New(s.connect(timeout), o)
	if err := s.e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.e.Close)
	return s
}

func (s *servers) connect(timeout time.Duration) *zk.Conn {
	s.Helper()
	quiet := zk.WithSlog(slog.New(slog.DiscardHandler))
	conn, events, err := zk.Connect([]string{s.server.Addr()}, timeout, quiet)
	if err != nil {
		s.Fatal(err)
	}
	go func() { // ends with Close
		for range events {
		}
	}()
	s.Cleanup(conn.Close)
	return conn
}

// create makes a znode by the other client.
func (s *servers) create(path, data string) {
	s.Helper()
	var b []byte
	if data != "" {
		b = []byte(data)
	}
	if _, err := s.other.Create(path, b, 0, open); err != nil {
		s.Fatal(err)
	}
}

var open = zk.WorldACL(zk.PermAll)

// changes are the requests that change something.
var changes = []string{"create", "create2", "createContainer", "delete", "setData", "setACL", "multi"}

// background are the requests of a session that no call makes.
var background = []string{
	"connect", "ping", "addWatch", "setWatches", "setWatches2", "removeWatches", "closeSession",
}

// during makes a call while a fault happens to one request of e, the one of that number from 1 on,
// counted among those that change something or, with any, among all. It returns which were seen.
func (s *servers) during(fault zktest.Fault, number int, any bool, call func()) (seen []string) {
	var mu sync.Mutex // guards seen
	session := s.e.SessionID()
	s.server.OnRequest(func(r zktest.Request) zktest.Fault {
		counts := any && !slices.Contains(background, r.Op) || slices.Contains(changes, r.Op)
		if r.SessionID != session || !counts {
			return zktest.Fault{}
		}
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.Op)
		if len(seen) == number {
			return fault
		}
		return zktest.Fault{}
	})
	call()
	s.server.OnRequest(nil)
	mu.Lock()
	defer mu.Unlock()
	return slices.Clone(seen)
}
