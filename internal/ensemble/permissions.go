package ensemble

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
		switch err := e.Permits(ctx, acl, perm); {
		case err == nil:
			perms |= perm
		case !errors.Is(err, ErrPermission):
			return 0, err
		}
	}
	return perms, nil
}

// statACL is Exists and getACL in one request. It fails with zk.ErrNoAuth if the session may not
// read the ACL.
func (e *Ensemble) statACL(ctx context.Context, c *zk.Conn, path string) (Snapshot, error) {
	acl, st, err := c.GetACL(path)
	if err != nil {
		return Snapshot{}, err
	}
	perms, err := e.permsOf(ctx, acl)
	return Snapshot{Stat: st, Perms: perms, HasPerms: true}, err
}

// addPerms completes what is known about the znode at path by what the session may do with it, with
// one more request if need be.
func (e *Ensemble) addPerms(ctx context.Context, path string, s Snapshot) (Snapshot, error) {
	found := []Snapshot{s}
	err := e.addAllPerms(ctx, []string{path}, found)
	return found[0], err
}

// addAllPerms is addPerms for many znodes: however many, their ACLs are asked for at once.
func (e *Ensemble) addAllPerms(ctx context.Context, paths []string, found []Snapshot) error {
	if !e.o.Perms {
		return nil
	}
	var lack []int
	for i, s := range found {
		if s.Stat != nil && !s.HasPerms {
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
func (e *Ensemble) addPermsOf(ctx context.Context, r zk.Result, t ticket, s *Snapshot) (err error) {
	got := Snapshot{Stat: r.Stat, HasPerms: true}
	switch {
	case r.Err == nil:
		got.Perms, err = e.permsOf(ctx, r.ACL)
	case errors.Is(r.Err, zk.ErrNoAuth):
		got.Stat = s.Stat
	case errors.Is(r.Err, zk.ErrNoNode):
		s.Guarded = false // it was deleted meanwhile
	default:
		err = r.Err
	}
	if err != nil || !s.Guarded {
		e.cache.cancel(t)
	} else {
		e.cache.fill(t, got)
	}
	if err == nil {
		s.Perms, s.HasPerms = got.Perms, true
	}
	return err
}
