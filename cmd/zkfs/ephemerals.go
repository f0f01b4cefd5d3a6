package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/zk/znode"
)

func (z *command) ephemeralsCommand() *cli.Command {
	return &cli.Command{
		Name:      "ephemerals",
		Usage:     "list the ephemerals of all sessions below a znode",
		UsageText: "zkfs ephemerals [--json] [flags] PATH",
		Description: "Prints a line for each ephemeral at or below a znode: the session that " +
			"owns it, and its path.\n\n" +
			"  zkfs ephemerals --server zk1,zk2,zk3 /\n" +
			"  zkfs ephemerals --json /mnt/zk | jq -r .session | sort | uniq -c\n\n" +
			"The whole tree is read. Where an ACL does not let it list the children, the " +
			"znode is named at the end.\n\n" + pathText,
		Flags: append([]cli.Flag{
			jsonFlag("print a JSON object on a line for each"),
		}, errandFlags()...),
		Action: z.ephemerals,
	}
}

func (z *command) ephemerals(c *cli.Context) error {
	name, err := onlyName(c)
	if err != nil {
		return err
	}
	type ephemeral struct {
		whereabouts
		Session string `json:"session"` // hexadecimal
	}
	var lines []string
	var all []ephemeral
	err = z.errand(c, name, func(e *errand) error {
		return e.walk(func(n znode.Node) {
			if n.Stat.EphemeralOwner != 0 {
				session := fmt.Sprintf("%#x", uint64(n.Stat.EphemeralOwner))
				lines = append(lines, session+" "+e.shown(n.Path))
				all = append(all, ephemeral{e.whereabouts(n.Path), session})
			}
		})
	})
	show := func() error { return z.printLines(lines) }
	if c.Bool("json") {
		show = func() error { return printJSON(z.out, all) }
	}
	return errors.Join(show(), err)
}
