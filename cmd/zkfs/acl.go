package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/xattr"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

func (z *command) aclCommand() *cli.Command {
	return &cli.Command{
		Name:      "acl",
		Usage:     "show or change ACLs, of a tree too",
		UsageText: "zkfs acl get [--json] PATH | set [-R] [--add | --remove] PATH ACL",
		Description: "Prints the ACL of a znode, or sets it. An ACL is a list of " +
			"SCHEME:ID:PERMISSIONS, where " +
			"the permissions are letters of cdrwa: create and delete children, read, write, " +
			"administer.\n\n" +
			"  zkfs acl get /mnt/zk/app\n" +
			"  zkfs acl set -R /mnt/zk/app world:anyone:r,digest:bob:cdrwa\n" +
			"  zkfs acl set --add /mnt/zk/app ip:10.0.0.0/8:r\n" +
			"  zkfs acl set --remove /mnt/zk/app world:anyone\n\n" +
			"For an entry digest:USER:PERMISSIONS the password of USER is asked for, or read " +
			"from a line of " +
			"standard input, and its digest stored. An entry digest:USER:HASH:PERMISSIONS has " +
			"that already. " +
			"auth::PERMISSIONS is for the identities of the session.\n\n" +
			"Without --add and --remove the ACL is replaced, whatever it was. Those two change " +
			"the ACL that is " +
			"there: no change of another client is lost. With -R what is refused is named, and " +
			"the rest " +
			"is done.\n\n" + pathText,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "recursive", Aliases: []string{"R"}, Category: inOrder,
				Usage: "the znode and all below it"},
			&cli.BoolFlag{Name: "add", Category: inOrder,
				Usage: "add the entries; one for the same identity is replaced"},
			&cli.BoolFlag{Name: "remove", Category: inOrder,
				Usage: "remove the entries of these identities: SCHEME:ID, or digest:USER for " +
					"any password"},
			jsonFlag("print a JSON object"),
		}, errandFlags()...),
		Action: z.acl,
	}
}

func (z *command) acl(c *cli.Context) error {
	switch verb, n := c.Args().First(), c.NArg(); {
	case verb == "get" && n == 2:
		return z.aclGet(c, c.Args().Get(1))
	case verb == "set" && n == 3:
		return z.aclSet(c, c.Args().Get(1), c.Args().Get(2))
	}
	return usagef("acl needs get and a path, or set, a path and an ACL").hinting("zkfs acl get " +
		"/mnt/zk/app")
}

// An aclEntry is an entry of an ACL in JSON.
type aclEntry struct {
	Scheme string `json:"scheme"`
	ID     string `json:"id"`
	Perms  string `json:"perms"` // letters of cdrwa
}

