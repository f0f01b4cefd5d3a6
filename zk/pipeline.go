package zk

import (
	"errors"
	"fmt"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// Operations that read, and others that stand alone, for [Conn.Pipeline] and [Conn.MultiRead].
type (
	GetDataRequest     struct{ Path string }
	GetChildrenRequest struct{ Path string }
	ExistsRequest      struct{ Path string }
	GetACLRequest      struct{ Path string }
	SyncRequest        struct{ Path string }
	SetACLRequest      struct {
		Path    string
		Acl     []ACL
		Version int32
	}
)

// Result is the result of one operation of [Conn.Pipeline] or [Conn.MultiRead]: what the
// method of the operation's name returns. An ExistsRequest of a missing znode has ErrNoNode.
type Result struct {
	Path     string // of a create or a sync
	Data     []byte
	Stat     *Stat // nil where the server does not tell
	Children []string
	ACL      []ACL
	Zxid     int64 // the last transaction that the server had done when it read, see MultiRead
	Err      error
}

// pipelineWindow is how many requests of one Pipeline are on their way at a time.
const pipelineWindow = 4096

// Pipeline does ops, each on its own, without waiting for one before the next is sent, and returns their results in
// the same order. It is for many requests from one goroutine; the server does them in order.
// Besides those of Multi, but for checks, ops may be *[GetDataRequest], *[GetChildrenRequest], *[ExistsRequest], *[GetACLRequest],
// *[SetACLRequest] and *[SyncRequest].
func (c *Conn) Pipeline(ops ...interface{}) []Result {
	results := make([]Result, len(ops))
	calls := make([]*call, len(ops))
	waited := 0
	for i, op := range ops {
		slot := false
		for waited < i && !slot {
			if slot = i-waited < pipelineWindow && c.trySlot(); !slot {
				results[waited] = c.result(calls[waited], results[waited].Err)
				waited++
			}
		}
		calls[i], results[i].Err = c.startOp(op, slot)
	}
	for ; waited < len(ops); waited++ {
		results[waited] = c.result(calls[waited], results[waited].Err)
	}
	return results
}

// startOp starts op. slot says that its slot is taken. A pipeline waits for a slot only while it has
// none: else two of them could wait for each other's.
func (c *Conn) startOp(op interface{}, slot bool) (*call, error) {
	code, record, err := c.record(op)
	if err == nil {
		cl := c.newCall(code)
		cl.body = record.Append(cl.body)
		if !slot {
			return cl, c.start(cl)
		}
		if err = c.begin(cl); err == nil {
			return cl, c.startInSlot(cl)
		}
		cl.free()
	}
	if slot {
		c.release()
	}
	return nil, err
}

// record returns the opcode and the record of any operation.
func (c *Conn) record(op interface{}) (code wire.Op, record wire.Record, err error) {
	var p string
	switch op := op.(type) {
	case *GetDataRequest:
		p, err = c.serverPath(op.Path)
		return wire.OpGetData, &wire.GetDataRequest{Path: p}, err
	case *GetChildrenRequest:
		p, err = c.serverPath(op.Path)
		return wire.OpGetChildren2, &wire.GetChildrenRequest{Path: p}, err
	case *ExistsRequest:
		p, err = c.serverPath(op.Path)
		return wire.OpExists, &wire.ExistsRequest{Path: p}, err
	case *GetACLRequest:
		p, err = c.serverPath(op.Path)
		return wire.OpGetACL, &wire.GetACLRequest{Path: p}, err
	case *SetACLRequest:
		p, err = c.serverPath(op.Path)
		return wire.OpSetACL, &wire.SetACLRequest{Path: p, ACL: wireACL(op.Acl), Version: op.Version}, err
	case *SyncRequest:
		p, err = c.serverPath(op.Path)
		return wire.OpSync, &wire.SyncRequest{Path: p}, err
	case *CheckVersionRequest:
		return 0, nil, errors.New("zk: a check stands in a multi only")
	}
	return c.writeRecord(op)
}

// result waits for a call of a pipeline, unless it could not be started.
func (c *Conn) result(cl *call, err error) Result {
	if err != nil {
		return Result{Err: err}
	}
	op := cl.op
	if err := c.wait(cl); err != nil {
		return Result{Err: err}
	}
	defer cl.free()
	var result Result
	switch op {
	case wire.OpGetData:
		var r wire.GetDataResponse
		result.Err = c.decode(cl, r.Decode)
		result.Data, result.Stat = cl.own(r.Data), statOf(&r.Stat)
	case wire.OpGetChildren2:
		var r wire.GetChildren2Response
		result.Err = c.decode(cl, r.Decode)
		result.Children, result.Stat = c.receivedNames(r.Children), statOf(&r.Stat)
	case wire.OpExists, wire.OpSetData, wire.OpSetACL:
		var r wire.ExistsResponse
		result.Err = c.decode(cl, r.Decode)
		result.Stat = statOf(&r.Stat)
	case wire.OpGetACL:
		var r wire.GetACLResponse
		result.Err = c.decode(cl, r.Decode)
		result.ACL, result.Stat = aclOf(r.ACL), statOf(&r.Stat)
	case wire.OpCreate, wire.OpSync:
		var r wire.CreateResponse
		if result.Err = c.decode(cl, r.Decode); result.Err == nil {
			result.Path, result.Err = c.receivedPath(r.Path)
		}
	case wire.OpCreateContainer, wire.OpCreateTTL:
		var r wire.Create2Response
		if result.Err = c.decode(cl, r.Decode); result.Err == nil {
			result.Stat = statOf(&r.Stat)
			result.Path, result.Err = c.receivedPath(r.Path)
		}
	}
	return result
}

// MultiRead does many reads in one request, which costs the server far less than one request each.
// ops are *[GetDataRequest] and *[GetChildrenRequest], whose results have no Stat. Each result has
// an error of its own; the error of MultiRead means that none was done. To a server that lacks
// [FeatureMultiRead], or refuses all reads for one without the right, they go one by one, as by
// [Conn.Pipeline].
//
// The server does not bound the size of the reply: keep the sum of the data below what both sides
// can hold. A reply that this side does not accept makes it [ErrReplyTooLarge]. An event may be
// delivered before the reply although the reply has the data from before the change.
//
// ZooKeeper does no transaction between the reads of one request, so all results are of one state
// of its tree: that after the transaction Zxid, which is the same in all of them. Results of reads
// that went one by one have a Zxid of 0.
func (c *Conn) MultiRead(ops ...interface{}) ([]Result, error) {
	if len(ops) == 0 {
		return []Result{}, c.over()
	}
	cl := c.newCall(wire.OpMultiRead)
	for _, op := range ops {
		code, record, err := c.record(op)
		switch {
		case err != nil:
		case code == wire.OpGetChildren2:
			code = wire.OpGetChildren
		case code != wire.OpGetData:
			err = fmt.Errorf("zk: %T cannot stand in a multi of reads", op)
		}
		if err != nil {
			cl.free()
			return nil, err
		}
		one := wire.MultiOp{Op: code, Record: record}
		cl.body = one.Append(cl.body)
	}
	cl.body = wire.AppendMultiEnd(cl.body)
	cl.keep = true
	err := c.do(cl)
	if lacks(err) || errors.Is(err, ErrNoAuth) { // RaftKeeper refuses all for one without the right
		return c.readSingly(ops)
	}
	if err != nil {
		return nil, err
	}
	defer cl.free()
	results := make([]Result, 0, len(ops))
	zxid := cl.zxid
	if err := c.decode(cl, func(d *wire.Decoder) { results = c.appendReads(results, d) }); err != nil {
		return nil, err
	}
	for i := range results {
		results[i].Zxid = zxid
	}
	if len(results) != len(ops) {
		return nil, fmt.Errorf("zk: multiRead: %d results for %d operations", len(results), len(ops))
	}
	return results, nil
}

// readSingly is MultiRead without multiRead.
func (c *Conn) readSingly(ops []interface{}) ([]Result, error) {
	results := c.Pipeline(ops...)
	for i, r := range results {
		if errors.Is(r.Err, ErrNoNode) || errors.Is(r.Err, ErrNoAuth) || errors.Is(r.Err, ErrReplyTooLarge) {
			continue
		}
		if r.Err != nil {
			return nil, r.Err
		}
		if _, list := ops[i].(*GetChildrenRequest); list {
			results[i].Stat = nil
		}
	}
	return results, nil
}

// appendReads appends the results of a multi of reads, without the detour of a record for each.
func (c *client) appendReads(results []Result, d *wire.Decoder) []Result {
	wire.EachResult(d, func(op wire.Op, code wire.Code) bool {
		var result Result
		switch op {
		case wire.OpGetData:
			var r wire.GetDataResponse
			r.Decode(d)
			result.Data, result.Stat = r.Data, statOf(&r.Stat)
		case wire.OpGetChildren:
			var r wire.GetChildrenResponse
			r.Decode(d)
			result.Children = c.receivedNames(r.Children)
		case wire.OpError:
			result.Err = errorOf(code)
		default:
			return false
		}
		results = append(results, result)
		return true
	})
	return results
}
