package zk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"sync"
	"time"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// StartTracer listens on listenAddr, passes each connection on to the ZooKeeper server at serverAddr, and
// prints what goes over it to standard output, one line per frame:
//
//	16:04:05.123456 1 > getData xid=7 path="/a" watch
//	16:04:05.123901 1 < getData xid=7 zxid=0x1f data="hello" stat={czxid=0x1e mzxid=0x1e ctime=1700000000000 ...}
//	16:04:09.551120 1 < notification zxid=-1 type=dataChanged state=3 path="/a"
//
// with the time, the number of the connection, > for the way to the server and < for the way back, the operation, and those
// fields that are not zero. Lines with # tell of connections and of bytes that are no frames; four-letter words and their
// answers are shown as text. Long data and lists are cut. Passwords and credentials are not shown, but the
// paths, data and ACLs of znodes are.
//
// Bytes are passed on unchanged, understood or not. A TLS connection therefore passes, but cannot be shown.
//
// StartTracer never returns. It panics if it cannot listen on listenAddr.
func StartTracer(listenAddr, serverAddr string) {
	l, err := net.Listen("tcp", listenAddr)
	if err != nil {
		panic(err)
	}
	t := newTracer(os.Stdout, func() (net.Conn, error) { return net.Dial("tcp", serverAddr) })
	t.serve(l)
}

// tracer prints the traffic of the connections that go through it.
type tracer struct {
	dial func() (net.Conn, error) // connects to the server
	log  *log.Logger
}

func newTracer(out io.Writer, dial func() (net.Conn, error)) *tracer {
	return &tracer{dial: dial, log: log.New(out, "", log.Ltime|log.Lmicroseconds)}
}

// serve serves the connections that l accepts, until l is closed.
func (t *tracer) serve(l net.Listener) {
	for id := 1; ; {
		client, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // of this connection, or a lack of descriptors that may pass
			t.log.Printf("# %v", err)
			time.Sleep(100 * time.Millisecond)
		default:
			c := &tracedConn{id: id, log: t.log, pending: map[int32]wire.Op{}}
			go c.run(client, t.dial) // ends with the connection
			id++
		}
	}
}

// tracedConn is a connection through the tracer.
type tracedConn struct {
	id  int
	log *log.Logger

	mu      sync.Mutex
	pending map[int32]wire.Op // guarded by mu: requests without a reply, by xid
}

// printf prints one line about the connection. Mark is > or < for a frame, # for what is about the connection.
func (c *tracedConn) printf(mark, format string, args ...any) {
	c.log.Printf("%d %s %s", c.id, mark, fmt.Sprintf(format, args...))
}

// run passes bytes in both directions until both have ended.
func (c *tracedConn) run(client net.Conn, dial func() (net.Conn, error)) {
	defer client.Close()
	c.printf("#", "connection from %s", client.RemoteAddr())
	server, err := dial()
	if err != nil {
		c.printf("#", "%v", err)
		return
	}
	defer server.Close()
	var directions sync.WaitGroup
	directions.Go(func() { c.pass(server, client, ">") }) // ends with either connection
	directions.Go(func() { c.pass(client, server, "<") }) // ends with either connection
	directions.Wait()
	c.printf("#", "connection closed")
}

// pass copies bytes from src to dst. They are shown before they are passed on: so a request is
// pending before its reply can come.
func (c *tracedConn) pass(dst, src net.Conn, mark string) {
	s := stream{conn: c, mark: mark}
	buf := make([]byte, 32<<10)
	for {
		n, err := src.Read(buf)
		s.show(buf[:n])
		if n > 0 && err == nil {
			_, err = dst.Write(buf[:n])
		}
		if err == nil {
			continue
		}
		s.end()
		if half, ok := dst.(interface{ CloseWrite() error }); ok && err == io.EOF {
			half.CloseWrite() // the other direction may still have an answer to deliver
			return
		}
		dst.Close()
		src.Close()
		return
	}
}

// traceLimit is the length beyond which bytes are not taken for a frame. Four characters of text are far beyond it.
const traceLimit = 64 << 20

