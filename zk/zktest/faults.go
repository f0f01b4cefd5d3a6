package zktest

import (
	"io"
	"time"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// A Request is what OnRequest sees of a request.
type Request struct {
	Op        string // ZooKeeper's name: create, getData, multi, ping, setWatches2 ...; connect for the handshake
	Path      string // that of the first operation of a multi; empty where there is none
	SessionID int64  // 0 for the handshake of a new session
}

// A Fault is what goes wrong with a request. The zero Fault is nothing; several fields may be set together.
type Fault struct {
	// Delay lets the request, and those behind it on the connection, wait.
	Delay time.Duration
	// Stall makes the connection silent: this request and what follows is read and thrown away, and nothing is sent
	// any more. The session expires in its time, and the client, as behind a dead network, is not told.
	Stall bool
	// Close ends the connection. The request is not applied.
	Close bool
	// Ignore leaves the request without an answer. It is not applied, and those behind it are answered.
	Ignore bool
	// Code, unless 0, is answered as an error. The request is not applied.
	Code int32
	// Lose ends the connection in the place of the reply. The request is applied.
	Lose bool
	// Cut, unless 0, ends the connection after so many bytes of the reply. The request is applied.
	Cut int
	// Garbage is sent before the reply.
	Garbage []byte
	// Xid is added to that of the reply.
	Xid int32
}

// OnRequest calls f with every request, before it is applied, to ask what is to go wrong with it. nil ends that.
// Requests of different connections come from different goroutines. f may call the methods of s, but Close.
func (s *Server) OnRequest(f func(Request) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onReq = f
}

// ExpireSession ends a session at once: its ephemerals are deleted, its connection is closed, and its client is told
// when it comes again. It reports whether there was such a session.
func (s *Server) ExpireSession(id int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ss := s.sessions[id]
	if ss != nil {
		s.expire(ss)
	}
	return ss != nil
}

// Disconnect closes every connection. The sessions live on.
func (s *Server) Disconnect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.cut()
	}
}

// Refuse lets new connections fail from now on, or succeed again. Over TCP they are accepted and closed at once.
// Those that exist stay.
func (s *Server) Refuse(refuse bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = refuse
}

// SetReadOnly makes the server what a member of an ensemble without a quorum is in its read-only
// mode, or ends that. Its connections are closed. A read-only server takes only clients that allow
// it, and answers NotReadOnly to writes. A server without such a mode takes no clients: it answers
// with protocolVersion 42, and closes the connection.
func (s *Server) SetReadOnly(readOnly bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readOnly = readOnly
	for c := range s.conns {
		if readOnly && s.dialect.pushesExpiry && c.session != nil {
			c.out.send(func(b []byte) []byte {
				return appendReply(b, wire.ReplyHeader{Err: wire.CodeSessionExpired}, nil)
			})
			c.out.finish()
			continue
		}
		c.cut()
	}
}

// Sessions returns the ids of the sessions, in no order.
func (s *Server) Sessions() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]int64, 0, len(s.sessions))
	for id := range s.sessions {
		ids = append(ids, id)
	}
	return ids
}

// Send sends raw bytes to the clients of all connections.
func (s *Server) Send(raw []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.out.send(func(b []byte) []byte { return append(b, raw...) })
	}
}

// ask finds out what is to go wrong with a request, and lets it wait. It reports whether the request is to be handled.
func (s *Server) ask(c *conn, r Request) (Fault, bool) {
	s.mu.Lock()
	f := s.onReq
	s.mu.Unlock()
	if f == nil {
		return Fault{}, true
	}
	fault := f(r)
	if fault.Delay > 0 {
		select {
		case <-time.After(fault.Delay):
		case <-s.done:
		}
	}
	if fault.Stall {
		c.out.mute()
		s.detach(c)               // or the end of the session would close it
		io.Copy(io.Discard, c.in) // until the connection ends
	}
	if fault.Stall || fault.Close {
		c.cut()
		return fault, false
	}
	return fault, true
}

// respond sends a reply with what is to go wrong with it. It reports whether the connection goes on.
func (c *conn) respond(f Fault, build func([]byte) []byte) bool {
	if f.Lose {
		c.cut()
		return false
	}
	c.out.send(func(b []byte) []byte {
		b = append(b, f.Garbage...)
		at := len(b)
		b = build(b)
		if f.Cut != 0 {
			b = b[:min(at+f.Cut, len(b))]
		}
		return b
	})
	return f.Cut == 0
}

// request returns what OnRequest sees.
func (q *call) request() Request {
	r := Request{Op: q.h.Op.String(), SessionID: q.c.session.id}
	body := q.body
	switch q.h.Op {
	case wire.OpPing, wire.OpAuth, wire.OpSasl, wire.OpSetWatches, wire.OpSetWatches2, wire.OpWhoAmI, wire.OpCloseSession:
		return r
	case wire.OpMulti, wire.OpMultiRead:
		var h wire.MultiHeader
		if h.Decode(&body); h.Done {
			return r
		}
	}
	var first wire.SyncRequest // every other request begins with its path
	first.Decode(&body)
	r.Path = first.Path
	return r
}
