package fs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/zkfs/zkfs/xattr"
	"github.com/zkfs/zkfs/zk"
)

// ErrNoIdentity is the error of [Mount] if new znodes are to belong to the creator and the session
// has proved no identity: the servers would refuse each of them, and most programs would not hear
// of it.
var ErrNoIdentity = errors.New("new znodes are to belong to this session, which has no credentials")

// canOwn returns ErrNoIdentity if the servers would refuse the ACL of everything that this mount
// creates.
func (f *FS) canOwn(ctx context.Context) error {
	auth := f.o.ACL == ACLCreator ||
		f.o.ACL == ACLList && slices.ContainsFunc(f.o.ACLs, func(a zk.ACL) bool { return a.Scheme == "auth" })
	if !auth || f.o.ReadOnly {
		return nil
	}
	ids, err := f.ensemble.WhoAmI(ctx)
	if err != nil {
		return fmt.Errorf("ask for the session's identities: %w", err)
	}
	if ids == nil || slices.ContainsFunc(ids, func(id zk.Identity) bool { return id.Scheme != "ip" }) {
		return nil
	}
	return ErrNoIdentity
}

// lately is an answer of aclIn for a directory: something can be created there, with this ACL. It is trusted for as long as a list of children
// that no watch stands for. That nothing can be created is asked anew each time.
type lately struct {
	acl     []zk.ACL
	asked   time.Time
	epoch   uint32 // of the cache, before the servers were asked
	changes uint64 // of ACLs by this mount, likewise
}

// newACL returns the ACL for something created in d, or why nothing can be.
func (d *dir) newACL(ctx context.Context) ([]zk.ACL, error) {
	if d.isGone() {
		return nil, zk.ErrNoNode
	}
	epoch, trust := d.fs.ensemble.Trust()
	now := lately{asked: time.Now(), epoch: epoch, changes: d.fs.ensemble.ACLChanges()}
	d.mu.Lock()
	last := d.lately
	d.mu.Unlock()
	if last != nil && now.asked.Sub(last.asked) < trust && now.epoch == last.epoch && now.changes == last.changes {
		d.fs.ensemble.Glimpse(ctx, d.where()) // who creates one after another looks for each name first
		return last.acl, nil
	}
	acl, err := d.fs.aclIn(ctx, d.where())
	if err != nil {
		return nil, err
	}
	now.acl = acl
	d.mu.Lock()
	d.lately = &now
	d.mu.Unlock()
	return acl, nil
}

// aclIn returns the ACL for a new child of the znode at parent, or why there can be none.
func (f *FS) aclIn(ctx context.Context, parent string) ([]zk.ACL, error) {
	acl, err := f.ensemble.ACL(ctx, parent)
	return f.aclUnder(ctx, parent, acl, err)
}

// aclUnder is aclIn when the ACL of the parent, or why it is not known, is there already.
func (f *FS) aclUnder(ctx context.Context, parent string, acl []zk.ACL, err error) ([]zk.ACL, error) {
	hidden := errors.Is(err, zk.ErrNoAuth)
	if err != nil && !hidden {
		return nil, err
	}
	if !hidden {
		if err := f.ensemble.Permits(ctx, acl, zk.PermCreate); err != nil {
			return nil, err
		}
	}
	switch f.o.ACL {
	case ACLOpen:
		return zk.WorldACL(zk.PermAll), nil
	case ACLCreator:
		return zk.AuthACL(zk.PermAll), nil
	case ACLList:
		return f.o.ACLs, nil
	}
	if hidden {
		return nil, err
	}
	if masked(acl) {
		f.log.Error("create: the servers do not show the digests of the parent's ACL; mount with --acl creator", "path", parent)
		return nil, errMaskedACL
	}
	return acl, nil
}

// masked reports whether the server replaced a digest in acl, as it does for sessions that may not administer the znode.
func masked(acl []zk.ACL) bool {
	_, masked := xattr.Masked(acl)
	return masked
}
