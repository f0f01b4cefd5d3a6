// Package acls decides which ACL a new znode gets.
package acls

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/errno"
	"github.com/zkfs/zkfs/xattr"
	"github.com/zkfs/zkfs/zk"
)

// Mode says which ACL a new znode gets.
type Mode int

// The modes.
const (
	Inherit Mode = iota // that of the parent
	Open                // world:anyone:cdrwa
	Creator             // everything for the identities of the session, nothing for others
	List                // Policy.List
)

// Policy says which ACL the new znodes of a mount get.
type Policy struct {
	Mode     Mode
	List     []zk.ACL // for List
	Ensemble *ensemble.Ensemble
	Log      *slog.Logger
}

// ErrNoIdentity is the error of CanOwn if new znodes are to belong to the creator and the session
// has proved no identity: the servers would refuse each of them, and most programs would not hear
// of it.
var ErrNoIdentity = errors.New("new znodes are to belong to this session, which has no credentials")

// CanOwn returns ErrNoIdentity if the servers would refuse the ACL of everything that this mount
// creates.
func (p Policy) CanOwn(ctx context.Context) error {
	auth := p.Mode == Creator ||
		p.Mode == List && slices.ContainsFunc(p.List, isAuth)
	if !auth {
		return nil
	}
	ids, err := p.Ensemble.WhoAmI(ctx)
	if err != nil {
		return fmt.Errorf("ask for the session's identities: %w", err)
	}
	proved := func(id zk.Identity) bool { return id.Scheme != "ip" }
	if ids == nil || slices.ContainsFunc(ids, proved) {
		return nil
	}
	return ErrNoIdentity
}

func isAuth(a zk.ACL) bool { return a.Scheme == "auth" }

// In returns the ACL for a new child of the znode at parent, or why there can be none.
func (p Policy) In(ctx context.Context, parent string) ([]zk.ACL, error) {
	acl, err := p.Ensemble.ACL(ctx, parent)
	return p.Under(ctx, parent, acl, err)
}

// Under is In when the ACL of the parent, or why it is not known, is there already.
func (p Policy) Under(
	ctx context.Context, parent string, acl []zk.ACL, err error,
) ([]zk.ACL, error) {
	hidden := errors.Is(err, zk.ErrNoAuth)
	if err != nil && !hidden {
		return nil, err
	}
	if !hidden {
		if err := p.Ensemble.Permits(ctx, acl, zk.PermCreate); err != nil {
			return nil, err
		}
	}
	switch p.Mode {
	case Open:
		return zk.WorldACL(zk.PermAll), nil
	case Creator:
		return zk.AuthACL(zk.PermAll), nil
	case List:
		return p.List, nil
	}
	if hidden {
		return nil, err
	}
	if Masked(acl) {
		p.Log.Error("create: the servers do not show the digests of the parent's ACL; "+
			"mount with --acl creator", "path", parent)
		return nil, errno.ErrMaskedACL
	}
	return acl, nil
}

// Masked reports whether the server replaced a digest in acl, as it does for sessions that may not
// administer the znode.
func Masked(acl []zk.ACL) bool {
	_, masked := xattr.Masked(acl)
	return masked
}
