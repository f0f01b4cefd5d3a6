package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// An errand is what a command does with one znode, in a session of its own.
type errand struct {
	target
	*connection
	path string          // of the znode, from the root of the source
	ctx  context.Context // ends with the first signal, and with the patience for the servers
	conn *zk.Conn        // its calls end with ctx; its root is the znode of the source
}

// pathText is what the help of each of these commands says of PATH.
const pathText = "PATH is a file or directory of a mount, which is not touched, or with --server the path of " +
	"a znode. The command has a session of its own, so what the mount was told about credentials " +
	"and TLS must be told here too. The exit codes are in zkfs(1)."

// errandFlags are those of every command that runs an errand.
func errandFlags() []cli.Flag {
	return append([]cli.Flag{znodeServerFlag("PATH", "")}, connectionFlags()...)
}

// errand opens a session for the znode that name names, and calls do with it. The session ends with
// do. A signal ends the calls of do, and errand then returns what ends the process likewise. do
// must not print: a signal would not end that.
func (z *command) errand(c *cli.Context, name string, do func(*errand) error) error {
	t, err := targetOf(c, name)
	if err != nil {
		return err
	}
	e := &errand{target: t}
	if e.path, err = t.znode(); err != nil {
		return err
	}
	if e.connection, err = connectionOf(c, t.source, newInputs(os.Getenv(authVariable))); err != nil {
		return err
	}
	signals := catch()
	defer signals.stop()
	return signals.interrupt(c.Context, func(ctx context.Context) error {
		conn, err := e.connect(ctx, slog.New(slog.DiscardHandler), z.err)
		if err != nil {
			return err
		}
		defer conn.Close()
		var cancel context.CancelFunc
		e.ctx, cancel = whileHeard(ctx, conn, max(e.connectTimeout, e.sessionTimeout))
		defer cancel()
		e.conn = conn.WithContext(e.ctx)
		return e.refused(do(e))
	})
}

// errNoAnswer is the cause of a context that ended because no server was heard.
type errNoAnswer time.Duration

func (e errNoAnswer) Error() string { return "no server has answered for " + time.Duration(e).String() }

// hearing is how often it is looked whether a server was heard.
const hearing = 100 * time.Millisecond

// whileHeard returns a context that ends when no server has been heard for so long.
func whileHeard(ctx context.Context, conn *zk.Conn, patience time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() { // ends with ctx
		tick := time.NewTicker(hearing)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if conn.Silence() > patience {
				cancel(errNoAnswer(patience))
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}

// ask calls f until a server has answered.
func (e *errand) ask(f func() error) error {
	return znode.Retry(e.ctx, func(bool) error { return f() })
}

// onlyName returns the one name of a command line.
func onlyName(c *cli.Context) (string, error) {
	if c.NArg() != 1 {
		return "", usagef("%s needs one path, there are %d", c.Command.Name, c.NArg()).
			hinting("zkfs " + c.Command.Name + " /mnt/zk/app")
	}
	return c.Args().First(), nil
}
