package fs

import (
	"context"
	"errors"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/zkfs/zkfs/zk"
)

// With --modes=acl the permission bits of a file are those of 0644 or 0755 less what the ACL of its znode denies to this session:
//
//	           r       w                     x
//	file       READ    WRITE                 -
//	directory  READ    CREATE or DELETE      always: a znode can be reached whatever the ACLs above it
//
// The kernel refuses what the bits do not show, so a bit is missing only if the servers would certainly refuse. Two permissions that
// share a bit are told apart by open(2) and the servers. Who may not read the ACL has neither READ nor ADMIN and is shown without
// r and w.
//
// A change of an ACL fires no watch, but it counts up the aversion in the Stat. So what was learned counts as long as the Stat has the
// czxid and the aversion that it came with, and is as fresh as that: an ACL that somebody else changes shows after --max-age.

// aclVersion says which ACL of a znode is meant.
type aclVersion struct {
	czxid    int64
	aversion int32
}

func aclVersionOf(st *zk.Stat) aclVersion { return aclVersion{st.Czxid, st.Aversion} }

// perms returns what acl does not certainly deny to this session.
func (f *FS) perms(ctx context.Context, acl []zk.ACL) (perms int32, err error) {
	for _, perm := range []int32{zk.PermRead, zk.PermWrite, zk.PermCreate, zk.PermDelete, zk.PermAdmin} {
		switch err := f.permits(ctx, acl, perm); {
		case err == nil:
			perms |= perm
		case !errors.Is(err, errPermission):
			return 0, err
		}
	}
	return perms, nil
}

// restrict takes away the permission bits of what the session may not do, if that was asked for.
func restrict(out *fuse.Attr, s snapshot) {
	if !s.hasPerms {
		return
	}
	write := int32(zk.PermWrite)
	if out.IsDir() {
		write = zk.PermCreate | zk.PermDelete
	}
	if s.perms&zk.PermRead == 0 {
		out.Mode &^= 0o444
	}
	if s.perms&write == 0 {
		out.Mode &^= 0o222
	}
}

// statACL is Exists and getACL in one request. It fails with zk.ErrNoAuth if the session may not read the ACL.
func (v *view) statACL(ctx context.Context, c *zk.Conn, path string) (snapshot, error) {
	acl, st, err := c.GetACL(path)
	if err != nil {
		return snapshot{}, err
	}
	perms, err := v.perms(ctx, acl)
	return snapshot{stat: st, perms: perms, hasPerms: true}, err
}

// addPerms completes what is known about the znode at path by what the session may do with it, with one more request if need be.
func (v *view) addPerms(ctx context.Context, path string, s snapshot) (snapshot, error) {
	found := []snapshot{s}
	err := v.addAllPerms(ctx, []string{path}, found)
	return found[0], err
}

// addAllPerms is addPerms for many znodes: however many, their ACLs are asked for at once.
func (v *view) addAllPerms(ctx context.Context, paths []string, found []snapshot) error {
	if v.perms == nil {
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
			tickets[k] = v.cache.begin(paths[i])
		}
		var left []int
		var failed error
		for k, r := range v.conn.WithContext(ctx).Pipeline(ops...) {
			i := lack[k]
			switch err := v.addPermsOf(ctx, r, tickets[k], &found[i]); {
			case err == nil:
			case v.watch.again(ctx, err):
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
func (v *view) addPermsOf(ctx context.Context, r zk.Result, t ticket, s *snapshot) (err error) {
	got := snapshot{stat: r.Stat, hasPerms: true}
	switch {
	case r.Err == nil:
		got.perms, err = v.perms(ctx, r.ACL)
	case errors.Is(r.Err, zk.ErrNoAuth):
		got.stat = s.stat
	case errors.Is(r.Err, zk.ErrNoNode):
		s.guarded = false // it was deleted meanwhile
	default:
		err = r.Err
	}
	if err != nil || !s.guarded {
		v.cache.cancel(t)
	} else {
		v.cache.fill(t, got)
	}
	if err == nil {
		s.perms, s.hasPerms = got.perms, true
	}
	return err
}
