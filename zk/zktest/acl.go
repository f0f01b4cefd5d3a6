package zktest

import (
	"crypto/sha1"
	"encoding/base64"
	"net/netip"
	"slices"
	"strings"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// Permissions (ZooDefs.Perms).
const (
	permRead = 1 << iota
	permWrite
	permCreate
	permDelete
	permAdmin
	permAll = 0x1f
)

// An identity is one of those that a connection has: its address, and what it authenticated as.
type identity struct{ scheme, id string }

// digest returns the id of a user:password in the scheme digest (DigestAuthenticationProvider.generateDigest).
func digest(userPassword string) string {
	user, _, _ := strings.Cut(userPassword, ":")
	sum := sha1.Sum([]byte(userPassword))
	return user + ":" + base64.StdEncoding.EncodeToString(sum[:])
}

// authenticate returns the identities that a connection gains, none if the credentials are no good.
func (s *Server) authenticate(c *conn, p *wire.AuthPacket) []identity {
	switch {
	case p.Scheme == "ip" && s.dialect.acl.address != nil:
		return []identity{{"ip", c.peer}}
	case p.Scheme == "digest" && (!s.dialect.lenientAuth || strings.Count(string(p.Auth), ":") == 1):
		id := digest(string(p.Auth))
		if id == s.superDigest {
			return []identity{{"super", ""}, {"digest", id}}
		}
		return []identity{{"digest", id}}
	}
	return nil
}

// addIDs adds identities that the connection does not have.
func (c *conn) addIDs(gained []identity) {
	for _, id := range gained {
		if !slices.Contains(c.ids, id) {
			c.ids = append(c.ids[:len(c.ids):len(c.ids)], id)
		}
	}
}

// allowed reports whether one of ids has one of the permissions. A znode without an ACL is open to all.
func allowed(acl []wire.ACL, perm int32, ids []identity) bool {
	if len(acl) == 0 || slices.Contains(ids, identity{"super", ""}) {
		return true
	}
	return slices.ContainsFunc(acl, func(a wire.ACL) bool {
		return a.Perms&perm != 0 && (a.Scheme == "world" && a.ID == "anyone" ||
			slices.ContainsFunc(ids, func(id identity) bool { return matches(a, id) }))
	})
}

func matches(a wire.ACL, id identity) bool {
	if a.Scheme != id.scheme {
		return false
	}
	if a.Scheme != "ip" {
		return a.ID == id.id
	}
	prefix, ok := either(a.ID)
	addr, err := netip.ParseAddr(id.id)
	return ok && err == nil && prefix.Contains(addr)
}

// either reads an address, or one and the number of its leading bits that count.
func either(id string) (netip.Prefix, bool) {
	if addr, err := netip.ParseAddr(id); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), true
	}
	prefix, err := netip.ParsePrefix(id)
	return prefix, err == nil
}

// prefixed is either for IPv4 alone.
func prefixed(id string) (netip.Prefix, bool) {
	prefix, ok := either(id)
	return prefix, ok && prefix.Addr().Is4()
}

// plain is prefixed without the number of bits.
func plain(id string) (netip.Prefix, bool) {
	prefix, ok := prefixed(id)
	return prefix, ok && !strings.Contains(id, "/")
}

// A fixer is the function of aclRules.fix.
type fixer func(r *aclRules, list []wire.ACL, ids []identity) ([]wire.ACL, wire.Code)

// aclRules are what a server makes of access control lists.
type aclRules struct {
	// fix returns a list as it is kept, given the identities of the session.
	fix fixer
	// open is the list of the root and of the server's own znodes.
	open []wire.ACL
	// masked says that digests are shown only to sessions that may change the list.
	masked bool
	// address reads the id of scheme ip. Without it the server has no such scheme.
	address func(id string) (netip.Prefix, bool)
}

// fixACL is how a ZooKeeper keeps a list: without repetitions, and with the session's identities in
// the place of scheme auth.
func fixACL(r *aclRules, list []wire.ACL, ids []identity) ([]wire.ACL, wire.Code) {
	var fixed []wire.ACL
	for i, a := range list {
		if slices.Contains(list[:i], a) {
			continue
		}
		switch {
		case a.Scheme == "world" && a.ID == "anyone":
			fixed = append(fixed, a)
		case a.Scheme == "auth":
			before := len(fixed)
			for _, id := range ids {
				if id.scheme == "digest" {
					fixed = append(fixed, wire.ACL{Perms: a.Perms, Scheme: id.scheme, ID: id.id})
				}
			}
			if len(fixed) == before {
				return nil, wire.CodeInvalidACL
			}
		case r.valid(a.Scheme, a.ID):
			fixed = append(fixed, a)
		default:
			return nil, wire.CodeInvalidACL
		}
	}
	if len(fixed) == 0 {
		return nil, wire.CodeInvalidACL
	}
	return fixed, wire.CodeOK
}

func (r *aclRules) valid(scheme, id string) bool {
	switch scheme {
	case "digest":
		return strings.Count(strings.TrimRight(id, ":"), ":") == 1 // String.split drops what is empty at the end
	case "ip":
		_, ok := r.address(id)
		return ok
	}
	return false
}

// keeperACL returns how the relatives of ClickHouse Keeper keep a list (fixupACL): entries of
// schemes that they do not have are dropped if there is another, and an empty list is open. keep
// says what becomes of the entries of world in the end.
func keeperACL(keep func([]wire.ACL) []wire.ACL) fixer {
	return func(_ *aclRules, list []wire.ACL, ids []identity) ([]wire.ACL, wire.Code) {
		var fixed []wire.ACL
		found := len(list) == 0
		for _, a := range list {
			switch {
			case a.Scheme == "auth":
				for _, id := range ids {
					fixed = append(fixed, wire.ACL{Perms: a.Perms, Scheme: id.scheme, ID: id.id})
					found = true
				}
			case a.Scheme == "world" && a.ID == "anyone":
				fixed = append(fixed, a)
				found = true
			case a.Scheme == "digest":
				if strings.Count(a.ID, ":") != 1 {
					return nil, wire.CodeInvalidACL
				}
				fixed = append(fixed, a)
				found = true
			}
		}
		if !found {
			return nil, wire.CodeInvalidACL
		}
		return keep(fixed), wire.CodeOK
	}
}

// worldDropped drops the entries of world: what is left is open to all if it is nothing.
func worldDropped(list []wire.ACL) []wire.ACL {
	return slices.DeleteFunc(list, func(a wire.ACL) bool { return a.Scheme == "world" })
}

// openDropped drops a list that opens everything to all.
func openDropped(list []wire.ACL) []wire.ACL {
	for _, a := range list {
		if a.Scheme != "world" || a.Perms != permAll {
			return list
		}
	}
	return nil
}

// worldKept keeps a list as it is.
func worldKept(list []wire.ACL) []wire.ACL { return list }

// masked returns an ACL as those see it who may read it but not change it: without the digests of passwords.
func masked(acl []wire.ACL) []wire.ACL {
	acl = slices.Clone(acl)
	for i, a := range acl {
		if a.Scheme == "digest" {
			user, _, _ := strings.Cut(a.ID, ":")
			acl[i].ID = user + ":x"
		}
	}
	return acl
}
