package main

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

func (z *command) lsCommand() *cli.Command {
	return &cli.Command{
		Name:      "ls",
		Usage:     "list the children of a znode, or all below it",
		UsageText: "zkfs ls [-R] [--json] [flags] PATH",
		Description: "Prints the names of the children of a znode, one on a line, in order. With " +
			"-R it prints the " +
			"paths of the znode and of all below it.\n\n" +
			"  zkfs ls --server zk1,zk2,zk3 /brokers/ids\n" +
			"  zkfs ls -R --json /mnt/zk | jq -r 'select(.dataLength > 100000) | .file'\n\n" +
			"On a mount the names are those of the mount, and unlike `ls` it shows contenders of " +
			"locks. " +
			"Bytes that a terminal would obey are escaped there, and left as they are for a " +
			"program. " +
			"Where an ACL does not let it list the children, the znode is named at the end.\n\n" + pathText,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "recursive", Aliases: []string{"R"}, Category: inOrder,
				Usage: "the znode and all below it"},
			jsonFlag("print a JSON object with the Stat on a line for each znode"),
		}, errandFlags()...),
		Action: z.ls,
	}
}

func (z *command) ls(c *cli.Context) error {
	name, err := onlyName(c)
	if err != nil {
		return err
	}
	var names []string
	var stats []znodeStat
	err = z.errand(c, name, func(e *errand) error {
		tell := func(shown, znode string, st *zk.Stat) {
			if c.Bool("json") {
				stats = append(stats, e.stat(znode, st))
			} else {
				names = append(names, shown)
			}
		}
		if c.Bool("recursive") {
			return e.walk(func(n znode.Node) { tell(e.shown(n.Path), n.Path, n.Stat) })
		}
		return e.children(func(n znode.Node) { tell(path.Base(e.shown(n.Path)), n.Path, n.Stat) })
	})
	var f *failure
	if err != nil && (!errors.As(err, &f) || f.code != exitAuth) {
		return err
	}
	slices.Sort(names)
	slices.SortFunc(stats, func(a, b znodeStat) int { return strings.Compare(a.Path, b.Path) })
	return errors.Join(z.printAll(c, names, stats), err)
}

// children calls f with each child of the znode.
func (e *errand) children(f func(znode.Node)) error {
	var names []string
	err := e.ask(func() (err error) {
		names, _, err = e.conn.Children(e.path)
		return err
	})
	if err != nil {
		return err
	}
	ops := make([]any, len(names))
	for i, name := range names {
		ops[i] = &zk.ExistsRequest{Path: znode.Join(e.path, name)}
	}
	return e.ask(func() error {
		var found []znode.Node
		for i, r := range e.conn.Pipeline(ops...) {
			if errors.Is(r.Err, zk.ErrNoNode) {
				continue
			}
			if r.Err != nil {
				return r.Err
			}
			found = append(found, znode.Node{Path: znode.Join(e.path, names[i]), Stat: r.Stat})
		}
		for _, n := range found {
			f(n)
		}
		return nil
	})
}

// walk calls f with the znode and with each below it. The error names those with children that may
// not be listed.
func (e *errand) walk(f func(znode.Node)) error {
	var all faults
	for n, err := range znode.Walk(e.ctx, e.conn, e.path) {
		if err != nil && n.Path == "" {
			return err
		}
		if err != nil {
			all.add(failf(exitAuth, "%s: its ACL does not allow to list what is below it",
				e.shown(n.Path)).hinting(authHint))
		}
		if n.Stat != nil {
			f(n)
		}
	}
	return all.err()
}

// printAll prints what a command has found, as JSON if it is to.
func (z *command) printAll(c *cli.Context, lines []string, stats []znodeStat) error {
	if c.Bool("json") {
		return printJSON(z.out, stats)
	}
	return z.printLines(lines)
}
