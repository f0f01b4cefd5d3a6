package xattr

import (
	"errors"
	"fmt"
	"strings"

	"github.com/zkfs/zkfs/zk"
)

// The letters of permissions, in the order in which zkCli prints them.
var permissions = []struct {
	letter rune
	perm   int32
}{
	{'c', zk.PermCreate},
	{'d', zk.PermDelete},
	{'r', zk.PermRead},
	{'w', zk.PermWrite},
	{'a', zk.PermAdmin},
}

func aclText(s Source) (string, error) {
	acl, err := s.ACL()
	if err != nil {
		return "", err
	}
	return FormatACL(acl), nil
}

func checkACL(value string) error {
	_, err := ParseACL(value)
	return err
}

// FormatACL prints an ACL in zkCli's syntax, scheme:id:permissions, with commas between the entries:
//
//	world:anyone:r,digest:bob:S1lwZW5yb3NlIHRpbGluZw==:cdrwa
//
// An id may contain colons. A comma or a backslash in one has a backslash before it. Permission bits
// that ZooKeeper does not define are not shown.
func FormatACL(acl []zk.ACL) string {
	var b strings.Builder
	for i, a := range acl {
		if i > 0 {
			b.WriteByte(',')
		}
		escaper.WriteString(&b, a.Scheme+":"+a.ID)
		b.WriteByte(':')
		for _, p := range permissions {
			if a.Perms&p.perm != 0 {
				b.WriteRune(p.letter)
			}
		}
	}
	return b.String()
}

var escaper = strings.NewReplacer(`\`, `\\`, `,`, `\,`)

// ParseACL reads what [FormatACL] prints, and what people write: letters in any order, white space around
// entries. The scheme ends at the first colon, the permissions begin after the last; they may be
// empty, which grants nothing. The error says what to write instead.
//
// Whether the server knows a scheme, and an id is one of it, is known to the server alone. A digest that the
// server masked is accepted here: see [Masked].
func ParseACL(text string) ([]zk.ACL, error) {
	entries, err := splitEntries(text)
	if err != nil {
		return nil, err
	}
	acl := make([]zk.ACL, len(entries))
	for i, entry := range entries {
		if acl[i], err = parseEntry(strings.TrimSpace(entry)); err != nil {
			return nil, err
		}
	}
	return acl, nil
}

// Masked returns the first entry whose password hash the server replaced by "x" in its answer (digest:user:x), as it
// does for a session that has no admin permission (FinalRequestProcessor). An ACL with such an entry must
// not be set: no password has that hash, so it would lock the user out.
func Masked(acl []zk.ACL) (entry zk.ACL, ok bool) {
	for _, a := range acl {
		if a.Scheme == "digest" && strings.HasSuffix(a.ID, ":x") {
			return a, true
		}
	}
	return zk.ACL{}, false
}

// splitEntries splits at commas and takes the backslashes away.
func splitEntries(text string) ([]string, error) {
	var entries []string
	var entry strings.Builder
	escaped := false
	for _, c := range []byte(text) {
		switch {
		case escaped && c != ',' && c != '\\':
			return nil, errEscape
		case !escaped && c == '\\':
			escaped = true
			continue
		case !escaped && c == ',':
			entries = append(entries, entry.String())
			entry.Reset()
			continue
		}
		entry.WriteByte(c)
		escaped = false
	}
	if escaped {
		return nil, errEscape
	}
	return append(entries, entry.String()), nil
}

var errEscape = errors.New(`xattr: in an acl a backslash must stand before a comma or a backslash: write \\ for a backslash`)

func parseEntry(entry string) (zk.ACL, error) {
	first, last := strings.IndexByte(entry, ':'), strings.LastIndexByte(entry, ':')
	switch {
	case entry == "":
		return zk.ACL{}, errors.New("xattr: an acl entry is empty: write scheme:id:permissions such as world:anyone:cdrwa, with one comma between two entries")
	case first == last:
		return zk.ACL{}, entryError(entry, "write scheme:id:permissions such as world:anyone:cdrwa")
	case first == 0:
		return zk.ACL{}, entryError(entry, "write a scheme such as world, auth, digest, ip or sasl before the first colon")
	}
	a := zk.ACL{Scheme: entry[:first], ID: entry[first+1 : last]}
	if a.Scheme == "world" && a.ID != "anyone" {
		return zk.ACL{}, entryError(entry, "the only id of world is anyone")
	}
	for _, letter := range entry[last+1:] {
		perm, ok := permissionOf(letter)
		if !ok {
			return zk.ACL{}, entryError(entry, fmt.Sprintf("%q is no permission: write letters of cdrwa (create, delete, read, write, admin) after the last colon", letter))
		}
		a.Perms |= perm
	}
	return a, nil
}

func permissionOf(letter rune) (int32, bool) {
	for _, p := range permissions {
		if p.letter == letter {
			return p.perm, true
		}
	}
	return 0, false
}

func entryError(entry, advice string) error {
	return fmt.Errorf("xattr: acl entry %.80q: %s", entry, advice)
}
