package zktest

import (
	"bytes"
	"crypto/rand"
	"maps"
	"slices"
	"time"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// A session is a client's, across its connections. s.mu guards it.
type session struct {
	id       int64
	password []byte
	timeout  time.Duration // as the latest connection settled it
	conn     *conn         // nil while the client is away
	heard    time.Time     // when the client sent something last
	timer    *time.Timer   // looks whether the session has expired
}

// connect handles the first frame of a connection. It reports whether there is a session then.
func (s *Server) connect(c *conn, frame []byte) bool {
	var r wire.ConnectRequest
	d := wire.NewDecoder(frame)
	if r.Decode(&d); d.Err() != nil {
		return false
	}
	fault, ok := s.ask(c, Request{Op: "connect", SessionID: r.SessionID})
	if !ok {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	dialect := &s.dialect
	switch {
	case s.closed, s.readOnly && !r.ReadOnly && !dialect.rejects,
		r.LastZxidSeen > s.tree.zxid && !dialect.anyZxid:
		return false // without a reply: another server may do
	}
	answer := wire.ConnectResponse{Passwd: make([]byte, 16), ReadOnly: s.readOnly && !dialect.rejects}
	ss := s.attach(c, &r)
	switch {
	case ss != nil:
		answer.TimeOut, answer.SessionID, answer.Passwd = int32(ss.timeout.Milliseconds()), ss.id, ss.password
	case dialect.rejects:
		answer = s.rejection(&r)
	}
	s.received(c)
	s.sent(c)
	return c.respond(fault, func(b []byte) []byte {
		at := len(b)
		b = wire.AppendFrame(b, &answer)
		if dialect.shortAnswer || len(frame) == oldConnectRequestSize {
			b = b[:len(b)-1]
			b[at+3]-- // the length
		}
		return b
	}) && ss != nil
}

// oldConnectRequestSize is the size of a ConnectRequest of a client that knows no readOnly (before 3.4).
// It gets an answer without that either.
const oldConnectRequestSize = 44

// rejected is the protocolVersion of an answer that gives no session
// (KEEPER_PROTOCOL_VERSION_CONNECTION_REJECT).
const rejected = 42

// rejection is the answer of a server without a quorum, or to a session that is no more.
func (s *Server) rejection(r *wire.ConnectRequest) wire.ConnectResponse {
	answer := wire.ConnectResponse{
		ProtocolVersion: rejected, TimeOut: -1, SessionID: -1, Passwd: make([]byte, 16),
	}
	switch {
	case !s.readOnly:
		answer.SessionID = r.SessionID
	case s.dialect.rejectsTimed:
		answer.TimeOut = int32(s.settled(r).Milliseconds())
	}
	return answer
}

// settled returns the session timeout that the server grants.
func (s *Server) settled(r *wire.ConnectRequest) time.Duration {
	return min(max(time.Duration(r.TimeOut)*time.Millisecond, s.minTimeout), s.maxTimeout)
}

// attach gives c the session that it asks for, a new one or one to go on with; nil if that one is no more.
func (s *Server) attach(c *conn, r *wire.ConnectRequest) *session {
	if s.readOnly && s.dialect.rejects {
		return nil
	}
	timeout := s.settled(r)
	var ss *session
	if r.SessionID == 0 || s.dialect.noResumption {
		ss = s.newSession(timeout)
	} else {
		ss = s.sessions[r.SessionID]
		if ss != nil && ss.conn != nil {
			ss.conn.cut() // even if the password turns out to be wrong
		}
		if ss == nil || !bytes.Equal(ss.password, r.Passwd) && !s.dialect.noPasswords {
			return nil
		}
	}
	ss.conn, ss.timeout, ss.heard = c, timeout, time.Now()
	ss.timer.Reset(timeout)
	c.session = ss
	return ss
}

func (s *Server) newSession(timeout time.Duration) *session {
	if !s.dialect.everyZxid {
		s.tree.zxid++ // createSession is a transaction
	}
	s.lastSid++
	ss := &session{id: s.lastSid, password: make([]byte, 16)}
	if !s.dialect.noPasswords {
		rand.Read(ss.password)
	}
	// The timer looks whether a timeout has passed since the session was heard last. Requests do not touch it.
	ss.timer = time.AfterFunc(timeout, func() { s.expireIfSilent(ss) })
	s.sessions[ss.id] = ss
	return ss
}

func (s *Server) expireIfSilent(ss *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.sessions[ss.id] != ss {
		return
	}
	if left := time.Until(ss.heard.Add(ss.timeout)); left > 0 {
		ss.timer.Reset(left)
		return
	}
	s.expire(ss)
}

// expire ends a session that its client has not ended.
func (s *Server) expire(ss *session) {
	s.endSession(ss)
	if ss.conn != nil {
		ss.conn.cut()
	}
}

// crash ends every connection and takes no new one, until Refuse(false) starts the server again
// with what it had.
func (s *Server) crash() {
	s.refuse = true
	for c := range s.conns {
		c.cut()
	}
}

// endSession deletes a session with its ephemerals. closeSession is a transaction.
func (s *Server) endSession(ss *session) {
	delete(s.sessions, ss.id)
	ss.timer.Stop()
	x := s.tree.begin(time.Now().UnixMilli(), ss.id, nil)
	for _, path := range slices.Sorted(maps.Keys(s.tree.ephemerals[ss.id])) {
		parent, _ := split(path)
		x.remove(path, s.tree.nodes[path], s.tree.nodes[parent])
	}
	s.publish(x)
}
