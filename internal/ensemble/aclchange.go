package ensemble

import (
	"context"
	"slices"
	"strings"

	"github.com/zkfs/zkfs/zk"
)

// ACLChange replaces the ACL of a znode if its version is that of Seen.
type ACLChange struct {
	Path string
	ACL  []zk.ACL
	Seen *zk.Stat
}

func (c ACLChange) about() string { return c.Path }

func (c ACLChange) attempt(ctx context.Context, e *Ensemble) (*zk.Stat, error) {
	_, err := e.conn.WithContext(ctx).SetACL(c.Path, c.ACL, c.Seen.Aversion)
	return nil, err
}

func (c ACLChange) outcome(ctx context.Context, e *Ensemble, after evidence) error {
	switch {
	case after.Stat == nil:
		return zk.ErrNoNode
	case after.Stat.Aversion == c.Seen.Aversion:
		return errNotMade
	case after.Stat.Aversion != c.Seen.Aversion+1:
		return ErrUnresolved
	}
	now, _, err := e.ACLStat(ctx, c.Path)
	switch {
	case err != nil: // which the new ACL may forbid
		return ErrUnresolved
	case stored(c.ACL, now):
		return nil
	case isRest(now, c.ACL):
		return ErrUnresolved
	}
	return zk.ErrBadVersion
}

// stored reports whether a server that was given acl shows all of it in now.
func stored(acl, now []zk.ACL) bool {
	return !slices.ContainsFunc(acl, func(a zk.ACL) bool { return !shown(a, now) })
}

// isRest reports whether now may be what ClickHouse Keeper and RaftKeeper keep of acl: they drop
// entries of world, and of schemes that they do not have. Another client may have set the same.
func isRest(now, acl []zk.ACL) bool {
	rest := 0
	for _, a := range acl {
		switch {
		case shown(a, now):
			rest++
		case a.Scheme == "digest" || a.Scheme == "auth":
			return false
		}
	}
	return len(now) <= rest || slices.ContainsFunc(acl, func(a zk.ACL) bool { return a.Scheme == "auth" })
}

// shown reports whether now has the entry a as a server shows it: with the identities of the
// session in place of the scheme auth, and without digests to a session that may not administer the
// znode.
func shown(a zk.ACL, now []zk.ACL) bool {
	user, _, _ := strings.Cut(a.ID, ":")
	mask := zk.ACL{Perms: a.Perms, Scheme: "digest", ID: user + ":x"}
	return slices.ContainsFunc(now, func(b zk.ACL) bool {
		return a == b || a.Scheme == "auth" && a.Perms == b.Perms || a.Scheme == "digest" && b == mask
	})
}

// SetACL replaces the ACL that the znode at path has at this moment, whatever it is.
func (e *Ensemble) SetACL(ctx context.Context, path string, acl []zk.ACL) error {
	defer e.aclChanges.Add(1)
	return e.LookAgain(ctx, func() error {
		_, st, err := e.ACLStat(ctx, path)
		if err != nil {
			return err
		}
		_, err = e.Do(ctx, ACLChange{path, acl, st})
		return Overtaken(err)
	}, path)
}
