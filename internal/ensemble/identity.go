package ensemble

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/zkfs/zkfs/zk"
)

// identities are those of the session, as the servers see them, asked for once in a session.
type identities struct {
	mu      sync.Mutex // guards the following
	session int64
	known   []zk.Identity
}

// WhoAmI returns the identities of the session, or nil if the servers do not tell (before ZooKeeper
// 3.7).
func (e *Ensemble) WhoAmI(ctx context.Context) ([]zk.Identity, error) {
	session := e.conn.SessionID()
	e.identities.mu.Lock()
	known, same := e.identities.known, e.identities.session == session
	e.identities.mu.Unlock()
	if same && known != nil {
		return known, nil
	}
	ids, err := e.conn.WithContext(ctx).WhoAmI()
	for err != nil && e.watch.again(ctx, err) {
		ids, err = e.conn.WithContext(ctx).WhoAmI()
	}
	if errors.Is(err, zk.ErrUnimplemented) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	e.identities.mu.Lock()
	e.identities.session, e.identities.known = session, ids
	e.identities.mu.Unlock()
	return ids, nil
}

// Allowed returns ErrPermission if the ACL of the znode at path certainly denies perm to this
// session. What cannot be told is left to the server, which checks every request anyway.
func (e *Ensemble) Allowed(ctx context.Context, path string, perm int32) error {
	acl, err := e.ACL(ctx, path)
	if errors.Is(err, zk.ErrNoAuth) {
		return nil // the ACL may be read by fewer than the data
	}
	if err != nil {
		return err
	}
	return e.Permits(ctx, acl, perm)
}

// ACL reads the ACL of the znode at path, always from the servers: its change fires no watch.
func (e *Ensemble) ACL(ctx context.Context, path string) ([]zk.ACL, error) {
	acl, _, err := e.ACLStat(ctx, path)
	return acl, err
}

// ACLStat is ACL with the Stat that belongs to it.
func (e *Ensemble) ACLStat(ctx context.Context, path string) ([]zk.ACL, *zk.Stat, error) {
	for {
		acl, st, err := e.conn.WithContext(ctx).GetACL(path)
		if err == nil || !e.watch.again(ctx, err) {
			return acl, st, err
		}
	}
}

// Permits returns ErrPermission if acl certainly denies perm to this session.
func (e *Ensemble) Permits(ctx context.Context, acl []zk.ACL, perm int32) error {
	for _, e := range acl {
		if e.Perms&perm != 0 && e.Scheme == "world" {
			return nil
		}
	}
	ids, err := e.WhoAmI(ctx)
	if err != nil {
		return err
	}
	if ids == nil || Grants(acl, ids, perm) {
		return nil
	}
	return ErrPermission
}

// Grants reports whether acl gives perm to one of ids, or may do so: networks and schemes of
// plug-ins are not understood here.
func Grants(acl []zk.ACL, ids []zk.Identity, perm int32) bool {
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
