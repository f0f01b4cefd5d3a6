package main

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/fs"
	"github.com/zkfs/zkfs/xattr"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// aclHint is the way to write an ACL.
const aclHint = "it is a list of SCHEME:ID:PERMISSIONS, as in " +
	"world:anyone:r,auth::cdrwa,digest:USER:HASH:cdrwa; " +
	"for digest:USER:cdrwa the password is asked for"

// readACL reads a list of entries, which is called what. Its error does not show what may be a
// password.
func readACL(what, text string) ([]zk.ACL, error) {
	acl, err := xattr.ParseACL(text)
	switch {
	case err != nil && strings.Contains(text, "digest"):
		return nil, usagef("%s is not understood", what).hinting(aclHint)
	case err != nil:
		return nil, usagef("%s: %s", what, plain(err)).hinting(aclHint)
	}
	for _, a := range acl {
		if _, hash, ok := strings.Cut(a.ID, ":"); a.Scheme == "digest" && ok && !isDigest(hash) {
			return nil, usagef("%s has an entry digest:USER:... with what is no digest of a "+
				"password", what).
				hinting("all users of this machine see the arguments of a command; for " +
					"digest:USER:PERMISSIONS the password is asked for")
		}
	}
	return acl, nil
}

// isDigest reports whether text is what zk.DigestACL makes of a password.
func isDigest(text string) bool {
	sum, err := base64.StdEncoding.DecodeString(text)
	return err == nil && len(sum) == 20
}

// digest completes the entries digest:USER of an ACL by the digest of a password.
func (p *passwords) digest(acl []zk.ACL) error {
	for i, a := range acl {
		if a.Scheme != "digest" || strings.Contains(a.ID, ":") {
			continue
		}
		password, err := p.of(a.ID)
		if err != nil {
			return err
		}
		acl[i] = zk.DigestACL(a.Perms, a.ID, password)[0]
	}
	return nil
}

func newACLFlag() cli.Flag {
	return &valued{&cli.StringFlag{Name: "acl", Value: "inherit",
		Usage: "inherit (the ACL of the directory), open, creator, or a list as for `zkfs acl set`"},
		&kind{name: "ACL", words: anACL.words}}
}

// newACL is the ACL for a new znode, as a command line says it.
type newACL struct {
	mode fs.ACLMode
	list []zk.ACL // for fs.ACLList
}

// newACLOf reads the flag. inputUsed says that standard input holds no passwords.
func (z *command) newACLOf(c *cli.Context, inputUsed bool) (a newACL, err error) {
	text := c.String("acl")
	if mode, _, err := fs.ParseACL(text); err == nil && mode != fs.ACLList {
		return newACL{mode: mode}, nil
	}
	if a.list, err = readACL("--acl", text); err != nil {
		return a, err
	}
	if err = checkGrants(a.list); err != nil {
		return a, about("--acl", err)
	}
	a.mode = fs.ACLList
	p := passwords{z: z}
	if inputUsed {
		p.z = &command{stdio: stdio{in: strings.NewReader(""), out: z.out, err: z.err}}
	}
	return a, p.digest(a.list)
}

// under returns the ACL for a znode in the one at parent. Where that is not there, it is that of
// the nearest above.
func (a newACL) under(e *errand, parent string) ([]zk.ACL, error) {
	switch a.mode {
	case fs.ACLOpen:
		return zk.WorldACL(zk.PermAll), nil
	case fs.ACLCreator:
		return zk.AuthACL(zk.PermAll), nil
	case fs.ACLList:
		return a.list, nil
	}
	for {
		var acl []zk.ACL
		err := e.ask(func() (err error) {
			acl, _, err = e.conn.GetACL(parent)
			return err
		})
		if errors.Is(err, zk.ErrNoNode) && parent != "/" {
			parent, _ = znode.Split(parent)
			continue
		}
		if _, masked := xattr.Masked(acl); masked || errors.Is(err, zk.ErrNoAuth) {
			return nil, hiddenACL(e.name, parent).
				hinting("--acl creator, or credentials that may administer it")
		}
		return acl, err
	}
}
