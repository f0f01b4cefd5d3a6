package zktest

import "github.com/zkfs/zkfs/zk/internal/wire"

// multi does all of the operations or none. Its own code is OK then too: where an operation failed, its result has the code, those
// before it 0, and those behind it, which were never tried, RuntimeInconsistency.
func (q *call) multi(x *txn, r *wire.MultiRequest) (wire.Record, wire.Code) {
	d := &q.s.dialect
	if d.fragile && len(r.Ops) == 0 {
		q.s.crash()
		q.hangUp = true
		return nil, wire.CodeOK
	}
	results := make([]wire.MultiResult, 0, len(r.Ops))
	for i, op := range r.Ops {
		if !d.ops[op.Op] && op.Op != wire.OpCheck || d.reads[op.Op] {
			x.rollback()
			return q.strange(d.strangeMember)
		}
		record, code := x.do(op)
		if code != wire.CodeOK {
			x.rollback()
			if d.rightsFirst && code == wire.CodeNoAuth {
				return nil, code
			}
			return failed(len(r.Ops), i, code), wire.CodeOK
		}
		typ := op.Op
		switch record.(type) {
		case *wire.CreateResponse:
			typ = wire.OpCreate
		case *wire.Create2Response:
			if !d.ownTypes {
				typ = wire.OpCreate2
			}
		}
		results = append(results, wire.MultiResult{Op: typ, Record: record})
	}
	return &wire.MultiResponse{Results: results}, wire.CodeOK
}

// do does one operation of a multi.
func (x *txn) do(op wire.MultiOp) (wire.Record, wire.Code) {
	if keeperWrites[op.Op] {
		return x.keeperWrite(op)
	}
	switch r := op.Record.(type) {
	case *wire.CreateRequest:
		if op.Op == wire.OpCreate2 && x.t.d.create2AsCreate {
			op.Op = wire.OpCreate // so it is answered
		}
		return x.creation(op.Op, r, -1)
	case *wire.CreateTTLRequest:
		return x.createTTL(r)
	case *wire.DeleteRequest:
		return nil, x.delete(r.Path, r.Version)
	case *wire.SetDataRequest:
		return x.setData(r)
	case *wire.CheckVersionRequest:
		return nil, x.check(r.Path, r.Version)
	}
	return nil, wire.CodeMarshallingError
}

// failed returns the results of n operations of which the one at index at failed.
func failed(n, at int, code wire.Code) *wire.MultiResponse {
	results := make([]wire.MultiResult, n)
	for i := range results {
		e := &wire.ErrorResponse{Err: wire.CodeRuntimeInconsistency}
		if i < at {
			e.Err = wire.CodeOK
		} else if i == at {
			e.Err = code
		}
		results[i] = wire.MultiResult{Op: wire.OpError, Record: e}
	}
	return &wire.MultiResponse{Results: results}
}

// multiRead does several reads, each with a result or an error of its own. It sets no watches, but
// on a server that does.
func (q *call) multiRead(r *wire.MultiRequest) (wire.Record, wire.Code) {
	results := make(typedResults, len(r.Ops))
	for i, op := range r.Ops {
		if !q.s.dialect.reads[op.Op] {
			return q.strange(q.s.dialect.strangeMember)
		}
		typ := op.Op
		if typ == wire.OpFilteredList {
			typ = wire.OpGetChildren2
		}
		record, code := q.member(op)
		if code == wire.CodeNoAuth && q.s.dialect.rightsFirst {
			return nil, code
		}
		if code != wire.CodeOK {
			record = &wire.ErrorResponse{Err: code}
			if !q.s.dialect.typedErrors {
				typ = wire.OpError
			}
		}
		results[i] = wire.MultiResult{Op: typ, Record: record}
	}
	return results, wire.CodeOK
}

// member does a read of a multiRead.
func (q *call) member(op wire.MultiOp) (wire.Record, wire.Code) {
	watches := q.s.dialect.readsWatch
	switch r := op.Record.(type) {
	case *wire.ExistsRequest:
		r.Watch = r.Watch && watches
		return q.exists(r)
	case *wire.GetDataRequest:
		r.Watch = r.Watch && watches
		return q.getData(r)
	case *wire.GetChildrenRequest:
		r.Watch = r.Watch && watches
		if op.Op == wire.OpGetChildren2 {
			return q.getChildren2(r)
		}
		return q.getChildren(r)
	case *wire.FilteredListRequest:
		r.Watch = r.Watch && watches
		return q.filteredList(r)
	}
	return nil, wire.CodeMarshallingError
}

// typedResults are results of which a failed one, under another type than error, is its header
// alone.
type typedResults []wire.MultiResult

func (r typedResults) Append(b []byte) []byte {
	for _, result := range r {
		if e, ok := result.Record.(*wire.ErrorResponse); ok && result.Op != wire.OpError {
			h := wire.MultiHeader{Op: result.Op, Err: e.Err}
			b = h.Append(b)
			continue
		}
		one := wire.MultiResponse{Results: []wire.MultiResult{result}}
		b = one.Append(b)
		b = b[:len(b)-len(wire.AppendMultiEnd(nil))]
	}
	return wire.AppendMultiEnd(b)
}

// Decode is there for the interface: a server only answers.
func (typedResults) Decode(*wire.Decoder) { panic("zktest: a reply is not decoded") }
