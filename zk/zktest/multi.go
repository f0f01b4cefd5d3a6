package zktest

import "github.com/zkfs/zkfs/zk/internal/wire"

// multi does all of the operations or none. Its own code is always OK: where an operation failed, its result has the code, those
// before it 0, and those behind it, which were never tried, RuntimeInconsistency.
func (x *txn) multi(r *wire.MultiRequest) (wire.Record, wire.Code) {
	results := make([]wire.MultiResult, 0, len(r.Ops))
	for i, op := range r.Ops {
		record, code := x.do(op)
		if code != wire.CodeOK {
			x.rollback()
			return failed(len(r.Ops), i, code), wire.CodeOK
		}
		typ := op.Op
		if _, ok := record.(*wire.Create2Response); ok {
			typ = wire.OpCreate2 // of containers and TTL nodes too
		}
		results = append(results, wire.MultiResult{Op: typ, Record: record})
	}
	return &wire.MultiResponse{Results: results}, wire.CodeOK
}

// do does one operation of a multi.
func (x *txn) do(op wire.MultiOp) (wire.Record, wire.Code) {
	switch r := op.Record.(type) {
	case *wire.CreateRequest:
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
