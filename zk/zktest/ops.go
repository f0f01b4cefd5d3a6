package zktest

import (
	"time"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// A call is a request that is being handled, under s.mu.
type call struct {
	s    *Server
	c    *conn
	h    wire.RequestHeader
	body wire.Decoder
}

// handle handles one request. It reports whether the connection goes on.
func (s *Server) handle(c *conn, frame []byte) bool {
	q := call{s: s, c: c, body: wire.NewDecoder(frame)}
	q.h.Decode(&q.body)
	if q.body.Err() != nil {
		return false
	}
	fault, ok := s.ask(c, q.request())
	if !ok {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed, s.sessions[c.session.id] != c.session, c.session.conn != c:
		return false // expired, or gone on with by another connection
	case q.h.Op == wire.OpSasl:
		return false // it has no mechanism
	}
	start := time.Now()
	c.session.heard = start
	s.received(c)
	h := wire.ReplyHeader{Xid: q.h.Xid, Err: wire.Code(fault.Code)}
	var record wire.Record
	if h.Err == wire.CodeOK {
		record, h.Err = q.run()
	}
	switch {
	case !s.knows(q.h.Op):
		h.Zxid = -1
	case q.h.Op != wire.OpAuth:
		h.Zxid = s.tree.zxid
	}
	h.Xid += fault.Xid
	s.sent(c)
	c.took(q.h, h.Zxid, start)
	return c.respond(fault, func(b []byte) []byte { return appendReply(b, h, record) }) && q.goesOn(h.Err)
}

// goesOn reports whether the server keeps the connection open after its answer.
func (q *call) goesOn(code wire.Code) bool {
	return q.h.Op != wire.OpCloseSession &&
		!(q.h.Op == wire.OpAuth && code != wire.CodeOK) &&
		!(code == wire.CodeUnimplemented && !q.s.knows(q.h.Op))
}

// run does what is asked. The record is for code OK only.
func (q *call) run() (wire.Record, wire.Code) {
	if !q.s.knows(q.h.Op) {
		return nil, wire.CodeUnimplemented
	}
	switch q.h.Op {
	case wire.OpPing:
		return nil, wire.CodeOK
	case wire.OpCloseSession:
		q.s.endSession(q.c.session)
		return nil, wire.CodeOK
	case wire.OpCreate, wire.OpCreate2, wire.OpCreateContainer:
		return write(q, func(x *txn, r *wire.CreateRequest) (wire.Record, wire.Code) { return x.creation(q.h.Op, r, -1) })
	case wire.OpCreateTTL:
		return write(q, (*txn).createTTL)
	case wire.OpDelete:
		return write(q, func(x *txn, r *wire.DeleteRequest) (wire.Record, wire.Code) { return nil, x.delete(r.Path, r.Version) })
	case wire.OpSetData:
		return write(q, (*txn).setData)
	case wire.OpSetACL:
		return write(q, func(x *txn, r *wire.SetACLRequest) (wire.Record, wire.Code) {
			n, code := x.setACL(r.Path, r.ACL, r.Version)
			if code != wire.CodeOK {
				return nil, code
			}
			return &wire.SetACLResponse{Stat: n.stat()}, code
		})
	case wire.OpMulti:
		return write(q, (*txn).multi)
	case wire.OpReconfig:
		return write(q, func(*txn, *wire.ReconfigRequest) (wire.Record, wire.Code) { return nil, wire.CodeReconfigDisabled })
	}
	return q.read()
}

// write decodes the record of a request that changes something, and does it in a transaction.
func write[T any, P interface {
	*T
	wire.Record
}](q *call, f func(*txn, P) (wire.Record, wire.Code)) (wire.Record, wire.Code) {
	if q.s.readOnly {
		return nil, wire.CodeNotReadOnly
	}
	r := P(new(T))
	r.Decode(&q.body)
	if q.body.Err() != nil && q.h.Op != wire.OpMulti && !q.s.release.before(decodeFirst) {
		return nil, wire.CodeMarshallingError
	}
	x := q.s.tree.begin(time.Now().UnixMilli(), q.c.session.id, q.c.ids)
	if q.body.Err() != nil {
		return nil, wire.CodeMarshallingError
	}
	x.oldMulti = q.s.release.before(create2InMulti)
	record, code := f(x, r)
	q.s.publish(x)
	return record, code
}

// creation is create with the reply that belongs to op.
func (x *txn) creation(op wire.Op, r *wire.CreateRequest, ttl int64) (wire.Record, wire.Code) {
	path, n, code := x.create(r, ttl)
	switch {
	case code != wire.CodeOK:
		return nil, code
	case op == wire.OpCreate:
		return &wire.CreateResponse{Path: path}, code
	}
	return &wire.Create2Response{Path: path, Stat: n.stat()}, code
}

func (x *txn) createTTL(r *wire.CreateTTLRequest) (wire.Record, wire.Code) {
	if r.Flags != flagTTL && r.Flags != flagTTLSequential {
		return nil, wire.CodeBadArguments // with ttl -1 a ZooKeeper 3.8.0 takes it, and is broken for good
	}
	return x.creation(wire.OpCreateTTL, &wire.CreateRequest{Path: r.Path, Data: r.Data, ACL: r.ACL, Flags: r.Flags}, r.TTL)
}

func (x *txn) setData(r *wire.SetDataRequest) (wire.Record, wire.Code) {
	n, code := x.set(r.Path, r.Data, r.Version)
	if code != wire.CodeOK {
		return nil, code
	}
	return &wire.SetDataResponse{Stat: n.stat()}, code
}

// with decodes the record of a request and does it.
func with[T any, P interface {
	*T
	wire.Record
}](q *call, f func(P) (wire.Record, wire.Code)) (wire.Record, wire.Code) {
	r := P(new(T))
	if r.Decode(&q.body); q.body.Err() != nil {
		return nil, wire.CodeMarshallingError
	}
	return f(r)
}
