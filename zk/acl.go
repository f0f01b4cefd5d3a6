package zk

import (
	"crypto/sha1"
	"encoding/base64"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// Permissions of an ACL entry (ZooDefs.Perms).
const (
	PermRead   = 1 << iota // read the data and list the children
	PermWrite              // set the data
	PermCreate             // create a child
	PermDelete             // delete a child
	PermAdmin              // set the ACL
	PermAll    = 0x1f
)

// ACL is one entry of an access control list: what the identity may do.
// A znode's ACL applies to that znode alone; children do not inherit it.
type ACL struct {
	Perms  int32
	Scheme string
	ID     string
}

// AuthACL grants perms to every identity that the creating session has authenticated as.
// The server replaces the entry with those identities; with none it answers ErrInvalidACL.
func AuthACL(perms int32) []ACL {
	return []ACL{{perms, "auth", ""}}
}

// WorldACL grants perms to everybody.
func WorldACL(perms int32) []ACL {
	return []ACL{{perms, "world", "anyone"}}
}

// DigestACL grants perms to sessions that called AddAuth("digest", "user:password").
// The id is user:base64(sha1(user:password)), as DigestAuthenticationProvider computes it.
func DigestACL(perms int32, user, password string) []ACL {
	sum := sha1.Sum([]byte(user + ":" + password))
	return []ACL{{perms, "digest", user + ":" + base64.StdEncoding.EncodeToString(sum[:])}}
}

func wireACL(acl []ACL) []wire.ACL {
	list := make([]wire.ACL, len(acl))
	for i, a := range acl {
		list[i] = wire.ACL(a)
	}
	return list
}

func aclOf(acl []wire.ACL) []ACL {
	list := make([]ACL, len(acl))
	for i, a := range acl {
		list[i] = ACL(a)
	}
	return list
}
