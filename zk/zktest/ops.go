package zktest

import (
	"time"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// A call is a request that is being handled, under s.mu.
type call struct {
	s      *Server
	c      *conn
	h      wire.RequestHeader
	body   wire.Decoder
	hangUp bool   // the answer is a closed connection
	mute   bool   // there is no answer
	after  func() // what is left to do behind the reply, nil for nothing
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
	if q.prolongs() {
		c.session.heard = start
	}
	s.received(c)
	if fault.Ignore {
		return true
	}
	h := wire.ReplyHeader{Xid: q.h.Xid, Err: wire.Code(fault.Code)}
	var record wire.Record
	if h.Err == wire.CodeOK {
		record, h.Err = q.run()
	}
	if q.hangUp || q.mute {
		return !q.hangUp
	}
	h.Zxid = q.zxid()
	h.Xid += fault.Xid
	s.sent(c)
	c.took(q.h, h.Zxid, start)
	goesOn := c.respond(fault, func(b []byte) []byte { return appendReply(b, h, record) })
	goesOn = goesOn && q.goesOn(h.Err)
	if q.after != nil {
		q.after()
	}
	return goesOn
}

// prolongs reports whether the request prolongs the session.
func (q *call) prolongs() bool { return !q.s.dialect.deafToReads || !readOps[q.h.Op] }

// readOps are the operations that a server of an ensemble does by itself.
var readOps = opSet([]wire.Op{
	wire.OpExists, wire.OpGetData, wire.OpGetACL, wire.OpGetChildren, wire.OpGetChildren2, wire.OpCheck,
	wire.OpMultiRead, wire.OpGetEphemerals, wire.OpGetAllChildrenNumber, wire.OpWhoAmI,
	wire.OpSetWatches, wire.OpSetWatches2, wire.OpAddWatch, wire.OpRemoveWatches, wire.OpCheckWatches,
	wire.OpCheckNotExists, wire.OpCheckStat, wire.OpFilteredList, wire.OpFilteredListWithData,
	wire.OpListRecursive,
})

// zxid returns the zxid of the reply.
func (q *call) zxid() int64 {
	switch {
	case !q.s.dialect.ops[q.h.Op]:
		return -1
	case q.h.Op == wire.OpAuth && !q.s.dialect.authZxid:
		return 0
	}
	return q.s.tree.zxid
}

// goesOn reports whether the server keeps the connection open after its answer.
func (q *call) goesOn(code wire.Code) bool {
	return q.h.Op != wire.OpCloseSession &&
		!(q.h.Op == wire.OpAuth && code != wire.CodeOK && !q.s.dialect.lenientAuth) &&
		!(!q.s.dialect.ops[q.h.Op] && q.s.dialect.unknown == refused)
}

// run does what is asked. The record is for code OK only.
func (q *call) run() (wire.Record, wire.Code) {
	if !q.s.dialect.ops[q.h.Op] {
		return q.strange(wire.CodeUnimplemented)
	}
	switch q.h.Op {
	case wire.OpPing, wire.OpSync, wire.OpAuth:
		if q.s.dialect.everyZxid {
			q.s.tree.zxid++
		}
	}
	switch q.h.Op {
	case wire.OpPing:
		return nil, wire.CodeOK
	case wire.OpCloseSession:
		q.s.endSession(q.c.session)
		q.hangUp = q.s.dialect.mutedClose
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
			return &wire.SetACLResponse{Stat: x.t.stat(n)}, code
		})
	case wire.OpMulti:
		return write(q, q.multi)
	case wire.OpCreateIfNotExists:
		return write(q, (*txn).createIfNotExists)
	case wire.OpTryRemove:
		return write(q, func(x *txn, r *wire.DeleteRequest) (wire.Record, wire.Code) {
			return nil, x.tryRemove(r)
		})
	case wire.OpRemoveRecursive:
		return write(q, func(x *txn, r *wire.LimitedRequest) (wire.Record, wire.Code) {
			return nil, x.removeRecursive(r)
		})
	case wire.OpReconfig:
		return write(q, func(*txn, *wire.ReconfigRequest) (wire.Record, wire.Code) { return nil, wire.CodeReconfigDisabled })
	}
	return q.read()
}

// strange is what becomes of an operation that the server does not have, alone or among others.
func (q *call) strange(code wire.Code) (wire.Record, wire.Code) {
	q.hangUp = q.s.dialect.unknown == hungUp
	q.mute = q.s.dialect.unknown == swallowed
	return nil, code
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
	if q.body.Err() != nil && q.h.Op != wire.OpMulti && q.s.dialect.decodeFirst {
		return nil, wire.CodeMarshallingError
	}
	x := q.s.tree.begin(time.Now().UnixMilli(), q.c.session.id, q.c.ids)
	if q.body.Err() != nil {
		return nil, wire.CodeMarshallingError
	}
	record, code := f(x, r)
	q.s.publish(x)
	return record, code
}

// creation is create with the reply that belongs to op.
func (x *txn) creation(op wire.Op, r *wire.CreateRequest, ttl int64) (wire.Record, wire.Code) {
	if x.t.d.flagBits {
		r.Flags &= flagEphemeralSeq
	}
	path, n, code := x.create(r, ttl)
	switch {
	case code != wire.CodeOK:
		return nil, code
	case op == wire.OpCreate:
		return &wire.CreateResponse{Path: path}, code
	}
	stat := x.t.stat(n)
	if x.t.d.muteLength {
		stat.DataLength = 0
	}
	return &wire.Create2Response{Path: path, Stat: stat}, code
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
	return &wire.SetDataResponse{Stat: x.t.stat(n)}, code
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
