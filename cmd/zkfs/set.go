package main

import (
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/zk/znode"
)

func (z *command) setCommand() *cli.Command {
	return &cli.Command{
		Name:      "set",
		Usage:     "replace the data of a znode",
		UsageText: "zkfs set [--version N] [flags] PATH DATA|-",
		Description: "Replaces the data of a znode that exists, in one change.\n\n" +
			"  zkfs set /mnt/zk/config/limit 100\n" +
			"  zkfs set --server zk1,zk2,zk3 /app/config - <config.xml\n\n" +
			"Without --version the data is replaced whatever it is. To change only what was " +
			"read: " +
			"`zkfs stat` for the version, then `zkfs get`, then `zkfs set --version`. The exit " +
			"code is 20 " +
			"if another client was faster.\n\n" + dataText + "\n\n" + pathText,
		Flags:  append(errandFlags(), versionFlag("the data"), maxDataFlag()),
		Action: z.set,
	}
}

// versionFlag makes a change conditional.
func versionFlag(what string) cli.Flag {
	return &valued{&cli.StringFlag{Name: "version", Category: inOrder, DefaultText: "any",
		Usage: "only if the version of " + what + " is `N`"}, aVersion}
}

// versionOf returns the value of versionFlag, -1 if it is not given.
func versionOf(c *cli.Context) int32 {
	if !c.IsSet("version") {
		return -1
	}
	n, _ := strconv.ParseInt(c.String("version"), 10, 32) // was checked
	return int32(n)
}

func (z *command) set(c *cli.Context) error {
	if c.NArg() != 2 {
		return usagef("set needs a path and data").hinting("zkfs set /mnt/zk/app/config TEXT, or " +
			"- for standard input")
	}
	e, err := errandOf(c, c.Args().First())
	if err != nil {
		return err
	}
	var data []byte
	if data, e.maxData, err = z.dataOf(c, c.Args().Get(1)); err != nil {
		return err
	}
	return z.run(c.Context, e, func() error {
		_, err := znode.Set(e.ctx, e.conn, e.path, data, versionOf(c))
		return err
	})
}
