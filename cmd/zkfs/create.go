package main

import (
	"errors"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/fs"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

func (z *command) createCommand() *cli.Command {
	return &cli.Command{
		Name:  "create",
		Usage: "create a znode of any kind and print its path",
		UsageText: "zkfs create [-e | -s | -es | --ttl TIME | --container] [-p] [--acl ACL] " +
			"[flags] PATH [DATA | -]",
		Description: "Creates a znode and prints its path: on a mount that of the file, with " +
			"--server that of " +
			"the znode. With -s it ends in the number that the servers have given it.\n\n" +
			"  zkfs create -p --server zk1,zk2,zk3 /app/config/limit 100\n" +
			"  job=$(zkfs create -s /mnt/zk/jobs/job- - <job.json)\n" +
			"  zkfs create -e /mnt/zk/alive &\n\n" +
			"An ephemeral lives as long as the session that has created it. So with -e the " +
			"command prints the " +
			"path and then holds the znode until a signal ends it, and its exit code is then 0; " +
			"it is 16 " +
			"if the session, and the znode with it, has ended before.\n\n" +
			dataText + "\n\n" + pathText,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "ephemeral", Aliases: []string{"e"}, Category: inOrder,
				Usage: "an ephemeral, held until a signal"},
			&cli.BoolFlag{Name: "sequential", Aliases: []string{"s"}, Category: inOrder,
				Usage: "the servers append a number of ten digits to the name"},
			&valued{&cli.StringFlag{Name: "ttl", Category: inOrder,
				Usage: "the servers delete it when it has had no children and no change for so " +
					"long; they " +
					"need extendedTypesEnabled=true"}, aTTL},
			&cli.BoolFlag{Name: "container", Aliases: []string{"c"}, Category: inOrder,
				Usage: "the servers delete it when its last child is gone"},
			&cli.BoolFlag{Name: "parents", Aliases: []string{"p"}, Category: inOrder,
				Usage: "create the directories above that are missing"},
			newACLFlag(),
		}, append(errandFlags(), maxDataFlag())...),
		Action: z.create,
	}
}

// creation is what a command line of `zkfs create` says.
type creation struct {
	*errand
	flags   int32
	ttl     time.Duration
	parents bool
	data    []byte
	acl     newACL
	end     sync.Once // of the session that has created it
}

// creationOf reads the command line.
func (z *command) creationOf(c *cli.Context) (*creation, error) {
	if c.NArg() < 1 || c.NArg() > 2 {
		return nil, usagef("create needs a path, and then at most data").hinting("zkfs create " +
			"/mnt/zk/app/limit 100")
	}
	o := &creation{parents: c.Bool("parents"), ttl: timeOf(c, "ttl")}
	var err error
	if o.flags, err = flagsOf(c); err != nil {
		return nil, err
	}
	name := c.Args().First()
	if o.errand, err = errandOf(c, name); err != nil {
		return nil, err
	}
	switch sequential := o.flags&zk.FlagSequence != 0; {
	case sequential && strings.HasSuffix(name, "/"):
		o.path = strings.TrimSuffix(o.path, "/") + "/" // the number is the whole name
	case !o.named():
		return nil, partOfZnode(name)
	case o.path == "/":
		return nil, usagef("%s: the root exists", name)
	}
	if c.NArg() == 2 {
		if o.data, o.maxData, err = z.dataOf(c, c.Args().Get(1)); err != nil {
			return nil, err
		}
	}
	o.acl, err = z.newACLOf(c, c.Args().Get(1) == "-")
	return o, err
}

// flagsOf returns the kind of znode that the flags say.
func flagsOf(c *cli.Context) (flags int32, err error) {
	ephemeral, container, ttl := c.Bool("ephemeral"), c.Bool("container"), c.IsSet("ttl")
	sequential := c.Bool("sequential")
	switch {
	case ephemeral && (container || ttl) || container && (ttl || sequential):
		return 0, usagef("these kinds of znodes exclude each other").
			hinting("it is one of -e, -s, -es, --ttl, -s --ttl and --container")
	case container:
		return zk.FlagContainer, nil
	case ttl && sequential:
		return zk.FlagPersistentSequentialWithTTL, nil
	case ttl:
		return zk.FlagTTL, nil
	}
	if ephemeral {
		flags |= zk.FlagEphemeral
	}
	if sequential {
		flags |= zk.FlagSequence
	}
	return flags, nil
}

func (z *command) create(c *cli.Context) error {
	o, err := z.creationOf(c)
	if err != nil {
		return err
	}
	held := false
	var file string
	err = z.run(c.Context, o.errand, func() error {
		expired := make(chan struct{})
		defer o.conn.OnEvent(func(e zk.Event) {
			if e.State == zk.StateExpired {
				o.end.Do(func() { close(expired) })
			}
		})()
		created, err := o.make()
		if err != nil {
			return err
		}
		file = o.sibling(created)
		if !c.Bool("ephemeral") {
			return nil
		}
		held = true
		if err := z.printLine(file); err != nil {
			return &failure{code: exitUsage, err: err}
		}
		return o.hold(expired)
	})
	var t told
	switch {
	case held && errors.As(err, &t): // the end that was asked for
		return nil
	case held || err != nil:
		return err
	}
	return z.printLine(file)
}

// hold returns when the session is over, or the errand.
func (o *creation) hold(expired <-chan struct{}) error {
	select {
	case <-expired:
	case <-o.life.Done():
	}
	return failf(exitLost, "%s: the session has ended, and the ephemeral with it", o.name)
}

// make creates the znode and returns its path.
func (o *creation) make() (created string, err error) {
	parent, _ := znode.Split(o.path)
	acl, err := o.acl.under(o.errand, parent)
	if err != nil {
		return "", err
	}
	if o.parents {
		if err := znode.Ensure(o.ctx, o.conn, parent, false, acl); err != nil {
			return "", err
		}
	}
	err = o.once(parent, func() (err error) {
		switch o.flags {
		case zk.FlagContainer:
			created, err = o.conn.CreateContainer(o.path, o.data, o.flags, acl)
		case zk.FlagTTL, zk.FlagPersistentSequentialWithTTL:
			created, err = o.conn.CreateTTL(o.path, o.data, o.flags, acl, o.ttl)
		default:
			created, err = o.conn.Create(o.path, o.data, o.flags, acl)
		}
		return err
	})
	switch {
	case errors.Is(err, zk.ErrUnimplemented) && o.ttl > 0:
		return "", failf(exitRefused, "%s: the servers take no TTL", o.name).
			hinting("extendedTypesEnabled=true in their configuration, of ZooKeeper 3.5 or later")
	case errors.Is(err, zk.ErrUnimplemented) && o.flags == zk.FlagContainer:
		return "", failf(exitRefused, "%s: the servers have no containers", o.name).
			hinting("ZooKeeper 3.5 or later has them")
	case errors.Is(err, zk.ErrNoNode):
		return "", failf(exitChroot, "%s: the directory that it is to be in does not exist", o.name).
			hinting("-p creates what is missing")
	}
	return created, inDirectory(o.name, err)
}

// sibling returns what is printed for a znode in the directory of the path that was given.
func (o *creation) sibling(created string) string {
	switch {
	case !o.mounted:
		return created
	case created == o.path:
		return o.name
	}
	dir := filepath.Dir(o.name)
	if strings.HasSuffix(o.name, "/") {
		dir = o.name
	}
	return filepath.Join(dir, path.Base(fs.FilePath(created)))
}
