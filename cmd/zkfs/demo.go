package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/fs"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

func (z *command) demoCommand() *cli.Command {
	return &cli.Command{
		Name:      "demo",
		Usage:     "mount a small ZooKeeper that lives in memory, to try things out",
		UsageText: "zkfs demo DIRECTORY",
		Description: "Starts a ZooKeeper inside this process, puts a sample tree into it, and mounts " +
			"it on the directory, which is made if it is missing. Ctrl-C unmounts, and " +
			"nothing is left.",
		Action: z.demo,
	}
}

// demoSession is the session timeout of the demo's two clients, which share a process with the server.
const demoSession = 10 * time.Second

func (z *command) demo(c *cli.Context) (err error) {
	if c.NArg() != 1 {
		return usagef("demo needs one directory, there are %d", c.NArg()).hinting("zkfs demo /tmp/zk")
	}
	dir, err := absolute(c.Args().First())
	if err != nil {
		return err
	}
	if err := checkFUSE(false); err != nil {
		return err
	}
	ctx, stop := untilSignal(c.Context, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer stop()
	switch err := os.Mkdir(dir, 0o700); {
	case err == nil:
		defer os.Remove(dir)
	case !errors.Is(err, os.ErrExist):
		return failf(exitMountpoint, "%s", plain(err)).hinting("zkfs demo /tmp/zk")
	}
	if err := checkMountpoint(dir, false); err != nil {
		return err
	}
	server := zktest.NewServer(zktest.WithContainerCheck(time.Minute))
	defer server.Close()
	app, err := plant(server)
	if err != nil {
		return fmt.Errorf("sample tree: %w", err)
	}
	defer app.Close()
	return z.mountDemo(ctx, server.Addr(), dir)
}

// plant connects as a made-up application and creates the sample tree, part of which lives as long as that connection.
func plant(server *zktest.Server) (*zk.Conn, error) {
	app, _, err := zk.Connect([]string{server.Addr()}, demoSession, zk.WithSlog(slog.New(slog.DiscardHandler)), zk.WithAuth("digest", []byte("demo:demo")))
	if err != nil {
		return nil, err
	}
	for _, n := range sampleTree() {
		if _, err := app.Create(n.path, []byte(n.data), n.flags, n.acl); err != nil {
			app.Close()
			return nil, fmt.Errorf("%s: %w", n.path, err)
		}
	}
	return app, nil
}

// mountDemo mounts the server at addr and returns when the mount has ended.
func (z *command) mountDemo(ctx context.Context, addr, dir string) error {
	log := slog.New(slog.NewTextHandler(z.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	conn, _, err := zk.Connect([]string{addr}, demoSession, zk.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return err
	}
	defer conn.Close()
	o := fs.Options{
		UID:     uint32(os.Getuid()),
		GID:     uint32(os.Getgid()),
		Umask:   0o022,
		FsName:  addr,
		Servers: []string{addr},
		Logger:  log,
	}
	return serve(ctx, conn, dir, o, nil, func(*fs.FS) error {
		fmt.Fprintf(z.out, demoText, addr, dir)
		return nil
	})
}

const demoText = `A ZooKeeper with a sample tree runs in memory at %[1]s and is mounted on %[2]s

In another terminal:

  cd %[2]s
  ls -la . services/web                 a T in the mode marks what vanishes with its owner
  cat config/database/url
  echo 20 > config/database/pool-size   one new version
  cat services/web/.data                the data of a znode that has children
  getfattr -d config/database/url       its ACL and Stat
  cat secrets/token                     not for us: Permission denied
  cat locks/nightly.lock                who holds it, who waits
  flock locks/deploy.lock sleep 5       the Lock recipe, for shells
  cat .status

Any ZooKeeper client can join, as in: zkCli.sh -server %[1]s
With the credentials for secrets: ZKFS_AUTH=digest:demo:demo zkfs mount %[1]s DIRECTORY

Ctrl-C here unmounts and forgets it all.
`
