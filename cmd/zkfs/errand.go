package main

import (
	"context"
	"log/slog"
	"os"
	"path"
	"sync/atomic"
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
	life context.Context // ends with the first signal
	ctx  context.Context // ends with life, and when no server answers
	conn *zk.Conn        // its calls end with ctx; its root is the znode of the source

	maxData int // the most data of a znode that the servers take, 0 for what they take by default
}

// pathText is what the help of each of these commands says of PATH.
const pathText = "PATH is a file or directory of a mount, which is not touched, or with --server " +
	"the path of " +
	"a znode. The command has a session of its own, so what the mount was told about credentials " +
	"and TLS must be told here too. The exit codes are in zkfs(1)."

// errandFlags are those of every command that runs an errand.
func errandFlags() []cli.Flag {
	return append([]cli.Flag{znodeServerFlag("PATH", "")}, connectionFlags()...)
}

// errandOf reads the command line of a command on the znode that name names.
func errandOf(c *cli.Context, name string) (*errand, error) {
	t, err := targetOf(c, name)
	if err != nil {
		return nil, err
	}
	e := &errand{target: t}
	if e.path, err = t.znode(); err != nil {
		return nil, err
	}
	e.connection, err = connectionOf(c, t.source, newInputs(os.Getenv(authVariable)))
	return e, err
}

// atRoot makes the root of the ensemble that of the session, for znodes outside of the source.
func (e *errand) atRoot() {
	e.path = path.Join("/", e.chroot, e.path)
	e.chroot = ""
}

// errand calls do in a session for the znode that name names.
func (z *command) errand(c *cli.Context, name string, do func(*errand) error) error {
	e, err := errandOf(c, name)
	if err != nil {
		return err
	}
	return z.run(c.Context, e, func() error { return do(e) })
}

// run opens the session of an errand and calls do. The session ends with do. A signal ends the
// calls of do, and run then returns what ends the process likewise. do must not print: a signal
// would not end that.
func (z *command) run(ctx context.Context, e *errand, do func() error) error {
	signals := catch()
	defer signals.stop()
	return signals.interrupt(ctx, func(ctx context.Context) error {
		var heard lastAnswer
		var cancel context.CancelCauseFunc
		e.life = ctx
		e.ctx, cancel = context.WithCancelCause(ctx)
		defer cancel(nil)
		sizes := sizeWatch{refused: cancel}
		conn, err := e.connect(ctx, slog.New(slog.DiscardHandler), z.err, enlarge(e.maxData),
			zk.WithRequestHook(func(r zk.RequestInfo) {
				heard.hear(r)
				sizes.hear(r)
			}))
		if err != nil {
			return err
		}
		defer conn.Close()
		heard.now()
		go heard.expect(e.ctx, max(e.connectTimeout, e.sessionTimeout), cancel) // ends with e.ctx
		e.conn = conn.WithContext(e.ctx)
		return e.refused(do())
	})
}

// errNoAnswer is the cause of a context that ended because no server has answered.
type errNoAnswer time.Duration

func (e errNoAnswer) Error() string {
	return "no server has answered for " + time.Duration(e).String()
}

// lastAnswer is when a server has last answered a request, in nanoseconds since 1970. A server that
// takes connections and answers nothing else gives none.
type lastAnswer struct{ at atomic.Int64 }

func (a *lastAnswer) hear(r zk.RequestInfo) {
	if !znode.Passing(r.Err) {
		a.now()
	}
}

func (a *lastAnswer) now() { a.at.Store(time.Now().UnixNano()) }

// looking is how often it is looked whether a server has answered.
const looking = 100 * time.Millisecond

// expect calls give with an errNoAnswer when no server has answered for so long, until ctx ends.
func (a *lastAnswer) expect(
	ctx context.Context, patience time.Duration, give context.CancelCauseFunc,
) {
	tick := time.NewTicker(looking)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if now.UnixNano()-a.at.Load() > int64(patience) {
				give(errNoAnswer(patience))
			}
		}
	}
}

// ask calls f until a server has answered.
func (e *errand) ask(f func() error) error {
	return znode.Retry(e.ctx, func(bool) error { return f() })
}

// inOrder is the heading of the flags that say what this one command is to do. Neither the
// environment nor a context gives them: with ZKFS_RECURSIVE=true, meant for another command, rm
// would delete trees.
const inOrder = "What to do"

// onlyName returns the one name of a command line.
func onlyName(c *cli.Context) (string, error) {
	if c.NArg() != 1 {
		return "", usagef("%s needs one path, there are %d", c.Command.Name, c.NArg()).
			hinting("zkfs " + c.Command.Name + " /mnt/zk/app")
	}
	return c.Args().First(), nil
}
