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
	switch p.Scheme {
	case "ip":
		return []identity{{"ip", c.peer}}
	case "digest":
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
	prefix, ok := parseIP(a.ID)
	addr, err := netip.ParseAddr(id.id)
	return ok && err == nil && prefix.Contains(addr)
}

// parseIP reads the id of scheme ip: an IPv4 address, or one and the number of its leading bits that count.
func parseIP(id string) (netip.Prefix, bool) {
	if !strings.Contains(id, "/") {
		id += "/32"
	}
	prefix, err := netip.ParsePrefix(id)
	return prefix, err == nil && prefix.Addr().Is4()
}

// fixACL returns the list as it is kept: without repetitions, and with the session's identities in the place of scheme auth.
func (x *txn) fixACL(list []wire.ACL) ([]wire.ACL, wire.Code) {
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
			for _, id := range x.ids {
				if id.scheme == "digest" {
					fixed = append(fixed, wire.ACL{Perms: a.Perms, Scheme: id.scheme, ID: id.id})
				}
			}
			if len(fixed) == before {
				return nil, wire.CodeInvalidACL
			}
		case validID(a.Scheme, a.ID):
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

func validID(scheme, id string) bool {
	switch scheme {
	case "digest":
		return strings.Count(strings.TrimRight(id, ":"), ":") == 1 // String.split drops what is empty at the end
	case "ip":
		_, ok := parseIP(id)
		return ok
	}
	return false
}

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
