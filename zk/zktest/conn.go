package zktest

import (
	"bufio"
	"errors"
	"net"
	"time"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// maxFrame is a ZooKeeper's packet limit, the default of jute.maxbuffer. A longer request ends the
// connection.
const maxFrame = 0xfffff

// handshakeTimeout is how long a connection may stay without a session (zookeeper.sessionlessCnxnTimeout).
const handshakeTimeout = 10 * time.Second

var errRefused = errors.New("zktest: connection refused")

// A conn is one connection of a client. Its requests are handled one after the other, in a goroutine of its own.
type conn struct {
	s    *Server
	nc   net.Conn
	peer string // the client's host, which is its identity of scheme ip
	out  outbox

	// owned by the reading goroutine
	in  *bufio.Reader
	buf []byte

	// guarded by s.mu
	session *session // nil before the handshake
	ids     []identity
	stats   connStats
}

// serve takes a connection on. It reports whether it did.
func (s *Server) serve(nc net.Conn) bool {
	c := &conn{s: s, nc: nc, peer: host(nc), in: bufio.NewReaderSize(nc, 8<<10)}
	c.out.more.L = &c.out.mu
	if s.dialect.acl.address != nil {
		c.ids = []identity{{"ip", c.peer}}
	}
	c.stats.est = time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.refuse {
		nc.Close()
		return false
	}
	s.conns[c] = struct{}{}
	s.wg.Go(c.write) // ends when the outbox is finished or killed
	s.wg.Go(c.read)  // ends when nc is closed: by the client, by a fault, by Close
	return true
}

// host returns the address of the peer without its port. A pipe has none: its peer is this machine.
func host(nc net.Conn) string {
	if h, _, err := net.SplitHostPort(nc.RemoteAddr().String()); err == nil {
		return h
	}
	return "127.0.0.1"
}

// write sends what is queued until there is an end to it.
func (c *conn) write() {
	c.out.run(c.nc)
	c.s.mu.Lock()
	delete(c.s.conns, c)
	c.s.mu.Unlock()
}

// read handles what the client sends until there is an end to it. The session lives on.
func (c *conn) read() {
	if c.converse() {
		c.out.finish()
	} else {
		c.cut()
	}
	c.s.detach(c)
}

// detach ends what the server holds for a connection.
func (s *Server) detach(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watches.drop(c)
	if c.session != nil && c.session.conn == c {
		c.session.conn = nil
	}
}

// converse reads and handles requests. It returns true when the server has ended the conversation,
// and what is queued should reach the client, false when the connection is no more.
func (c *conn) converse() bool {
	c.nc.SetReadDeadline(time.Now().Add(handshakeTimeout))
	head, err := c.in.Peek(4)
	if err != nil {
		return false
	}
	if word := c.s.dialect.words[string(head)]; word != nil {
		c.s.answer(c, word)
		return true
	}
	frame, err := c.frame()
	if err != nil {
		return false
	}
	if !c.s.connect(c, frame) {
		return true
	}
	c.nc.SetReadDeadline(time.Time{})
	for {
		if frame, err = c.frame(); err != nil {
			return false
		}
		if !c.s.handle(c, frame) {
			return true
		}
	}
}

// frame reads the next frame. It is good until the next call.
func (c *conn) frame() (frame []byte, err error) {
	frame, err = wire.ReadFrame(c.in, c.buf, c.s.dialect.maxFrame)
	if cap(frame) <= 64<<10 {
		c.buf = frame // a large one is used once
	}
	return frame, err
}

// appendReply appends a reply. It has a record only with code OK.
func appendReply(b []byte, h wire.ReplyHeader, record wire.Record) []byte {
	if record == nil || h.Err != wire.CodeOK {
		return wire.AppendFrame(b, &h)
	}
	return wire.AppendFrame(b, &h, record)
}

// notify sends an event of a watch. zxid is -1 where the server does not say.
func (c *conn) notify(typ wire.EventType, path string, zxid int64) {
	c.s.sent(c)
	c.out.send(func(b []byte) []byte {
		h := wire.ReplyHeader{Xid: wire.XidNotification, Zxid: zxid}
		return appendReply(b, h, &wire.WatcherEvent{Type: typ, State: syncConnected, Path: path})
	})
}

// syncConnected is the state in every event (KeeperState.SyncConnected).
const syncConnected = 3

// cut closes the connection at once.
func (c *conn) cut() {
	c.out.kill()
	c.nc.Close()
}
