package zktest

import (
	"strings"
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
	if s.closed || s.sessions[c.session.id] != c.session || c.session.conn != c {
		return false // expired, or gone on with by another connection
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
	case q.h.Op == wire.OpSasl:
		return false // it has no mechanism
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
	x := q.s.tree.begin(time.Now().UnixMilli(), q.c.session.id, q.c.ids)
	r := P(new(T))
	if r.Decode(&q.body); q.body.Err() != nil {
		return nil, wire.CodeMarshallingError
	}
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

// read does the requests that change no znode.
func (q *call) read() (wire.Record, wire.Code) {
	switch q.h.Op {
	case wire.OpExists:
		return with(q, q.exists)
	case wire.OpGetData:
		return with(q, q.getData)
	case wire.OpGetChildren:
		return with(q, q.getChildren)
	case wire.OpGetChildren2:
		return with(q, q.getChildren2)
	case wire.OpGetACL:
		return with(q, q.getACL)
	case wire.OpGetAllChildrenNumber:
		return with(q, q.getAllChildrenNumber)
	case wire.OpGetEphemerals:
		return with(q, q.getEphemerals)
	case wire.OpMultiRead:
		return with(q, q.multiRead)
	case wire.OpSync:
		return with(q, q.sync)
	case wire.OpAuth:
		return with(q, q.auth)
	case wire.OpWhoAmI:
		return q.whoAmI()
	}
	return q.watch()
}

// watch does the requests that are about watches alone.
func (q *call) watch() (wire.Record, wire.Code) {
	switch q.h.Op {
	case wire.OpSetWatches:
		return with(q, func(r *wire.SetWatches) (wire.Record, wire.Code) {
			q.s.setWatches(q.c, &wire.SetWatches2{SetWatches: *r})
			return nil, wire.CodeOK
		})
	case wire.OpSetWatches2:
		return with(q, func(r *wire.SetWatches2) (wire.Record, wire.Code) {
			q.s.setWatches(q.c, r)
			return nil, wire.CodeOK
		})
	case wire.OpAddWatch:
		return with(q, q.addWatch)
	case wire.OpRemoveWatches:
		return with(q, func(r *wire.RemoveWatchesRequest) (wire.Record, wire.Code) {
			return q.eachWatch(r.Path, r.Type, (*table).remove)
		})
	case wire.OpCheckWatches:
		return with(q, func(r *wire.CheckWatchesRequest) (wire.Record, wire.Code) {
			return q.eachWatch(r.Path, r.Type, (*table).has)
		})
	}
	return nil, wire.CodeUnimplemented
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

// exists sets its watch whether the znode is there or not. It asks no permission.
func (q *call) exists(r *wire.ExistsRequest) (wire.Record, wire.Code) {
	if strings.Contains(r.Path, "\x00") {
		return nil, wire.CodeBadArguments
	}
	if r.Watch {
		q.s.watches.data.add(q.c, r.Path, oneShot)
	}
	n := q.s.tree.get(r.Path)
	if n == nil {
		return nil, wire.CodeNoNode
	}
	return &wire.ExistsResponse{Stat: n.stat()}, wire.CodeOK
}

// readable returns the znode at path if the session may read it.
func (q *call) readable(path string, perm int32) (*node, wire.Code) {
	n := q.s.tree.get(path)
	switch {
	case n == nil:
		return nil, wire.CodeNoNode
	case !allowed(n.acl, perm, q.c.ids):
		return nil, wire.CodeNoAuth
	}
	return n, wire.CodeOK
}

func (q *call) getData(r *wire.GetDataRequest) (wire.Record, wire.Code) {
	n, code := q.readable(r.Path, permRead)
	if code != wire.CodeOK {
		return nil, code
	}
	if r.Watch {
		q.s.watches.data.add(q.c, r.Path, oneShot)
	}
	return &wire.GetDataResponse{Data: n.data, Stat: n.stat()}, code
}

func (q *call) children(r *wire.GetChildrenRequest) (*node, wire.Code) {
	n, code := q.readable(r.Path, permRead)
	if code == wire.CodeOK && r.Watch {
		q.s.watches.child.add(q.c, r.Path, oneShot)
	}
	return n, code
}

func (q *call) getChildren(r *wire.GetChildrenRequest) (wire.Record, wire.Code) {
	n, code := q.children(r)
	if code != wire.CodeOK {
		return nil, code
	}
	return &wire.GetChildrenResponse{Children: n.names()}, code
}

func (q *call) getChildren2(r *wire.GetChildrenRequest) (wire.Record, wire.Code) {
	n, code := q.children(r)
	if code != wire.CodeOK {
		return nil, code
	}
	return &wire.GetChildren2Response{Children: n.names(), Stat: n.stat()}, code
}

// getACL shows the digests of passwords only to those who may change the list.
func (q *call) getACL(r *wire.GetACLRequest) (wire.Record, wire.Code) {
	n, code := q.readable(r.Path, permRead|permAdmin)
	if code != wire.CodeOK {
		return nil, code
	}
	acl := n.acl
	if !allowed(acl, permAdmin, q.c.ids) {
		acl = masked(acl)
	}
	return &wire.GetACLResponse{ACL: acl, Stat: n.stat()}, code
}

func (q *call) getAllChildrenNumber(r *wire.GetAllChildrenNumberRequest) (wire.Record, wire.Code) {
	if _, code := q.readable(r.Path, permRead); code != wire.CodeOK {
		return nil, code
	}
	return &wire.GetAllChildrenNumberResponse{TotalNumber: int32(q.s.tree.descendants(r.Path))}, wire.CodeOK
}

// getEphemerals lists the session's own. The prefix is one of characters, not of path elements.
func (q *call) getEphemerals(r *wire.GetEphemeralsRequest) (wire.Record, wire.Code) {
	list := []string{}
	for path := range q.s.tree.ephemerals[q.c.session.id] {
		if strings.HasPrefix(path, strings.TrimSpace(r.PrefixPath)) {
			list = append(list, path)
		}
	}
	return &wire.GetEphemeralsResponse{Ephemerals: list}, wire.CodeOK
}

// sync has nothing to wait for: there is one server. It does not look whether the znode exists.
func (q *call) sync(r *wire.SyncRequest) (wire.Record, wire.Code) {
	if q.s.readOnly {
		return nil, wire.CodeNotReadOnly
	}
	return &wire.SyncResponse{Path: r.Path}, wire.CodeOK
}

// auth adds identities to the connection. It has to be repeated on each.
func (q *call) auth(r *wire.AuthPacket) (wire.Record, wire.Code) {
	gained := q.s.authenticate(q.c, r)
	if gained == nil {
		return nil, wire.CodeAuthFailed
	}
	q.c.addIDs(gained)
	return nil, wire.CodeOK
}

func (q *call) whoAmI() (wire.Record, wire.Code) {
	r := &wire.WhoAmIResponse{ClientInfo: []wire.ClientInfo{}}
	for _, id := range q.c.ids {
		user := id.id
		if id.scheme == "digest" {
			user, _, _ = strings.Cut(user, ":")
		}
		r.ClientInfo = append(r.ClientInfo, wire.ClientInfo{AuthScheme: id.scheme, User: user})
	}
	return r, wire.CodeOK
}

func (q *call) addWatch(r *wire.AddWatchRequest) (wire.Record, wire.Code) {
	switch r.Mode {
	case wire.AddWatchPersistent:
		q.s.addWatch(q.c, r.Path, persistent)
	case wire.AddWatchPersistentRecursive:
		q.s.addWatch(q.c, r.Path, recursive)
	default:
		return nil, wire.CodeMarshallingError
	}
	return &wire.ErrorResponse{}, wire.CodeOK
}

// eachWatch calls f with every table that is meant. It is an error if none of them has a watch.
func (q *call) eachWatch(path string, typ wire.WatcherType, f func(*table, *conn, string) bool) (wire.Record, wire.Code) {
	tables := q.s.tables(typ)
	if tables == nil {
		return nil, wire.CodeMarshallingError
	}
	found := false
	for _, t := range tables {
		found = f(t, q.c, path) || found
	}
	if !found {
		return nil, wire.CodeNoWatcher
	}
	return nil, wire.CodeOK
}
