package fs

import (
	"bytes"
	"context"
	"errors"

	"github.com/zkfs/zkfs/zk"
)

// move brings a znode, with all below it, to another path by one transaction.
type move struct {
	From, To string
	Source   snapshot // at From, with its data if it is a file
	Before   *zk.Stat // at To; nil: nothing
	Replaces bool     // what was there is deleted, and not written
	Ops      []any
}

func (c move) about() string { return c.From }

func (c move) attempt(ctx context.Context, e *Ensemble) (*zk.Stat, error) {
	return nil, e.transact(ctx, c.Ops...)
}

func (c move) outcome(ctx context.Context, e *Ensemble, after evidence) error {
	if after.stat != nil && sameIncarnation(after.stat, c.Source.stat) {
		if sameVersion(after.stat, c.Source.stat) {
			return errNotMade
		}
		return zk.ErrBadVersion
	}
	// It is gone: by the move, or by another client.
	end, err := e.afterSync(ctx, c.To)
	switch {
	case err != nil || end.stat == nil:
		return errUnresolved
	case c.Before == nil:
		return nil
	case c.Replaces && sameIncarnation(end.stat, c.Before):
		return zk.ErrNoNode
	case c.Replaces:
		return nil
	}
	switch err := wasSet(end, c.Before, c.Source.data); {
	case errors.Is(err, errNotMade), errors.Is(err, zk.ErrBadVersion):
		return zk.ErrNoNode
	default:
		return err
	}
}

// exchange swaps the data of two znodes.
type exchange struct {
	A, B     string
	InA, InB snapshot
}

func (c exchange) about() string { return c.A }

func (c exchange) attempt(ctx context.Context, e *Ensemble) (*zk.Stat, error) {
	return nil, e.transact(ctx,
		&zk.SetDataRequest{Path: c.A, Data: c.InB.data, Version: c.InA.stat.Version},
		&zk.SetDataRequest{Path: c.B, Data: c.InA.data, Version: c.InB.stat.Version},
	)
}

func (c exchange) outcome(ctx context.Context, e *Ensemble, after evidence) error {
	end, err := e.afterSync(ctx, c.B)
	if err != nil {
		return errUnresolved
	}
	return c.judge(after.snapshot, end)
}

// judge is the outcome by what is at A and at B.
func (c exchange) judge(a, b snapshot) error {
	one, other := wasSet(a, c.InA.stat, c.InB.data), wasSet(b, c.InB.stat, c.InA.data)
	one1, other1 := errors.Is(one, errNotMade), errors.Is(other, errNotMade)
	switch {
	case one1 && other1:
		return errNotMade
	case one == nil && other == nil:
		if a.stat.Mzxid == b.stat.Mzxid { // of one transaction
			return nil
		}
		return zk.ErrBadVersion
	case one1, other1, errors.Is(one, zk.ErrBadVersion), errors.Is(other, zk.ErrBadVersion):
		return zk.ErrBadVersion // one of them is not as the exchange leaves it, and no other client wrote it since
	}
	return errUnresolved
}

// replacement puts another znode in the place of the one at Path, if the version of that is the one
// of Base.
type replacement struct {
	Path string
	Data []byte
	ACL  []zk.ACL
	Base *zk.Stat
}

func (c replacement) about() string { return c.Path }

func (c replacement) attempt(ctx context.Context, e *Ensemble) (*zk.Stat, error) {
	err := e.transact(ctx,
		&zk.DeleteRequest{Path: c.Path, Version: c.Base.Version},
		&zk.CreateRequest{Path: c.Path, Data: c.Data, Acl: c.ACL},
	)
	if err != nil {
		return nil, err
	}
	return e.made(ctx, c.Path)
}

func (c replacement) outcome(_ context.Context, _ *Ensemble, after evidence) error {
	switch {
	case after.stat == nil:
		return errUnresolved
	case sameIncarnation(after.stat, c.Base) && sameVersion(after.stat, c.Base):
		return errNotMade
	case sameIncarnation(after.stat, c.Base):
		return zk.ErrBadVersion
	case !bytes.Equal(after.data, c.Data):
		return zk.ErrNodeExists
	}
	return nil
}

// transact makes a transaction.
func (e *Ensemble) transact(ctx context.Context, ops ...any) error {
	for _, op := range ops {
		switch op := op.(type) {
		case *zk.CreateRequest:
			defer e.changing(op.Path, created)()
		case *zk.DeleteRequest:
			defer e.changing(op.Path, deleted)()
		case *zk.SetDataRequest:
			defer e.changing(op.Path, dataWatch)()
		}
	}
	_, err := e.conn.WithContext(ctx).Multi(ops...)
	return err
}
