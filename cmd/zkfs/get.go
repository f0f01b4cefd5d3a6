package main

import "github.com/urfave/cli/v2"

func (z *command) getCommand() *cli.Command {
	return &cli.Command{
		Name:      "get",
		Usage:     "print the data of a znode",
		UsageText: "zkfs get [flags] PATH",
		Description: "Prints the data of a znode as it is, without an end of line of its own.\n\n" +
			"  zkfs get /mnt/zk/config/nginx\n" +
			"  zkfs get --server zk1,zk2,zk3/app /config/nginx\n\n" + pathText,
		Flags:  errandFlags(),
		Action: z.get,
	}
}

func (z *command) get(c *cli.Context) error {
	name, err := onlyName(c)
	if err != nil {
		return err
	}
	var data []byte
	err = z.errand(c, name, func(e *errand) error {
		return e.ask(func() (err error) {
			data, _, err = e.conn.Get(e.path)
			return err
		})
	})
	if err != nil {
		return err
	}
	_, err = z.out.Write(data)
	return err
}
