package main

import (
	"errors"
	"fmt"
	"path"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

func (z *command) rmCommand() *cli.Command {
	return &cli.Command{
		Name:      "rm",
		Usage:     "delete a znode, or a tree",
		UsageText: "zkfs rm [-r | --version N] [flags] PATH",
		Description: "Deletes a znode without children, or with -r a tree, children first.\n\n" +
			"  zkfs rm --version 3 /mnt/zk/config/limit\n" +
			"  zkfs rm -r --server zk1,zk2,zk3 /app/old\n\n" +
			"With -r the ephemerals and the contenders of locks in the tree are named, with " +
			"their sessions, and deleted: such a lock is lost. A tree does not vanish at once, and children that " +
			"other clients create meanwhile are deleted too. If a part can not be deleted the " +
			"command says how much is left. The root can not be deleted.\n\n" + pathText,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "recursive", Aliases: []string{"r"}, Category: inOrder,
				Usage: "all that is below it too"},
			versionFlag("the data"),
		}, errandFlags()...),
		Action: z.rm,
	}
}

func (z *command) rm(c *cli.Context) error {
	name, err := onlyName(c)
	if err != nil {
		return err
	}
	e, err := errandOf(c, name)
	switch {
	case err != nil:
		return err
	case !e.named():
		return usagef("%s: it is a part of the znode", name).
			hinting("name the directory: zkfs rm " + path.Dir(name))
	case e.path == "/":
		return usagef("%s: the root of the source can not be deleted", name)
	case c.Bool("recursive") && c.IsSet("version"):
		return usagef("-r deletes whatever is there, and --version only one znode")
	case !c.Bool("recursive"):
		return z.run(c.Context, e, func() error {
			return inDirectory(e.name, znode.Delete(e.ctx, e.conn, e.path, versionOf(c)))
		})
	}
	var held []string
	err = z.run(c.Context, e, func() (err error) {
		held, err = e.deleteAll()
		return err
	})
	for _, line := range held {
		say(z.err, "%s", line)
	}
	return err
}

// deleteAll deletes the tree. held are lines about ephemerals in it.
func (e *errand) deleteAll() (held []string, err error) {
	all, ephemerals := 0, 0
	err = e.walk(func(n znode.Node) {
		all++
		if n.Stat.EphemeralOwner == 0 {
			return
		}
		if ephemerals++; ephemerals <= manyFaults {
			held = append(held, e.heldBy(n))
		}
	})
	if err != nil {
		return nil, err
	}
	if ephemerals > len(held) {
		held = append(held, fmt.Sprintf("and %d more ephemerals", ephemerals-len(held)))
	}
	err = znode.DeleteAll(e.ctx, e.conn, e.path)
	if err == nil {
		return held, nil
	}
	return held, e.halfDone(err, all)
}

// heldBy says that a session holds an ephemeral, or the lock for which it contends.
func (e *errand) heldBy(n znode.Node) string {
	session := fmt.Sprintf("%#x", uint64(n.Stat.EphemeralOwner))
	dir, name := znode.Split(n.Path)
	if queue := zk.LockQueue([]string{name}); len(queue) > 0 {
		return fmt.Sprintf("%s: session %s holds or waits for this lock", e.shown(dir), session)
	}
	return fmt.Sprintf("%s: an ephemeral of session %s", e.shown(n.Path), session)
}

// halfDone says how much of a tree is left.
func (e *errand) halfDone(err error, all int) error {
	left := 0
	counted := e.walk(func(znode.Node) { left++ })
	f := (*failure)(nil)
	var at *znode.PathError
	if errors.As(err, &at) {
		f = refusal(e.shown(at.Path), err)
		if f != nil && f.code == exitAuth {
			f = failf(exitAuth, "%s: the ACL of %s does not allow it",
				e.shown(at.Path), e.shown(path.Dir(at.Path))).hinting(authHint)
		}
	}
	if f == nil {
		errors.As(e.refused(err), &f)
	}
	if counted != nil {
		return f
	}
	return failf(f.code, "%w; of %d znodes %d are left", f, all, left).hinting(f.hint)
}
