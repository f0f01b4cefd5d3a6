package main

import (
	"context"
	"errors"
	"os"
	"runtime/debug"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/internal/cut"
	"github.com/zkfs/zkfs/internal/transfer"
	"github.com/zkfs/zkfs/zk"
)

// lagEvery is how often a clone that follows tells how far it is.
const lagEvery = time.Second

func (z *command) cloneCommand() *cli.Command {
	return &cli.Command{
		Name:      "clone",
		Usage:     "make a tree the same as another, and keep it so",
		UsageText: "zkfs clone [flags] PATH|SOURCE PATH|SOURCE",
		Description: "Does what `zkfs export` of the first tree and `zkfs import` into the second do, " +
			"without an archive.\n\n" +
			"  zkfs clone zk1,zk2/app new1,new2/app\n" +
			"  zkfs clone --follow --replace zk1,zk2/app new1,new2/app\n\n" +
			"With --follow it then makes each change of the first tree in the second too, until Ctrl-C, and " +
			"tells every second in which something changed to which zxid it has come, and how long ago that " +
			"was true. A lag of 0 says that nothing is waiting. No server tells of a change of an ACL: those are " +
			"compared every --compare-every, and all else with them. After a lost connection the trees are " +
			"compared too.\n\n" +
			"Credentials and TLS are the same for both trees. Where they are not, `zkfs export` and " +
			"`zkfs import -` in a pipe have flags of their own.",
		Flags: append(append(transferFlags("the first tree"),
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on with the changes of the first tree"},
			&valued{&cli.StringFlag{Name: "compare-every", Value: "10m",
				Usage: "with --follow, compare the trees so often, and make what differs the same"}, aTime},
		), connectionFlags()...),
		Action: z.clone,
	}
}

func (z *command) clone(c *cli.Context) error {
	if c.NArg() != 2 {
		return usagef("clone needs two trees, there are %d", c.NArg()).hinting("zkfs clone zk1,zk2/app new1,new2/app")
	}
	mode, err := modeOf(c)
	if err != nil {
		return err
	}
	if c.Bool("follow") && c.Bool("dry-run") {
		return usagef("--follow and --dry-run exclude each other").hinting("look by --dry-run first")
	}
	debug.SetMemoryLimit(treeMemory)
	ctx, stop := treeSignals(c.Context)
	defer stop()
	in := newInputs(os.Getenv(authVariable))
	from, err := z.openTree(ctx, c, c.Args().First(), in)
	if err != nil {
		return err
	}
	defer from.conn.Close()
	to, err := z.openTree(ctx, c, c.Args().Get(1), in)
	if err != nil {
		return err
	}
	defer to.conn.Close()
	cl := &cloning{command: z, c: c, from: from, to: to, every: timeOf(c, "compare-every")}
	for {
		state, err := cl.copy(ctx, mode)
		if err == nil && c.Bool("follow") {
			err = cl.follow(ctx, state)
		}
		if state != nil {
			state.Close()
		}
		switch {
		case cl.followed && ctx.Err() != nil:
			return nil
		case !c.Bool("follow"), err != nil && !cl.followed:
			return err
		case err != nil:
			say(z.err, "%s; comparing the trees again", plain(err))
			pause(ctx, lagEvery)
		}
		mode = transfer.Replace
	}
}

// pause waits for so long, or for the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// cloning is one run of `zkfs clone`.
type cloning struct {
	*command
	c        *cli.Context
	from, to *liveTree
	every    time.Duration
	followed bool // the trees were the same once

	told     int64 // the zxid that was told last
	lastTold time.Time
}

// copy makes the second tree as the first is.
func (cl *cloning) copy(ctx context.Context, mode transfer.Mode) (*cut.Cut, error) {
	state, err := cl.from.take(ctx, cl.err, "")
	if err != nil {
		return nil, err
	}
	source := func() (transfer.Stream, error) { return state.Records(), nil }
	_, err = cl.transfer(ctx, cl.c, cl.to, source, mode)
	return state, err
}

// follow makes the changes of the first tree in the second, until the trees are to be compared
// again.
func (cl *cloning) follow(ctx context.Context, state *cut.Cut) error {
	cl.followed = true
	t := &transfer.Transfer{Conn: cl.to.conn, Root: cl.to.znode, Versions: cl.c.Bool("versions"), Grant: cl.to.grant(),
		Step: func(*transfer.Step) {}, Remark: func(string, string) {}}
	zxid := state.Zxid
	for end := time.Now().Add(cl.every); time.Now().Before(end); {
		wait, cancel := context.WithTimeout(ctx, lagEvery)
		changes, err := state.Next(wait)
		_, idle := errors.AsType[*zk.InterruptedError](err)
		cancel()
		heard := time.Now()
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return nil
		case idle:
			cl.tell(zxid, 0)
			continue
		case errors.Is(err, cut.ErrLost):
			say(cl.err, "the connection was lost: comparing the trees")
			return nil
		default:
			return cl.from.failure(ctx, err)
		}
		if err := t.Apply(ctx, changes); err != nil {
			if ctx.Err() == nil {
				say(cl.err, "%s: comparing the trees", plain(err))
			}
			return nil
		}
		if zxid = changes.Zxid; time.Since(cl.lastTold) >= lagEvery {
			lag := time.Since(heard)
			if !state.Waiting() {
				lag = 0
			}
			cl.tell(zxid, lag)
		}
	}
	return nil
}

// tell tells how far the clone is, unless that was told.
func (cl *cloning) tell(zxid int64, lag time.Duration) {
	if zxid == cl.told && lag == 0 {
		return
	}
	cl.lastTold = time.Now()
	if cl.told = zxid; lag > 0 {
		cl.told = 0 // so that a lag of 0 is told
	}
	say(cl.err, "followed to zxid %#x, lag %v", zxid, lag.Round(time.Millisecond))
}
