package wire

// MultiHeader stands before each operation and each result of a multi, and ends the list with Done.
type MultiHeader struct {
	Op   Op
	Done bool
	Err  Code
}

// AppendMultiEnd appends what ends a multi or its reply.
func AppendMultiEnd(b []byte) []byte {
	end := MultiHeader{Op: OpError, Done: true, Err: -1}
	return end.Append(b)
}

func (r *MultiHeader) Append(b []byte) []byte {
	b = appendInt32(b, int32(r.Op))
	b = appendBool(b, r.Done)
	return appendInt32(b, int32(r.Err))
}

func (r *MultiHeader) Decode(d *Decoder) {
	r.Op = Op(d.int32())
	r.Done = d.bool()
	r.Err = Code(d.int32())
}

// MultiOp is one operation of a multi: the request's record under its opcode.
type MultiOp struct {
	Op     Op
	Record Record
}

// Append appends the operation with its header.
func (o *MultiOp) Append(b []byte) []byte {
	h := MultiHeader{Op: o.Op, Err: -1}
	return o.Record.Append(h.Append(b))
}

// MultiRequest is the record of OpMulti and OpMultiRead (MultiOperationRecord.java).
type MultiRequest struct{ Ops []MultiOp }

func (r *MultiRequest) Append(b []byte) []byte {
	for _, op := range r.Ops {
		b = op.Append(b)
	}
	return AppendMultiEnd(b)
}

func (r *MultiRequest) Decode(d *Decoder) {
	r.Ops = nil
	for d.err == nil {
		var h MultiHeader
		h.Decode(d)
		if h.Done || d.err != nil {
			return
		}
		record := newMultiRequest(h.Op)
		if record == nil {
			d.fail("operation %v in a multi", h.Op)
			return
		}
		record.Decode(d)
		r.Ops = append(r.Ops, MultiOp{h.Op, record})
	}
}

func newMultiRequest(op Op) Record {
	switch op {
	case OpCreate, OpCreate2, OpCreateContainer:
		return new(CreateRequest)
	case OpCreateTTL:
		return new(CreateTTLRequest)
	case OpDelete:
		return new(DeleteRequest)
	case OpSetData:
		return new(SetDataRequest)
	case OpCheck:
		return new(CheckVersionRequest)
	case OpGetData:
		return new(GetDataRequest)
	case OpGetChildren:
		return new(GetChildrenRequest)
	}
	return newKeeperMultiRequest(op)
}

// MultiResult is one result of a multi. Record is nil where the operation returns nothing (delete, check),
// and an *ErrorResponse under OpError where it failed.
type MultiResult struct {
	Op     Op
	Record Record
}

// MultiResponse answers OpMulti and OpMultiRead (MultiResponse.java). A multi that failed has ReplyHeader.Err 0 and every
// result an ErrorResponse: 0 for operations before the one at fault, its code, and RuntimeInconsistency for those behind it.
type MultiResponse struct{ Results []MultiResult }

func (r *MultiResponse) Append(b []byte) []byte {
	for _, result := range r.Results {
		h := MultiHeader{Op: result.Op, Err: 0}
		if e, ok := result.Record.(*ErrorResponse); ok {
			h.Err = e.Err
		}
		b = h.Append(b)
		if result.Record != nil {
			b = result.Record.Append(b)
		}
	}
	return AppendMultiEnd(b)
}

func (r *MultiResponse) Decode(d *Decoder) {
	r.Results = nil
	EachResult(d, func(op Op, code Code) bool {
		record, ok := newMultiResult(op)
		switch e := record.(type) {
		case nil:
		case *ErrorResponse:
			e.Err = code
		default:
			record.Decode(d)
		}
		r.Results = append(r.Results, MultiResult{op, record})
		return ok
	})
}

// EachResult reads a MultiResponse result by result: it calls each with the operation of the next one, whose record each
// must decode from d, or with OpError and the code of an operation that failed. Where each returns false, no such result
// was expected.
//
// ZooKeeper puts a failure under OpError, with an ErrorResponse behind it. ClickHouse Keeper leaves a failed read under
// its own operation, with the code in the header and nothing behind it; ZooKeeper has 0 there.
func EachResult(d *Decoder, each func(op Op, code Code) bool) {
	for d.err == nil {
		var h MultiHeader
		h.Decode(d)
		if h.Done || d.err != nil {
			return
		}
		op, code := h.Op, h.Err
		if op == OpError {
			code = Code(d.int32())
		} else if code != CodeOK {
			op = OpError
		}
		if d.err == nil && !each(op, code) {
			d.fail("result of operation %v", op)
		}
	}
}

// newMultiResult returns the record of op's result. Servers answer create2 under OpCreate, 3.8.0 is one of them
// (ZOOKEEPER-4026), and TTL and container creates under OpCreate2; ClickHouse Keeper answers those under their own.
func newMultiResult(op Op) (Record, bool) {
	switch op {
	case OpCreate:
		return new(CreateResponse), true
	case OpCreate2, OpCreateContainer, OpCreateTTL:
		return new(Create2Response), true
	case OpSetData:
		return new(SetDataResponse), true
	case OpDelete, OpCheck:
		return nil, true
	case OpGetData:
		return new(GetDataResponse), true
	case OpGetChildren:
		return new(GetChildrenResponse), true
	case OpError:
		return new(ErrorResponse), true
	}
	return newKeeperMultiResult(op)
}

// SplitGetData takes an encoded MultiResponse apart that answers getData requests: it calls each, in order, with the encoded
// GetDataResponse, a part of b, or with the code of the error in its place.
func SplitGetData(b []byte, each func(record []byte, code Code)) error {
	d := NewDecoder(b)
	EachResult(&d, func(op Op, code Code) bool {
		start := d.buf
		switch op {
		case OpGetData:
			d.buffer()
			d.take(StatSize)
			if d.err == nil {
				each(start[:len(start)-len(d.buf)], CodeOK)
			}
		case OpError:
			each(nil, code)
		default:
			return false
		}
		return true
	})
	return d.End()
}
