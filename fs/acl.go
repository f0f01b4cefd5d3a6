package fs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zkfs/zkfs/xattr"
	"github.com/zkfs/zkfs/zk"
)

// identities is who the session is, as the servers see it, asked for once in a session.
type identities struct {
	mu      sync.Mutex // guards the following
	session int64
	known   []zk.Identity
	lacking bool // the servers do not tell (before 3.7)
}

// whoAmI returns the identities of the session, or nil if the servers do not tell (before ZooKeeper 3.7).
func (f *FS) whoAmI(ctx context.Context) ([]zk.Identity, error) {
	session := f.conn.SessionID()
	f.identities.mu.Lock()
	known, same, lacking := f.identities.known, f.identities.session == session, f.identities.lacking
	f.identities.mu.Unlock()
	if same && known != nil || lacking {
		return known, nil
	}
	ids, err := f.conn.WithContext(ctx).WhoAmI()
	for err != nil && f.watch.again(ctx, err) {
		ids, err = f.conn.WithContext(ctx).WhoAmI()
	}
	if errors.Is(err, zk.ErrUnimplemented) {
		f.identities.mu.Lock()
		f.identities.lacking = true
		f.identities.mu.Unlock()
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f.identities.mu.Lock()
	f.identities.session, f.identities.known = session, ids
	f.identities.mu.Unlock()
	return ids, nil
}

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
	ids, err := f.whoAmI(ctx)
	if err != nil {
		return fmt.Errorf("ask for the session's identities: %w", err)
	}
	if ids == nil || slices.ContainsFunc(ids, func(id zk.Identity) bool { return id.Scheme != "ip" }) {
		return nil
	}
	return ErrNoIdentity
}

// allowed returns errPermission if the ACL of the znode at path certainly denies perm to this session. What cannot be
// told is left to the server, which checks every request anyway.
func (f *FS) allowed(ctx context.Context, path string, perm int32) error {
	acl, err := f.acl(ctx, path)
	if errors.Is(err, zk.ErrNoAuth) {
		return nil // the ACL may be read by fewer than the data
	}
	if err != nil {
		return err
	}
	return f.permits(ctx, acl, perm)
}

// acl reads the ACL of the znode at path, always from the servers: its change fires no watch. See newACL for what it is that is trusted.
func (f *FS) acl(ctx context.Context, path string) ([]zk.ACL, error) {
	acl, _, err := f.aclStat(ctx, path)
	return acl, err
}

func (f *FS) aclStat(ctx context.Context, path string) ([]zk.ACL, *zk.Stat, error) {
	for {
		acl, st, err := f.conn.WithContext(ctx).GetACL(path)
		if err == nil || !f.watch.again(ctx, err) {
			return acl, st, err
		}
	}
}

// permits returns errPermission if acl certainly denies perm to this session.
func (f *FS) permits(ctx context.Context, acl []zk.ACL, perm int32) error {
	for _, e := range acl {
		if e.Perms&perm != 0 && e.Scheme == "world" {
			return nil
		}
	}
	ids, err := f.whoAmI(ctx)
	if err != nil {
		return err
	}
	if ids == nil || grants(acl, ids, perm) {
		return nil
	}
	return errPermission
}

// grants reports whether acl gives perm to one of ids, or may do so: networks and schemes of plug-ins are not understood here.
func grants(acl []zk.ACL, ids []zk.Identity, perm int32) bool {
	for _, id := range ids {
		if id.Scheme == "super" {
			return true
		}
	}
	for _, e := range acl {
		if e.Perms&perm == 0 {
			continue
		}
		switch e.Scheme {
		case "world":
			return true
		case "digest":
			// The servers show the name of the user alone.
			user, _, _ := strings.Cut(e.ID, ":")
			for _, id := range ids {
				if id.Scheme == "digest" && (id.User == user || id.User == "super") {
					return true
				}
			}
		case "sasl", "x509":
			for _, id := range ids {
				if id.Scheme == e.Scheme && (id.User == e.ID || id.User == "super") {
					return true
				}
			}
		default:
			return true
		}
	}
	// The superuser of the digest scheme is in no ACL.
	for _, id := range ids {
		if id.Scheme == "digest" && id.User == "super" {
			return true
		}
	}
	return false
}

// lately is an answer of aclIn for a directory: something can be created there, with this ACL. It is trusted for as long as a list of children
// that no watch stands for. That nothing can be created is asked anew each time.
type lately struct {
	acl     []zk.ACL
	asked   time.Time
	epoch   uint32 // of the cache, before the servers were asked
	changes uint64 // of FS.aclChanges, likewise
}

// newACL returns the ACL for something created in d, or why nothing can be.
func (d *dir) newACL(ctx context.Context) ([]zk.ACL, error) {
	if d.isGone() {
		return nil, zk.ErrNoNode
	}
	epoch, trust := d.fs.view.cache.trust()
	now := lately{asked: time.Now(), epoch: epoch, changes: d.fs.aclChanges.Load()}
	d.mu.Lock()
	last := d.lately
	d.mu.Unlock()
	if last != nil && now.asked.Sub(last.asked) < trust && now.epoch == last.epoch && now.changes == last.changes {
		d.fs.view.glimpse(ctx, d.where()) // who creates one after another looks for each name first
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
	acl, err := f.acl(ctx, parent)
	return f.aclUnder(ctx, parent, acl, err)
}

// aclUnder is aclIn when the ACL of the parent, or why it is not known, is there already.
func (f *FS) aclUnder(ctx context.Context, parent string, acl []zk.ACL, err error) ([]zk.ACL, error) {
	hidden := errors.Is(err, zk.ErrNoAuth)
	if err != nil && !hidden {
		return nil, err
	}
	if !hidden {
		if err := f.permits(ctx, acl, zk.PermCreate); err != nil {
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
