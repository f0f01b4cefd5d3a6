package conformance

import (
	"errors"
	"net"
	"sync"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// A link is a way to the server that can be cut.
type link struct {
	dial  zk.Dialer
	mu    sync.Mutex // guards the following
	conns []net.Conn // all there ever were: a client may have several
	down  bool
}

func (l *link) dialer(network, address string, timeout time.Duration) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return nil, errors.New("the link is down")
	}
	conn, err := l.dial(network, address, timeout)
	if err == nil {
		l.conns = append(l.conns, conn)
	}
	return conn, err
}

// cut ends the connections and lets no other succeed until mend is called.
func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = true
	for _, conn := range l.conns {
		conn.Close()
	}
}

func (l *link) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = false
}

// remote opens a connection over a link, and waits for its session, which lives on without it for the timeout.
func (e *env) remote(timeout time.Duration, options ...zk.Option) (*zk.Conn, *link, *states) {
	e.Helper()
	l := &link{dial: e.target.Dialer}
	c, s := e.dialAt(e.root, l.dialer, timeout, options...)
	s.await(zk.StateHasSession)
	return c, l, s
}

// states are the changes of a connection's state.
type states struct {
	e      *env
	events <-chan zk.Event
}

// await waits for a state, whatever comes before it.
func (s *states) await(want zk.State) {
	s.e.Helper()
	timeout := time.After(patience)
	for {
		select {
		case ev, ok := <-s.events:
			if !ok {
				s.e.Fatalf("the connection was closed while %v was awaited", want)
			}
			if ev.Type == zk.EventSession && ev.State == want {
				return
			}
		case <-timeout:
			s.e.Fatalf("no %v", want)
		}
	}
}
