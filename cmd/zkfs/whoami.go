package main

import (
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/zk"
)

func (z *command) whoamiCommand() *cli.Command {
	return &cli.Command{
		Name:      "whoami",
		Usage:     "print the identities that the servers take this session for",
		UsageText: "zkfs whoami [--json] [flags] PATH | --server SOURCE",
		Description: "Prints the identities of a session with these credentials, SCHEME:USER on " +
			"a line. The servers " +
			"must be of 3.7 or later.\n\n" +
			"  zkfs whoami --auth-file ~/zk.auth --server zk1,zk2,zk3\n\n" + pathText,
		Flags: append([]cli.Flag{
			jsonFlag("print a JSON object on a line for each"),
		}, errandFlags()...),
		Action: z.whoami,
	}
}

// anyName returns the one name of a command line, which it does not need with --server.
func anyName(c *cli.Context) (string, error) {
	if c.NArg() == 0 && c.String("server") != "" {
		return "/", nil
	}
	return onlyName(c)
}

func (z *command) whoami(c *cli.Context) error {
	name, err := anyName(c)
	if err != nil {
		return err
	}
	var ids []zk.Identity
	err = z.errand(c, name, func(e *errand) error {
		return e.ask(func() (err error) {
			ids, err = e.conn.WhoAmI()
			if errors.Is(err, zk.ErrUnimplemented) {
				return failf(exitRefused, "%s: the servers do not tell the identities of a session", e.name).
					hinting("ZooKeeper 3.7 or later does")
			}
			return err
		})
	})
	if err != nil {
		return err
	}
	type identity struct {
		Scheme string `json:"scheme"`
		User   string `json:"user"`
	}
	var lines []string
	var all []identity
	for _, id := range ids {
		lines = append(lines, id.Scheme+":"+id.User)
		all = append(all, identity(id))
	}
	if c.Bool("json") {
		return printJSON(z.out, all)
	}
	return z.printLines(lines)
}
