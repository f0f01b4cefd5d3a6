package main

import (
	"errors"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/zk"
)

// configPath is the znode that holds the configuration of an ensemble.
const configPath = "/zookeeper/config"

func (z *command) reconfigCommand() *cli.Command {
	return &cli.Command{
		Name:  "reconfig",
		Usage: "show the servers of an ensemble, or add and remove some",
		UsageText: "zkfs reconfig [--add SERVERS] [--remove IDS] [--members SERVERS] [flags] " +
			"PATH | --server SOURCE",
		Description: "Prints the configuration of the ensemble, after the change if there is " +
			"one.\n\n" +
			"  zkfs reconfig --server zk1,zk2,zk3\n" +
			"  zkfs reconfig --add 'server.4=zk4:2888:3888;2181' --remove 2 --server " +
			"zk1,zk2,zk3\n\n" +
			"SERVERS and IDS are lists with commas. The servers need reconfigEnabled=true, and " +
			"their ACL of " +
			configPath + " lets the super user alone change it. The exit code is 22 if they " +
			"refuse: " +
			"it is disabled, another reconfiguration is in progress, or no quorum of the new " +
			"configuration " +
			"is connected.\n\n" + pathText,
		Flags: append([]cli.Flag{
			&valued{&cli.StringFlag{Name: "add", Category: inOrder,
				Usage: "add `SERVERS`, or change those that are there"}, aText},
			&valued{&cli.StringFlag{Name: "remove", Category: inOrder,
				Usage: "remove the servers with these `IDS`"}, aText},
			&valued{&cli.StringFlag{Name: "members", Category: inOrder,
				Usage: "let `SERVERS` be all there are"}, aText},
			jsonFlag("print a JSON object"),
		}, errandFlags()...),
		Action: z.reconfig,
	}
}

func (z *command) reconfig(c *cli.Context) error {
	name, err := anyName(c)
	if err != nil {
		return err
	}
	add, remove := splitList(c.String("add")), splitList(c.String("remove"))
	members := splitList(c.String("members"))
	if len(members) > 0 && len(add)+len(remove) > 0 {
		return usagef("--members says all servers, and --add and --remove some of them")
	}
	e, err := errandOf(c, name)
	if err != nil {
		return err
	}
	e.atRoot()
	e.name = configPath // in errors
	var data []byte
	err = z.run(c.Context, e, func() (err error) {
		switch {
		case len(members) > 0:
			_, err = e.conn.Reconfig(members, -1)
		case len(add)+len(remove) > 0:
			_, err = e.conn.IncrementalReconfig(add, remove, -1)
		}
		if zk.MaybeApplied(err) {
			return failf(exitConnect, "the connection was lost before the answer: the change may "+
				"have been made").
				hinting("`zkfs reconfig` shows the servers; one that leaves closes its connections")
		}
		if err != nil {
			return err
		}
		return e.ask(func() error {
			if _, err := e.conn.Sync(configPath); err != nil {
				return err
			}
			data, _, err = e.conn.Get(configPath)
			if errors.Is(err, zk.ErrNoNode) {
				return refusal(configPath, err).hinting("ZooKeeper keeps its configuration there from 3.5 on")
			}
			return err
		})
	})
	switch {
	case err != nil:
		return err
	case c.Bool("json"):
		return writeJSON(z.out, configOf(string(data)))
	}
	return z.printLines(strings.FieldsFunc(string(data), func(r rune) bool { return r == '\n' }))
}

func splitList(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// An ensembleConfig is the configuration of an ensemble in JSON.
type ensembleConfig struct {
	Version string         `json:"version"` // hexadecimal; empty on a server that stands alone
	Servers []configServer `json:"servers"`
}

type configServer struct {
	ID      string `json:"id"`
	Address string `json:"address"` // as in zoo.cfg: host, ports, role, and the port for clients
}

// configOf reads the data of configPath.
func configOf(text string) ensembleConfig {
	config := ensembleConfig{Servers: []configServer{}}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if id, ok := strings.CutPrefix(key, "server."); ok {
			config.Servers = append(config.Servers, configServer{id, value})
		} else if key == "version" {
			config.Version = "0x" + value
		}
	}
	return config
}
