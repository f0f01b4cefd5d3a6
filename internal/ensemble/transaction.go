package ensemble

import (
	"bytes"
	"context"
	"errors"

	"github.com/zkfs/zkfs/zk"
)

// Move brings a znode, with all below it, to another path by one transaction.
type Move struct {
	From, To string
	Source   Snapshot  // at From, with its data if it is a file
	Before   *zk.Stat  // at To; nil: nothing
	Replaces bool      // what was there is deleted, and not written
	Ops      []any     // the requests of the transaction
	ACLs     []SeenACL // of znodes below From that Ops create anew: the move is made only if they are so
}

func (c Move) about() string { return c.From }

func (c Move) attempt(ctx context.Context, e *Ensemble) (*zk.Stat, error) {
	if err := e.sameACLs(ctx, c.ACLs...); err != nil {
		return nil, err
	}
	return nil, e.transact(ctx, c.Ops...)
}

func (c Move) outcome(ctx context.Context, e *Ensemble, after evidence) error {
	if after.Stat != nil && SameIncarnation(after.Stat, c.Source.Stat) {
		if SameVersion(after.Stat, c.Source.Stat) {
			return errNotMade
		}
		return zk.ErrBadVersion
	}
	// It is gone: by the move, or by another client.
	end, err := e.AfterSync(ctx, c.To)
	switch {
	case err != nil || end.Stat == nil:
		return ErrUnresolved
	case c.Before == nil:
		return nil
	case c.Replaces && SameIncarnation(end.Stat, c.Before):
		return zk.ErrNoNode
	case c.Replaces:
		return nil
	}
	switch err := wasSet(end, c.Before, c.Source.Data); {
	case errors.Is(err, errNotMade), errors.Is(err, zk.ErrBadVersion):
		return zk.ErrNoNode
	default:
		return err
	}
}

// Exchange swaps the data of two znodes.
type Exchange struct {
	A, B     string
	InA, InB Snapshot
}

func (c Exchange) about() string { return c.A }

func (c Exchange) attempt(ctx context.Context, e *Ensemble) (*zk.Stat, error) {
	return nil, e.transact(ctx,
		&zk.SetDataRequest{Path: c.A, Data: c.InB.Data, Version: c.InA.Stat.Version},
		&zk.SetDataRequest{Path: c.B, Data: c.InA.Data, Version: c.InB.Stat.Version},
	)
}

func (c Exchange) outcome(ctx context.Context, e *Ensemble, after evidence) error {
	end, err := e.AfterSync(ctx, c.B)
	if err != nil {
		return ErrUnresolved
	}
	return c.judge(after.Snapshot, end)
}

// judge is the outcome by what is at A and at B.
func (c Exchange) judge(a, b Snapshot) error {
	one, other := wasSet(a, c.InA.Stat, c.InB.Data), wasSet(b, c.InB.Stat, c.InA.Data)
	one1, other1 := errors.Is(one, errNotMade), errors.Is(other, errNotMade)
	switch {
	case one1 && other1:
		return errNotMade
	case one == nil && other == nil:
		if a.Stat.Mzxid == b.Stat.Mzxid { // of one transaction
			return nil
		}
		return zk.ErrBadVersion
	case one1, other1, errors.Is(one, zk.ErrBadVersion), errors.Is(other, zk.ErrBadVersion):
		// One is not as the exchange leaves it, and no other client wrote it since.
		return zk.ErrBadVersion
	}
	return ErrUnresolved
}

// Replacement puts another znode in the place of the one at Path, if the version of that is the one
// of Base. An ephemeral makes way for an ephemeral.
type Replacement struct {
	Path string
	Data []byte
	ACL  []zk.ACL
	Base *zk.Stat
}

func (c Replacement) about() string { return c.Path }

func (c Replacement) attempt(ctx context.Context, e *Ensemble) (*zk.Stat, error) {
	create := &zk.CreateRequest{Path: c.Path, Data: c.Data, Acl: c.ACL}
	if c.Base.EphemeralOwner != 0 {
		create.Flags = zk.FlagEphemeral
	}
	err := e.transact(ctx, &zk.DeleteRequest{Path: c.Path, Version: c.Base.Version}, create)
	if err != nil {
		return nil, err
	}
	return e.made(ctx, c.Path)
}

func (c Replacement) outcome(_ context.Context, _ *Ensemble, after evidence) error {
	switch {
	case after.Stat == nil:
		return ErrUnresolved
	case SameIncarnation(after.Stat, c.Base) && SameVersion(after.Stat, c.Base):
		return errNotMade
	case SameIncarnation(after.Stat, c.Base):
		return zk.ErrBadVersion
	case !bytes.Equal(after.Data, c.Data):
		return zk.ErrNodeExists
	}
	return nil
}

// A SeenACL is the ACL of a znode, with the Stat that belongs to it.
type SeenACL struct {
	Path string
	ACL  []zk.ACL
	Stat *zk.Stat
}

// sameACLs returns zk.ErrBadVersion if one of the znodes has another ACL than was seen, or is
// another znode. No server takes an ACL's version for a condition of a transaction, so a change that
// other clients make between this question and the transaction is lost with the znode.
func (e *Ensemble) sameACLs(ctx context.Context, seen ...SeenACL) error {
	ops := make([]any, len(seen))
	for i, s := range seen {
		ops[i] = &zk.ExistsRequest{Path: s.Path}
	}
	for i, r := range e.conn.WithContext(ctx).Pipeline(ops...) {
		was := seen[i].Stat
		switch {
		case r.Err != nil:
			return r.Err
		case r.Stat.Aversion != was.Aversion || !SameIncarnation(r.Stat, was):
			return zk.ErrBadVersion
		}
	}
	return nil
}

// transact makes a transaction.
func (e *Ensemble) transact(ctx context.Context, ops ...any) error {
	for _, op := range ops {
		switch op := op.(type) {
		case *zk.CreateRequest:
			defer e.changing(op.Path, creationEvent)()
		case *zk.DeleteRequest:
			defer e.changing(op.Path, deletionEvent)()
		case *zk.SetDataRequest:
			defer e.changing(op.Path, dataWatch)()
		}
	}
	_, err := e.conn.WithContext(ctx).Multi(ops...)
	return err
}
