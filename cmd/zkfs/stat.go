package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/xattr"
	"github.com/zkfs/zkfs/zk"
)

func (z *command) statCommand() *cli.Command {
	return &cli.Command{
		Name:      "stat",
		Usage:     "print the Stat of a znode: versions, zxids, times, owner",
		UsageText: "zkfs stat [--json] [flags] PATH",
		Description: "Prints the Stat of a znode, a field on a line under the name that it has " +
			"in the " +
			"attributes user.zk.* of a mount. Any session may read it, whatever the ACL says.\n\n" +
			"  zkfs stat /mnt/zk/config\n" +
			"  zkfs stat --json --server zk1,zk2,zk3 /app | jq .version\n\n" + pathText,
		Flags:  append([]cli.Flag{jsonFlag("print a JSON object")}, errandFlags()...),
		Action: z.stat,
	}
}

func jsonFlag(usage string) cli.Flag { return &cli.BoolFlag{Name: "json", Usage: usage} }

func (z *command) stat(c *cli.Context) error {
	name, err := onlyName(c)
	if err != nil {
		return err
	}
	var st *zk.Stat
	var found znodeStat
	err = z.errand(c, name, func(e *errand) error {
		err := e.ask(func() (err error) {
			var exists bool
			if exists, st, err = e.conn.Exists(e.path); err == nil && !exists {
				err = zk.ErrNoNode
			}
			return err
		})
		found = e.stat(e.path, st)
		return err
	})
	switch {
	case err != nil:
		return err
	case c.Bool("json"):
		return writeJSON(z.out, found)
	}
	return z.printLines(strings.Fields(xattr.FormatStat(st)))
}
