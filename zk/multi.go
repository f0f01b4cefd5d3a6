package zk

import (
	"fmt"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// Operations of [Conn.Multi] and [Conn.Pipeline]. Their fields mean what the arguments of the methods of their names mean.
type (
	// PathVersionRequest is the form of a delete and of a check.
	PathVersionRequest struct {
		Path    string
		Version int32
	}

	// CreateRequest is a create. Flags may be FlagContainer too.
	CreateRequest struct {
		Path  string
		Data  []byte
		Acl   []ACL
		Flags int32
	}

	// CreateContainerRequest is the create of a container.
	CreateContainerRequest CreateRequest

	// CreateTTLRequest is a create with a time to live in milliseconds.
	CreateTTLRequest struct {
		Path  string
		Data  []byte
		Acl   []ACL
		Flags int32
		Ttl   int64
	}

	// DeleteRequest is a delete.
	DeleteRequest PathVersionRequest

	// CheckVersionRequest makes a multi fail with ErrNoNode or ErrBadVersion where the znode is not in that version.
	CheckVersionRequest PathVersionRequest

	// SetDataRequest is a set.
	SetDataRequest struct {
		Path    string
		Data    []byte
		Version int32
	}
)

// MultiResponse is the result of one operation of a multi.
type MultiResponse struct {
	Stat   *Stat  // of a set, and of creates where the server tells
	String string // the path of a create
	Error  error
}

// Multi does all of ops or none of them, as one transaction. Each is a *[CreateRequest], *[CreateContainerRequest], *[CreateTTLRequest],
// *[DeleteRequest], *[SetDataRequest] or *[CheckVersionRequest], and sees what those before it have done.
//
// [ErrUnimplemented] comes, and nothing is sent, where the server lacks containers or times to live and ops have them.
//
// When it fails, the error is that of the operation at fault, which is the first to have it in its
// MultiResponse too; those behind it have [ErrRolledBack] there. The whole request counts against the server's packet limit ([ErrTooLarge]).
func (c *Conn) Multi(ops ...interface{}) ([]MultiResponse, error) {
	if len(ops) == 0 {
		return []MultiResponse{}, c.over() // nothing is sent: an empty multi has killed servers
	}
	request := wire.MultiRequest{Ops: make([]wire.MultiOp, len(ops))}
	for i, op := range ops {
		code, record, err := c.writeRecord(op)
		if err == nil {
			err = c.prove(code)
		}
		if err != nil {
			return nil, err
		}
		request.Ops[i] = wire.MultiOp{Op: code, Record: record}
	}
	cl := c.newCall(wire.OpMulti)
	cl.body = request.Append(cl.body)
	if err := c.do(cl); err != nil {
		return nil, err
	}
	defer cl.free()
	var r wire.MultiResponse
	if err := c.decode(cl, r.Decode); err != nil {
		return nil, err
	}
	if len(r.Results) != len(ops) {
		return nil, fmt.Errorf("zk: multi: %w: %d results for %d operations", wire.ErrMalformed, len(r.Results), len(ops))
	}
	return c.multiResponses(r.Results)
}

// writeRecord returns the opcode and the record of an operation that writes.
func (c *Conn) writeRecord(op interface{}) (wire.Op, wire.Record, error) {
	switch op := op.(type) {
	case *CreateRequest:
		return c.createRecord(op)
	case *CreateContainerRequest:
		create := CreateRequest(*op)
		create.Flags = FlagContainer
		return c.createRecord(&create)
	case *CreateTTLRequest:
		if op.Flags != FlagTTL && op.Flags != FlagPersistentSequentialWithTTL {
			return 0, nil, ErrInvalidFlags
		}
		if err := validateCreate(op.Path, op.Flags == FlagPersistentSequentialWithTTL); err != nil {
			return 0, nil, err
		}
		return wire.OpCreateTTL, &wire.CreateTTLRequest{
			Path: c.withChroot(op.Path), Data: op.Data, ACL: wireACL(op.Acl), Flags: op.Flags, TTL: op.Ttl}, nil
	case *DeleteRequest:
		p, err := c.serverPath(op.Path)
		return wire.OpDelete, &wire.DeleteRequest{Path: p, Version: op.Version}, err
	case *SetDataRequest:
		p, err := c.serverPath(op.Path)
		return wire.OpSetData, &wire.SetDataRequest{Path: p, Data: op.Data, Version: op.Version}, err
	case *CheckVersionRequest:
		p, err := c.serverPath(op.Path)
		return wire.OpCheck, &wire.CheckVersionRequest{Path: p, Version: op.Version}, err
	}
	return 0, nil, fmt.Errorf("zk: unknown operation type %T", op)
}

func (c *Conn) createRecord(op *CreateRequest) (wire.Op, wire.Record, error) {
	if op.Flags < FlagPersistent || op.Flags > FlagContainer {
		return 0, nil, ErrInvalidFlags
	}
	if err := validateCreate(op.Path, op.Flags&FlagSequence != 0); err != nil {
		return 0, nil, err
	}
	code := wire.OpCreate
	if op.Flags == FlagContainer {
		code = wire.OpCreateContainer
	}
	return code, &wire.CreateRequest{
		Path: c.withChroot(op.Path), Data: op.Data, ACL: wireACL(op.Acl), Flags: op.Flags}, nil
}

// multiResponses turns the results of a multi into what Multi returns.
func (c *Conn) multiResponses(results []wire.MultiResult) ([]MultiResponse, error) {
	var fault error
	responses := make([]MultiResponse, len(results))
	for i, result := range results {
		switch r := result.Record.(type) {
		case *wire.CreateResponse:
			responses[i].String, responses[i].Error = c.receivedPath(r.Path)
		case *wire.Create2Response:
			responses[i].String, responses[i].Error = c.receivedPath(r.Path)
			responses[i].Stat = statOf(&r.Stat)
		case *wire.SetDataResponse:
			responses[i].Stat = statOf(&r.Stat)
		case *wire.ErrorResponse:
			switch {
			case r.Err == wire.CodeOK: // before the one at fault
			case fault == nil:
				responses[i].Error = errorOf(r.Err)
			default:
				responses[i].Error = ErrRolledBack
			}
		}
		if fault == nil {
			fault = responses[i].Error
		}
	}
	return responses, fault
}