func (z *command) aclGet(c *cli.Context, name string) error {
	var found struct {
		whereabouts
		Aversion int32      `json:"aversion"`
		ACL      []aclEntry `json:"acl"`
	}
	var acl []zk.ACL
	err := z.errand(c, name, func(e *errand) error {
		var st *zk.Stat
		err := e.ask(func() (err error) {
			acl, st, err = e.conn.GetACL(e.path)
			return err
		})
		if err == nil {
			found.whereabouts, found.Aversion = e.whereabouts(e.path), st.Aversion
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case !c.Bool("json"):
		return z.printLine(xattr.FormatACL(acl))
	}
	for _, a := range acl {
		text := xattr.FormatACL([]zk.ACL{a})
		perms := text[strings.LastIndexByte(text, ':')+1:]
		found.ACL = append(found.ACL, aclEntry{a.Scheme, a.ID, perms})
	}
	return writeJSON(z.out, found)
}

// An aclChange makes the ACL of a znode from the one that it has.
type aclChange func([]zk.ACL) ([]zk.ACL, error)

// aclChangeOf reads what `zkfs acl set` is to do. replaces says that the old ACL does not matter.
func (z *command) aclChangeOf(
	c *cli.Context, text string,
) (change aclChange, replaces bool, err error) {
	add, remove := c.Bool("add"), c.Bool("remove")
	switch {
	case add && remove:
		return nil, false, usagef("--add and --remove exclude each other")
	case remove:
		identities := strings.Split(text, ",")
		return func(acl []zk.ACL) ([]zk.ACL, error) { return without(acl, identities) }, false, nil
	}
	list, err := readACL("the ACL", text)
	if err == nil && !add {
		err = checkGrants(list)
	}
	if err != nil {
		return nil, false, err
	}
	if err := (&passwords{z: z}).digest(list); err != nil {
		return nil, false, err
	}
	if add {
		return func(acl []zk.ACL) ([]zk.ACL, error) { return with(acl, list), nil }, false, nil
	}
	return func([]zk.ACL) ([]zk.ACL, error) { return list, nil }, true, nil
}

// with returns acl with the entries of list. Two of one identity would both count.
func with(acl, list []zk.ACL) []zk.ACL {
	acl = slices.DeleteFunc(slices.Clone(acl), func(a zk.ACL) bool {
		return slices.ContainsFunc(list, func(b zk.ACL) bool {
			same := a.ID == b.ID || a.Scheme == "digest" && userOf(a) == userOf(b)
			return a.Scheme == b.Scheme && same
		})
	})
	return append(acl, list...)
}

func userOf(a zk.ACL) string {
	user, _, _ := strings.Cut(a.ID, ":")
	return user
}

// without returns acl less the entries of the identities.
func without(acl []zk.ACL, identities []string) ([]zk.ACL, error) {
	found := map[string]bool{}
	left := slices.DeleteFunc(slices.Clone(acl), func(a zk.ACL) bool {
		for _, id := range identities {
			if a.Scheme+":"+a.ID == id || a.Scheme == "digest" && "digest:"+userOf(a) == id {
				found[id] = true
				return true
			}
		}
		return false
	})
	for _, id := range identities {
		if !found[id] {
			return nil, usagef("the ACL has no entry for %s", id).hinting("`zkfs acl get` shows it")
		}
	}
	return left, nil
}

// checkGrants refuses an ACL that locks all clients out but a superuser, and an empty one, which the
// servers do not take.
func checkGrants(acl []zk.ACL) error {
	switch {
	case len(acl) == 0:
		return usagef("the ACL would be empty, which the servers do not take")
	case !slices.ContainsFunc(acl, func(a zk.ACL) bool { return a.Perms != 0 }):
		return usagef("no entry of the ACL grants anything: only a superuser could change it again").
			hinting("give a permission, as in world:anyone:r")
	}
	return nil
}

func (z *command) aclSet(c *cli.Context, name, text string) error {
	change, replaces, err := z.aclChangeOf(c, text)
	if err != nil {
		return err
	}
	return z.errand(c, name, func(e *errand) error {
		if !c.Bool("recursive") {
			return e.changeACL(e.path, change, replaces)
		}
		var all faults
		var paths []string
		for n, err := range znode.Walk(e.ctx, e.conn, e.path) {
			switch {
			case err != nil && n.Path == "":
				return err
			case err != nil:
				all.add(failf(exitAuth, "%s: what is below it may not be listed", e.shown(n.Path)))
			}
			paths = append(paths, n.Path)
		}
		for _, p := range paths {
			err := e.changeACL(p, change, replaces)
			if err != nil {
				all.add(e.refusedAt(p, err))
			}
			if zk.MaybeApplied(err) || e.ctx.Err() != nil {
				break
			}
		}
		return all.err()
	})
}

// changeACL changes the ACL of one znode, by the version that it has seen unless it replaces it.
func (e *errand) changeACL(znode string, change aclChange, replaces bool) error {
	return e.ask(func() error {
		for {
			version := int32(-1)
			var acl []zk.ACL
			if !replaces {
				var st *zk.Stat
				var err error
				if acl, st, err = e.conn.GetACL(znode); err != nil {
					return err
				}
				if len(acl) == 0 { // of a server that drops entries of world
					return usagef("%s: its ACL is empty, which allows all clients everything",
						e.shown(znode)).hinting("without --add or --remove, name all that are to be allowed")
				}
				if _, masked := xattr.Masked(acl); masked {
					return failf(exitAuth, "%s: the servers do not show the digests of its ACL",
						e.shown(znode)).hinting(authHint)
				}
				version = st.Aversion
			}
			acl, err := change(acl)
			if err == nil {
				err = checkGrants(acl)
			}
			if err != nil {
				return about(e.shown(znode), err)
			}
			_, err = e.conn.SetACL(znode, acl, version)
			if replaces || !errors.Is(err, zk.ErrBadVersion) {
				return err
			}
		}
	})
}
