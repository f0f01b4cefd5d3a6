// Package zktest is a ZooKeeper server inside the test process: what net/http/httptest is for HTTP.
//
//	server := zktest.NewServer()
//	defer server.Close()
//	conn, events, err := zk.Connect([]string{server.Addr()}, 10*time.Second)
//
// It speaks the real protocol, byte for byte, over loopback TCP ([Server.Addr]) or over an
// in-memory connection ([Server.Dialer]), which also works inside a testing/synctest bubble:
// sessions then expire in the bubble's time. Any client of ZooKeeper can talk to it. It is one
// standalone server whose znodes live in memory: versions and zxids, sessions and ephemerals,
// sequences, containers and TTLs, all kinds of watches, ACLs, multi, and the four-letter words that
// a monitor asks for. It behaves like ZooKeeper 3.8.0, another version ([WithVersion]), or another
// server of the protocol ([WithServer]): the same tests judge it and the real servers.
//
// What goes wrong in production can be had on demand: [Server.ExpireSession], [Server.Disconnect],
// [Server.Refuse], and, request by request, [Server.OnRequest].
//
// What it lacks: ensembles and reconfig, SASL, TLS, enforced quotas, throttling.
package zktest

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// A Server is a ZooKeeper in memory. Its methods may be called from any goroutine.
type Server struct {
	options // immutable after NewServer

	mu       sync.Mutex // guards everything below and the state of sessions and connections; never held during I/O
	tree     tree
	watches  watches
	sessions map[int64]*session
	conns    map[*conn]struct{}
	listener net.Listener // nil until Addr is called
	closed   bool
	refuse   bool
	readOnly bool
	onReq    func(Request) Fault
	lastSid  int64
	started  time.Time
	stats    stats

	done chan struct{}  // closed by Close
	wg   sync.WaitGroup // every goroutine of the server
}

type options struct {
	minTimeout, maxTimeout time.Duration
	containerCheck         time.Duration
	superDigest            string
	tellAll                bool
	dialect                dialect
}

// An Option changes a server that NewServer makes.
type Option func(*options)

// WithSessionTimeouts sets the bounds between which the server settles a client's wish for a session timeout.
// They are 100 ms and 60 s by default; a ZooKeeper with the default tickTime has 4 s and 40 s.
func WithSessionTimeouts(least, most time.Duration) Option {
	return func(o *options) { o.minTimeout, o.maxTimeout = least, most }
}

// WithContainerCheck sets how often the server looks for empty containers and for outlived TTL nodes.
// The default is 1 s; a ZooKeeper does it once a minute (znode.container.checkIntervalMs).
func WithContainerCheck(interval time.Duration) Option {
	return func(o *options) { o.containerCheck = interval }
}

// WithSuper makes user:password, as AddAuth("digest", ...) sends it, the superuser, to whom no ACL applies
// (zookeeper.DigestAuthenticationProvider.superDigest).
func WithSuper(userPassword string) Option {
	return func(o *options) { o.superDigest = digest(userPassword) }
}

// WithEventsForAll sends events about a znode even to sessions that may not read it, as ZooKeeper does before 3.8.4 and 3.9.2.
func WithEventsForAll() Option {
	return func(o *options) { o.tellAll = true }
}

// NewServer starts a server with the znodes of a fresh one: a ZooKeeper's are /zookeeper,
// /zookeeper/config and /zookeeper/quota. The caller ends it with Close.
func NewServer(opts ...Option) *Server {
	s := &Server{
		options: options{
			minTimeout:     100 * time.Millisecond,
			maxTimeout:     time.Minute,
			containerCheck: time.Second,
			dialect:        dialects["3.8"],
		},
		sessions: map[int64]*session{},
		conns:    map[*conn]struct{}{},
		started:  time.Now(),
		done:     make(chan struct{}),
	}
	for _, opt := range opts {
		opt(&s.options)
	}
	s.tree = newTree(&s.dialect)
	s.watches = newWatches(&s.dialect)
	if !s.dialect.plainIDs {
		// As SessionTrackerImpl makes it: the server's number and the time.
		s.lastSid = 1<<56 | int64(uint64(time.Now().UnixMilli())<<24>>8)
	}
	s.wg.Go(s.reap) // ends when Close closes done
	return s
}

// Addr returns the host:port at which the server can be reached, for TCP clients on this machine and for four-letter words.
// The first call opens the port, a free one of 127.0.0.1. Inside a synctest bubble use Dialer instead: a goroutine that
// waits for the network keeps the bubble's time from advancing.
// It panics if there is no port to be had, and after Close if it was never called before.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		if s.closed {
			panic("zktest: Addr of a closed server")
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(fmt.Sprintf("zktest: no port to listen on: %v", err))
		}
		s.listener = l
		s.wg.Go(func() { s.accept(l) }) // ends when Close closes l
	}
	return s.listener.Addr().String()
}

func (s *Server) accept(l net.Listener) {
	for {
		nc, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // for want of descriptors, say
			select {
			case <-time.After(50 * time.Millisecond):
			case <-s.done:
			}
		default:
			s.serve(nc)
		}
	}
}

// Dialer returns a dialer whose connections lead to the server through memory, whatever the address. It suits the dialer
// options of ZooKeeper clients. Dialing fails while the server refuses connections, and after Close.
func (s *Server) Dialer() func(network, address string, timeout time.Duration) (net.Conn, error) {
	return func(network, address string, timeout time.Duration) (net.Conn, error) {
		client, server := net.Pipe()
		if !s.serve(server) {
			return nil, &net.OpError{Op: "dial", Net: network, Err: errRefused}
		}
		return client, nil
	}
}

// Close ends the server, its connections and its goroutines, which are gone when it returns.
// Sessions end without their clients being told. Close may be called more than once.
func (s *Server) Close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.done)
		if s.listener != nil {
			s.listener.Close()
		}
		for c := range s.conns {
			c.cut()
		}
		for _, ss := range s.sessions {
			ss.timer.Stop()
		}
	}
	s.mu.Unlock()
	s.wg.Wait()
}
