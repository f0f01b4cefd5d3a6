package fs

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

// aclPolicy says which ACL a new znode gets.
type aclPolicy struct {
	mode     ACLMode
	list     []zk.ACL // for ACLList
	ensemble *ensemble.Ensemble
	log      *slog.Logger
}

// ErrNoIdentity is the error of [Mount] if new znodes are to belong to the creator and the session
// has proved no identity: the servers would refuse each of them, and most programs would not hear
// of it.
var ErrNoIdentity = errors.New("new znodes are to belong to this session, which has no credentials")

// canOwn returns ErrNoIdentity if the servers would refuse the ACL of everything that this mount
// creates.
func (p aclPolicy) canOwn(ctx context.Context) error {
	auth := p.mode == ACLCreator ||
		p.mode == ACLList && slices.ContainsFunc(p.list, isAuth)
	if !auth {
		return nil
	}
	ids, err := p.ensemble.WhoAmI(ctx)
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

// aclIn returns the ACL for a new child of the znode at parent, or why there can be none.
func (p aclPolicy) aclIn(ctx context.Context, parent string) ([]zk.ACL, error) {
	acl, err := p.ensemble.ACL(ctx, parent)
	return p.aclUnder(ctx, parent, acl, err)
}

// aclUnder is aclIn when the ACL of the parent, or why it is not known, is there already.
func (p aclPolicy) aclUnder(ctx context.Context, parent string, acl []zk.ACL, err error) ([]zk.ACL, error) {
	hidden := errors.Is(err, zk.ErrNoAuth)
	if err != nil && !hidden {
		return nil, err
	}
	if !hidden {
		if err := p.ensemble.Permits(ctx, acl, zk.PermCreate); err != nil {
			return nil, err
		}
	}
	switch p.mode {
	case ACLOpen:
		return zk.WorldACL(zk.PermAll), nil
	case ACLCreator:
		return zk.AuthACL(zk.PermAll), nil
	case ACLList:
		return p.list, nil
	}
	if hidden {
		return nil, err
	}
	if masked(acl) {
		p.log.Error("create: the servers do not show the digests of the parent's ACL; mount with --acl creator", "path", parent)
		return nil, errno.ErrMaskedACL
	}
	return acl, nil
}

// masked reports whether the server replaced a digest in acl, as it does for sessions that may not
// administer the znode.
func masked(acl []zk.ACL) bool {
	_, masked := xattr.Masked(acl)
	return masked
}