// stream takes one direction of a connection apart.
type stream struct {
	conn   *tracedConn
	mark   string
	frames int    // so many have been shown
	text   bool   // it is text
	blind  bool   // what comes is not understood
	buf    []byte // seen and not shown
}

// show shows the frames that are complete with b, or the text of b.
func (s *stream) show(b []byte) {
	if s.blind {
		return
	}
	s.buf = append(s.buf, b...)
	rest := s.buf
	for more := !s.text; more; {
		rest, more = s.frame(rest)
	}
	if s.text {
		for line := range bytes.Lines(rest) {
			s.conn.printf(s.mark, "%q", bytes.TrimSuffix(line, []byte("\n")))
		}
		rest = nil
	}
	if s.buf = append(s.buf[:0], rest...); len(rest) == 0 {
		s.buf = nil
	}
}

// end shows what has come of an unfinished frame, or of text too short to be known for it.
func (s *stream) end() {
	switch {
	case len(s.buf) == 0:
	case isText(s.buf):
		s.conn.printf(s.mark, "%q", s.buf)
	default:
		s.conn.printf("#", "%s %d bytes of an unfinished frame", s.mark, len(s.buf))
	}
}

// frame shows the frame at the front of b if it is complete.
func (s *stream) frame(b []byte) (rest []byte, ok bool) {
	if len(b) < 4 {
		return b, false
	}
	length := int32(binary.BigEndian.Uint32(b))
	switch {
	case isText(b[:4]):
		s.text = true
		return b, false
	case length < 0 || length > traceLimit:
		s.conn.printf("#", "%s not a frame: %x; nothing more is shown", s.mark, b[:min(len(b), 16)])
		s.blind = true
		return nil, false
	case len(b)-4 < int(length):
		return b, false
	}
	body := b[4 : 4+length]
	if s.mark == ">" {
		s.conn.request(body, s.frames == 0)
	} else {
		s.conn.reply(body, s.frames == 0)
	}
	s.frames++
	return b[4+length:], true
}

func isText(b []byte) bool {
	for _, c := range b {
		if (c < ' ' || c > '~') && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
	}
	return true
}

// request shows a request and remembers how to read its reply.
func (c *tracedConn) request(body []byte, handshake bool) {
	m, err := wire.DecodeRequest(body, handshake)
	if !handshake {
		c.mu.Lock()
		c.pending[m.Xid] = m.Op
		c.mu.Unlock()
	}
	c.message(">", &m, body, err)
}

// reply shows a reply or notification.
func (c *tracedConn) reply(body []byte, handshake bool) {
	op := wire.OpCreateSession
	if !handshake {
		var h wire.ReplyHeader
		if err := wire.Unmarshal(body[:min(len(body), wire.ReplyHeaderSize)], &h); err != nil {
			c.printf("#", "< %d bytes: %x", len(body), body)
			return
		}
		var known bool
		if op, known = c.answered(h.Xid); !known {
			c.printf("#", "< reply to no request: xid=%d zxid=%#x error=%v", h.Xid, h.Zxid, h.Err)
			return
		}
	}
	m, err := wire.DecodeReply(body, op)
	c.message("<", &m, body, err)
}

// answered returns the operation to which a reply with the xid belongs.
func (c *tracedConn) answered(xid int32) (wire.Op, bool) {
	if xid == wire.XidNotification {
		return wire.OpNotification, true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	op, ok := c.pending[xid]
	if xid > 0 { // the others are used again while they are pending
		delete(c.pending, xid)
	}
	return op, ok
}

// message shows a message, and the first bytes of its frame if these are not understood and hold no secret.
func (c *tracedConn) message(mark string, m *wire.Message, body []byte, err error) {
	if err == nil {
		c.printf(mark, "%v", m)
		return
	}
	head := 32
	switch m.Op {
	case wire.OpCreateSession, wire.OpAuth:
		head = 16
	case wire.OpSasl:
		head = 12
	}
	c.printf("#", "%s %v: %v: %d bytes, %x", mark, m, err, len(body), body[:min(len(body), head)])
}
