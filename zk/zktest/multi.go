package zktest

import "github.com/zkfs/zkfs/zk/internal/wire"

// multi does all of the operations or none. Its own code is OK then too: where an operation failed, its result has the code, those
// before it 0, and those behind it, which were never tried, RuntimeInconsistency.
func (x *txn) multi(r *wire.MultiRequest) (wire.Record, wire.Code) {
	results := make([]wire.MultiResult, 0, len(r.Ops))
	for i, op := range r.Ops {
		if op.Op == wire.OpGetData || op.Op == wire.OpGetChildren {
			x.rollback()
			return nil, wire.CodeMarshallingError
		}
		record, code := x.do(op)
		if code != wire.CodeOK {
			x.rollback()
			return failed(len(r.Ops), i, code), wire.CodeOK
		}
		typ := op.Op
		switch record.(type) {
		case *wire.CreateResponse:
			typ = wire.OpCreate
		case *wire.Create2Response:
			typ = wire.OpCreate2
		}
		results = append(results, wire.MultiResult{Op: typ, Record: record})
	}
	return &wire.MultiResponse{Results: results}, wire.CodeOK
}

// do does one operation of a multi.
func (x *txn) do(op wire.MultiOp) (wire.Record, wire.Code) {
	switch r := op.Record.(type) {
	case *wire.CreateRequest:
		if op.Op == wire.OpCreate2 && x.oldMulti {
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

// multiRead does several reads, each with a result or an error of its own. It sets no watches.
func (q *call) multiRead(r *wire.MultiRequest) (wire.Record, wire.Code) {
	results := make([]wire.MultiResult, len(r.Ops))
	for i, op := range r.Ops {
		var record wire.Record
		var code wire.Code
		switch r := op.Record.(type) {
		case *wire.GetDataRequest:
			record, code = q.getData(&wire.GetDataRequest{Path: r.Path})
		case *wire.GetChildrenRequest:
			record, code = q.getChildren(&wire.GetChildrenRequest{Path: r.Path})
		default:
			return nil, wire.CodeMarshallingError
		}
		results[i] = wire.MultiResult{Op: op.Op, Record: record}
		if code != wire.CodeOK {
			results[i] = wire.MultiResult{Op: wire.OpError, Record: &wire.ErrorResponse{Err: code}}
		}
	}
	return &wire.MultiResponse{Results: results}, wire.CodeOK
}
