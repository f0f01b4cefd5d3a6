package main

import (
	"errors"
	"io/fs"
	"os"
	"path"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/internal/checkout"
	"github.com/zkfs/zkfs/internal/cut"
	"github.com/zkfs/zkfs/internal/printable"
)

func (z *command) pullCommand() *cli.Command {
	return &cli.Command{
		Name:      "pull",
		Usage:     "write a tree, as it is at one moment, to a local directory",
		UsageText: "zkfs pull [flags] PATH|SOURCE DIR",
		Description: "Writes the znodes of a path of a mount or an ensemble to files, as a mount shows them, for " +
			"editors and `zkfs push`.\n\n" +
			"  zkfs pull zk1,zk2,zk3/app app\n\n" +
			"The directory has the state after one transaction, and remembers the versions in " +
			checkout.StateName + ". Ephemerals, contenders of locks and what they are in are left out. DIR " +
			"may be missing or empty. If it was pulled before, it gets what other clients have changed, and keeps " +
			"what was changed in it. A znode of which both is true is named, nothing is changed, and the exit " +
			"code is 20: move the file away and pull again.\n\n" +
			"The servers must be of 3.6 or later.",
		Flags:  connectionFlags(),
		Action: z.pull,
	}
}

func (z *command) pull(c *cli.Context) error {
	if c.NArg() != 2 {
		return usagef("pull needs a path or source and a directory, there are %d names", c.NArg()).
			hinting("zkfs pull zk1,zk2/app app")
	}
	name, dir := c.Args().First(), c.Args().Get(1)
	ctx, stop := treeSignals(c.Context)
	defer stop()
	from, err := z.openTree(ctx, c, name, newInputs(os.Getenv(authVariable)))
	if err != nil {
		return err
	}
	defer from.conn.Close()
	state, err := from.take(ctx, z.err, "")
	if err != nil {
		return err
	}
	defer state.Close()
	if err := os.Mkdir(dir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return usagef("%s", plain(err))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return usagef("%s", plain(err))
	}
	defer root.Close()
	pull := &checkout.Pull{Root: root, Source: name, Cut: state}
	err = pull.Run(ctx)
	var conflict *checkout.ConflictError
	switch {
	case errors.As(err, &conflict):
		(&pushing{command: z, tree: from}).name(conflict.Conflicts)
		return failf(exitVersion, "%s in the way, and nothing was changed",
			plural(len(conflict.Conflicts), "file is", "files are")).
			hinting("move them away, pull again, and merge them by hand")
	case err != nil:
		return dirFailure(dir, err, from.failure(ctx, err))
	}
	z.tellPull(pull, state, from)
	return nil
}

// tellPull tells what was done.
func (z *command) tellPull(pull *checkout.Pull, state *cut.Cut, from *liveTree) {
	out, first := 0, ""
	for _, at := range pull.Tree.Paths() {
		if why := pull.Tree.Znodes[at].Out; why != "" {
			if out++; out == 1 {
				first = printable.Line(path.Join(from.znode, at)) + ", which " + why
			}
		}
	}
	say(z.err, "pulled %s at zxid %#x: %s written, %d removed", pull.Source, state.Zxid,
		plural(pull.Written, "file or directory was", "files and directories were"), pull.Removed)
	if out > 0 {
		say(z.err, "%s left out, as %s", plural(out, "znode is", "znodes are"), first)
	}
}
