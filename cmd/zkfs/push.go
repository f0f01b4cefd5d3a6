package main

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/fs"
	"github.com/zkfs/zkfs/internal/checkout"
	"github.com/zkfs/zkfs/internal/printable"
	"github.com/zkfs/zkfs/xattr"
	"github.com/zkfs/zkfs/zk"
)

func (z *command) pushCommand() *cli.Command {
	return &cli.Command{
		Name:      "push",
		Usage:     "make a tree equal to a local directory, in one transaction",
		UsageText: "zkfs push [--delete] [-n] [flags] DIR PATH|SOURCE",
		Description: "Writes the files of DIR to the znodes below a path of a mount or an ensemble: all of them " +
			"in one transaction, or none.\n\n" +
			"  zkfs pull zk1,zk2,zk3/app app\n" +
			"  vi app/conf/db app/conf/limits\n" +
			"  zkfs push -n app zk1,zk2,zk3/app\n" +
			"  zkfs push app zk1,zk2,zk3/app\n\n" +
			"If `zkfs pull` has written DIR, a znode that another client has changed since then is named, and " +
			"nothing is changed; the exit code is 20. Any other DIR replaces what is there when the command " +
			"reads it. Files stand for znodes as on a mount: .data is the data of the directory that it is in. " +
			"Ephemerals, contenders of locks and what they are in are left as they are. The znode of PATH must " +
			"exist.\n\n" +
			"The transaction checks the versions of the znodes that stay as they are too. It can not check " +
			"that no other client has made a znode: one that was made between the reading and the transaction " +
			"is named behind it.",
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "delete", Category: inOrder, Usage: "delete what DIR lacks"},
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Category: inOrder,
				Usage: "print what would change, as diff -u does, and change nothing"},
			&cli.BoolFlag{Name: "in-parts", Category: inOrder,
				Usage: "make several transactions of what does not fit one"},
			newACLFlag(), maxDataFlag(),
		}, connectionFlags()...),
		Action: z.push,
	}
}

// pushing is one run of `zkfs push`.
type pushing struct {
	*command
	dir  string
	tree *liveTree
	acl  newACL
}

func (z *command) push(c *cli.Context) error {
	if c.NArg() != 2 {
		return usagef("push needs a directory and a path or source, there are %d names", c.NArg()).
			hinting("zkfs push app zk1,zk2/app")
	}
	p := &pushing{command: z, dir: c.Args().First()}
	root, err := os.OpenRoot(p.dir)
	if err != nil {
		return usagef("%s", plain(err))
	}
	defer root.Close()
	if p.acl, err = z.newACLOf(c, false); err != nil {
		return err
	}
	most := usualMaxData
	if c.IsSet("max-data") {
		most, _ = parseSize(c.String("max-data")) // was checked
	}
	ctx, stop := treeSignals(c.Context)
	defer stop()
	p.tree, err = z.openTree(ctx, c, c.Args().Get(1), newInputs(os.Getenv(authVariable)), enlarge(most))
	if err != nil {
		return err
	}
	defer p.tree.conn.Close()
	push := &checkout.Push{Dir: root, Conn: p.tree.conn, Root: p.tree.znode, Delete: c.Bool("delete"),
		InParts: c.Bool("in-parts"), Limit: int64(most + requestRoom), ACL: p.grant}
	if c.Bool("dry-run") {
		result, err := push.Plan(ctx)
		if err != nil {
			return p.failure(ctx, result, err)
		}
		return p.show(result)
	}
	result, err := push.Run(ctx)
	if err != nil {
		return p.failure(ctx, result, err)
	}
	p.tell(result)
	return nil
}

// show prints what would be done.
func (p *pushing) show(result *checkout.Result) error {
	for i := range result.Changes {
		if err := checkout.WriteDiff(p.out, p.tree.znode, &result.Changes[i]); err != nil {
			return err
		}
	}
	return nil
}

