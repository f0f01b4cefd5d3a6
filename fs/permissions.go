package fs

import (
	"context"
	"errors"

	"github.com/zkfs/zkfs/zk"
)

// A change of an ACL fires no watch, but it counts up the aversion in the Stat. So what was learned
// of what the session may do counts as long as the Stat has the czxid and the aversion that it came
// with, and is as fresh as that.

// aclVersion says which ACL of a znode is meant.
type aclVersion struct {
	czxid    int64
	aversion int32
}

func aclVersionOf(st *zk.Stat) aclVersion { return aclVersion{st.Czxid, st.Aversion} }

// permsOf returns what acl does not certainly deny to this session.
func (e *Ensemble) permsOf(ctx context.Context, acl []zk.ACL) (perms int32, err error) {
	for _, perm := range []int32{zk.PermRead, zk.PermWrite, zk.PermCreate, zk.PermDelete, zk.PermAdmin} {
		switch err := e.permits(ctx, acl, perm); {
		case err == nil:
			perms |= perm
		case !errors.Is(err, errPermission):
			return 0, err
		}
	}
	return perms, nil
}

// statACL is Exists and getACL in one request. It fails with zk.ErrNoAuth if the session may not read the ACL.
func (e *Ensemble) statACL(ctx context.Context, c *zk.Conn, path string) (snapshot, error) {
	acl, st, err := c.GetACL(path)
	if err != nil {
		return snapshot{}, err
	}
	perms, err := e.permsOf(ctx, acl)
	return snapshot{stat: st, perms: perms, hasPerms: true}, err
}

// addPerms completes what is known about the znode at path by what the session may do with it, with one more request if need be.
func (e *Ensemble) addPerms(ctx context.Context, path string, s snapshot) (snapshot, error) {
	found := []snapshot{s}
	err := e.addAllPerms(ctx, []string{path}, found)
	return found[0], err
}

// addAllPerms is addPerms for many znodes: however many, their ACLs are asked for at once.
func (e *Ensemble) addAllPerms(ctx context.Context, paths []string, found []snapshot) error {
	if !e.o.Perms {
		return nil
	}
	var lack []int
	for i, s := range found {
		if s.stat != nil && !s.hasPerms {
			lack = append(lack, i)
		}
	}
	for len(lack) > 0 {
		ops := make([]any, len(lack))
		tickets := make([]ticket, len(lack))
		for k, i := range lack {
			ops[k] = &zk.GetACLRequest{Path: paths[i]}
			tickets[k] = e.cache.begin(paths[i])
		}
		var left []int
		var failed error
		for k, r := range e.conn.WithContext(ctx).Pipeline(ops...) {
			i := lack[k]
			switch err := e.addPermsOf(ctx, r, tickets[k], &found[i]); {
			case err == nil:
			case e.watch.again(ctx, err):
				left = append(left, i)
			default:
				failed = err
			}
		}
		if failed != nil {
			return failed
		}
		lack = left
	}
	return nil
}

// addPermsOf adds what the ACL in r says to s, which came before it, and keeps it if s is guarded.
func (e *Ensemble) addPermsOf(ctx context.Context, r zk.Result, t ticket, s *snapshot) (err error) {
	got := snapshot{stat: r.Stat, hasPerms: true}
	switch {
	case r.Err == nil:
		got.perms, err = e.permsOf(ctx, r.ACL)
	case errors.Is(r.Err, zk.ErrNoAuth):
		got.stat = s.stat
	case errors.Is(r.Err, zk.ErrNoNode):
		s.guarded = false // it was deleted meanwhile
	default:
		err = r.Err
	}
	if err != nil || !s.guarded {
		e.cache.cancel(t)
	} else {
		e.cache.fill(t, got)
	}
	if err == nil {
		s.perms, s.hasPerms = got.perms, true
	}
	return err
}
