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

func (c move) attempt(ctx context.Context, f *FS) (*zk.Stat, error) {
	return nil, f.transact(ctx, c.Ops...)
}

func (c move) outcome(ctx context.Context, f *FS, e evidence) error {
	if e.stat != nil && sameIncarnation(e.stat, c.Source.stat) {
		if sameVersion(e.stat, c.Source.stat) {
			return errNotMade
		}
		return zk.ErrBadVersion
	}
	// It is gone: by the move, or by another client.
	end, err := f.afterSync(ctx, c.To)
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

func (c exchange) attempt(ctx context.Context, f *FS) (*zk.Stat, error) {
	return nil, f.transact(ctx,
		&zk.SetDataRequest{Path: c.A, Data: c.InB.data, Version: c.InA.stat.Version},
		&zk.SetDataRequest{Path: c.B, Data: c.InA.data, Version: c.InB.stat.Version},
	)
}

func (c exchange) outcome(ctx context.Context, f *FS, e evidence) error {
	end, err := f.afterSync(ctx, c.B)
	if err != nil {
		return errUnresolved
	}
	return c.judge(e.snapshot, end)
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

func (c replacement) attempt(ctx context.Context, f *FS) (*zk.Stat, error) {
	err := f.transact(ctx,
		&zk.DeleteRequest{Path: c.Path, Version: c.Base.Version},
		&zk.CreateRequest{Path: c.Path, Data: c.Data, Acl: c.ACL},
	)
	if err != nil {
		return nil, err
	}
	return f.made(ctx, c.Path)
}

func (c replacement) outcome(_ context.Context, _ *FS, e evidence) error {
	switch {
	case e.stat == nil:
		return errUnresolved
	case sameIncarnation(e.stat, c.Base) && sameVersion(e.stat, c.Base):
		return errNotMade
	case sameIncarnation(e.stat, c.Base):
		return zk.ErrBadVersion
	case !bytes.Equal(e.data, c.Data):
		return zk.ErrNodeExists
	}
	return nil
}

// transact makes a transaction.
func (f *FS) transact(ctx context.Context, ops ...any) error {
	for _, op := range ops {
		switch op := op.(type) {
		case *zk.CreateRequest:
			defer f.changing(op.Path, created)()
		case *zk.DeleteRequest:
			defer f.changing(op.Path, deleted)()
		case *zk.SetDataRequest:
			defer f.changing(op.Path, dataWatch)()
		}
	}
	_, err := f.conn.WithContext(ctx).Multi(ops...)
	return err
}