// tell tells what was done.
func (p *pushing) tell(result *checkout.Result) {
	if len(result.Changes) == 0 {
		say(p.err, "all is as in %s", p.dir)
		return
	}
	var count [checkout.Delete + 1]int
	for _, c := range result.Changes {
		count[c.Kind]++
	}
	say(p.err, "%s made, %d set, %d deleted in %s", plural(count[checkout.Create], "znode was", "znodes were"),
		count[checkout.Set], count[checkout.Delete], plural(result.Parts, "transaction", "transactions"))
	if result.Unchecked > 0 {
		say(p.err, "%s as they were, and no transaction has checked that", plural(result.Unchecked,
			"znode is", "znodes are"))
	}
	for _, other := range result.Others {
		say(p.err, "another client made %s meanwhile", p.named(other))
	}
}

// named returns the path of a znode of the tree.
func (p *pushing) named(at string) string { return printable.Line(path.Join(p.tree.znode, at)) }

// grant returns the ACL of what is made in a znode.
func (p *pushing) grant(above string, parent *checkout.Znode) ([]zk.ACL, error) {
	switch p.acl.mode {
	case fs.ACLOpen:
		return zk.WorldACL(zk.PermAll), nil
	case fs.ACLCreator:
		return zk.AuthACL(zk.PermAll), nil
	case fs.ACLList:
		return p.acl.list, nil
	}
	if _, masked := xattr.Masked(parent.ACL); masked || parent.ACL == nil {
		return nil, failf(exitAuth, "the servers do not show the ACL of %s, which new znodes are to have", above).
			hinting("--acl creator, or credentials that may administer it")
	}
	return parent.ACL, nil
}

// failure gives an error its exit code.
func (p *pushing) failure(ctx context.Context, result *checkout.Result, err error) error {
	untouched := "nothing was changed"
	if result != nil && result.Parts > 0 {
		untouched = plural(result.Parts, "transaction was", "transactions were") + " made before"
	}
	var conflict *checkout.ConflictError
	var uncertain *checkout.UncertainError
	var large *checkout.TooLargeError
	switch {
	case errors.As(err, &conflict):
		p.name(conflict.Conflicts)
		return failf(exitVersion, "%s in the way, and %s",
			plural(len(conflict.Conflicts), "znode is", "znodes are"), untouched).
			hinting("zkfs pull brings the changes of other clients to a directory that it has written")
	case errors.As(err, &uncertain):
		p.name(uncertain.Conflicts)
		return failf(exitNotDone, "the connection was lost during the transaction, and it is not known if it was made").
			hinting("compare: zkfs push -n")
	case errors.As(err, &large) && large.Path != "":
		return failf(exitRefused, "%s: %d bytes, and the servers take %d (jute.maxbuffer); %s",
			p.named(large.Path), large.Bytes, large.Limit, untouched).
			hinting("if the servers are set to take more: --max-data BYTES")
	case errors.As(err, &large):
		return failf(exitRefused, "the transaction has %d bytes, and the servers take %d (jute.maxbuffer); %s",
			large.Bytes, large.Limit, untouched).
			hinting("--in-parts makes several; if the servers are set to take more: --max-data BYTES")
	case zk.MaybeApplied(err):
		return failf(exitNotDone, "interrupted: the transaction may have been made").hinting("compare: zkfs push -n")
	}
	return dirFailure(p.dir, err, p.tree.failure(ctx, err))
}

func (p *pushing) name(conflicts []checkout.Conflict) {
	for i, c := range conflicts {
		if i == manyFaults {
			say(p.err, "and %d more", len(conflicts)-i)
			break
		}
		say(p.err, "%s %s", p.named(c.Path), c.Why)
	}
}

// dirFailure is other, unless err is about the directory.
func dirFailure(dir string, err, other error) error {
	var unfit *checkout.UnfitError
	var foreign *checkout.OtherError
	switch {
	case errors.As(err, &unfit):
		return usagef("%s %s", filepath.Join(dir, unfit.File), unfit.Why)
	case errors.As(err, &foreign):
		return usagef("%s was pulled from %s, the znode %s, which is another tree, or was made again", dir,
			foreign.Source, foreign.Root).
			hinting("without its file " + checkout.StateName + " a directory is pushed like any other")
	case errors.Is(err, checkout.ErrState):
		return usagef("%s: %s", dir, plain(err)).hinting("remove it to push the directory like any other")
	case errors.Is(err, checkout.ErrNotPulled):
		return usagef("%s: %s", dir, plain(err)).hinting("name a new directory")
	}
	return other
}
