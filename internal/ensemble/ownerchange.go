package ensemble

import (
	"bytes"
	"context"

	"github.com/zkfs/zkfs/zk"
)

// OwnerChange puts a znode with the same data and ACL in the place of the one at Path: an ephemeral
// of the session, or a permanent one. It is made only if the version is that of Seen, and the ACL
// that of ACL.
type OwnerChange struct {
	Path      string
	Seen      Snapshot // with its data
	ACL       SeenACL  // at Path
	Ephemeral bool
}

func (c OwnerChange) about() string { return c.Path }

func (c OwnerChange) attempt(ctx context.Context, e *Ensemble) (*zk.Stat, error) {
	if err := e.sameACLs(ctx, c.ACL); err != nil {
		return nil, err
	}
	create := &zk.CreateRequest{Path: c.Path, Data: c.Seen.Data, Acl: c.ACL.ACL}
	ops := []any{&zk.DeleteRequest{Path: c.Path, Version: c.Seen.Stat.Version}, create}
	switch {
	case c.Ephemeral:
		create.Flags = zk.FlagEphemeral
	case len(c.Seen.Data) == 0: // an untouched one is a directory
		ops = append(ops, &zk.SetDataRequest{Path: c.Path, Data: c.Seen.Data, Version: 0})
	}
	return nil, e.transact(ctx, ops...)
}

func (c OwnerChange) outcome(_ context.Context, e *Ensemble, after evidence) error {
	var owner int64
	if c.Ephemeral {
		owner = e.SessionID()
	}
	switch {
	case after.Stat == nil: // it was deleted before or after
		return ErrUnresolved
	case SameVersion(after.Stat, c.Seen.Stat):
		return errNotMade
	case SameIncarnation(after.Stat, c.Seen.Stat):
		return zk.ErrBadVersion
	case after.Stat.EphemeralOwner != owner || !bytes.Equal(after.Data, c.Seen.Data):
		return ErrUnresolved
	}
	return nil
}
