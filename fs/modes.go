package fs

import (
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/zk"
)

// With --modes=acl the permission bits of a file are those of 0644 or 0755 less what the ACL of its znode denies to this session:
//
//	           r       w                     x
//	file       READ    WRITE                 -
//	directory  READ    CREATE or DELETE      always: a znode can be reached whatever the ACLs above it
//
// The kernel refuses what the bits do not show (kernel fact 47), so a bit is missing only if the
// servers would certainly refuse. Two permissions that share a bit are told apart by open(2) and
// the servers. A session that may not read the ACL has neither READ nor ADMIN, and sees neither r
// nor w.
//
// A change of an ACL fires no watch, but it counts up the aversion in the Stat. So what was learned counts as long as the Stat has the
// czxid and the aversion that it came with, and is as fresh as that: an ACL that another client
// changes shows after --max-age.

// restrict takes away the permission bits of what the session may not do, if that was asked for.
func restrict(out *fuse.Attr, s ensemble.Snapshot) {
	if !s.HasPerms {
		return
	}
	write := int32(zk.PermWrite)
	if out.IsDir() {
		write = zk.PermCreate | zk.PermDelete
	}
	if s.Perms&zk.PermRead == 0 {
		out.Mode &^= 0o444
	}
	if s.Perms&write == 0 {
		out.Mode &^= 0o222
	}
}
