package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/internal/cut"
	"github.com/zkfs/zkfs/internal/mirror"
	"github.com/zkfs/zkfs/internal/printable"
	"github.com/zkfs/zkfs/zk"
)

// mirrorWait is the pause before a mirror looks for servers, or a znode that is gone, again.
const mirrorWait = time.Second

func (z *command) mirrorCommand() *cli.Command {
	return &cli.Command{
		Name:      "mirror",
		Usage:     "let a plain directory follow a tree, without FUSE",
		UsageText: "zkfs mirror [--once] [--exec COMMAND] [flags] PATH|SOURCE DIR",
		Description: "Writes a tree to DIR, and writes it anew when it changes, until a signal. It is for places " +
			"without FUSE, and needs no privileges.\n\n" +
			"  zkfs mirror --exec 'nginx -s reload' zk1,zk2,zk3/web /etc/nginx/zk\n\n" +
			"All files are switched at once, by a symbolic link, as in a ConfigMap of Kubernetes: DIR/conf/db " +
			"leads through DIR/..data to the tree after one transaction. A program that opens DIR/..data " +
			"once, and its files from there, sees one transaction. The tree before it stays until the next " +
			"switch. While no server answers, the last tree stays.\n\n" +
			"Files stand for znodes as on a mount, ephemerals too. Locks are left out. DIR is missing, empty, " +
			"or from an earlier mirror. The servers must be of 3.6 or later.",
		Flags: append([]cli.Flag{
			&valued{&cli.StringFlag{Name: "exec", Category: inOrder,
				Usage: "run `COMMAND` by sh after the first switch and after others, never two at a time"}, aText},
			&cli.BoolFlag{Name: "once", Category: inOrder, Usage: "end after the first switch and COMMAND"},
		}, connectionFlags()...),
		Action: z.mirror,
	}
}

// mirroring is one run of `zkfs mirror`.
type mirroring struct {
	*command
	from   *liveTree
	to     *mirror.Mirror
	after  *afterSwitch
	begun  bool   // DIR has a tree of this run
	remark string // that was made last, so that it is not made again and again
}

func (z *command) mirror(c *cli.Context) error {
	if c.NArg() != 2 {
		return usagef("mirror needs a path or source and a directory, there are %d names", c.NArg()).
			hinting("zkfs mirror zk1,zk2/app /run/app")
	}
	debug.SetMemoryLimit(treeMemory)
	ctx, stop := treeSignals(c.Context)
	defer stop()
	dir := c.Args().Get(1)
	from, err := z.openTree(ctx, c, c.Args().First(), newInputs(os.Getenv(authVariable)))
	if err != nil {
		return err
	}
	defer from.conn.Close()
	if exists, _, err := from.conn.WithContext(ctx).Exists(from.znode); err == nil && !exists {
		return from.failure(ctx, zk.ErrNoNode) // before DIR is made
	}
	to, err := mirror.Open(dir)
	if err != nil {
		return usagef("%s: %s", dir, plain(err))
	}
	defer to.Close()
	to.Remark = func(file, why string) { say(z.err, "%s/%s: %s", dir, printable.Line(file), why) }
	m := &mirroring{command: z, from: from, to: to}
	if c.Bool("once") {
		return m.once(ctx, c.String("exec"))
	}
	m.after = z.runAfter(c.String("exec"))
	defer m.after.end()
	for ctx.Err() == nil {
		if err := m.follow(ctx); err != nil {
			return err
		}
		pause(ctx, mirrorWait)
	}
	return nil
}

// once writes the tree and runs the command.
func (m *mirroring) once(ctx context.Context, command string) error {
	state, err := m.from.take(ctx, m.err, "")
	if err != nil {
		return err
	}
	defer state.Close()
	if err := m.to.Begin(state); err != nil {
		return failf(exitNotDone, "%s", plain(err))
	}
	if command == "" {
		return nil
	}
	if err := m.shell(ctx, command).Run(); err != nil {
		return failf(exitNotDone, "--exec: %w", err)
	}
	return nil
}

// follow writes the tree and its changes, until events are missing. Only the first tree must be
// there for a mirror to begin.
func (m *mirroring) follow(ctx context.Context) error {
	state, err := cut.Take(ctx, m.from.conn, m.from.znode, cut.Options{Exclude: cut.System})
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil && !m.begun && !errors.Is(err, cut.ErrLost) && !errors.Is(err, cut.ErrBusy):
		return m.from.failure(ctx, err)
	case err != nil:
		m.say("%s: %s; the last state stays", m.from.source, plain(err))
		return nil
	}
	defer state.Close()
	if err := m.to.Begin(state); err != nil {
		return m.failed(err)
	}
	m.switched(state.Zxid)
	for {
		changes, err := state.Next(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			m.say("%s: %s; the last state stays", m.from.source, plain(err))
			return nil
		}
		switched, err := m.to.Apply(changes)
		if err != nil {
			return m.failed(err)
		}
		if switched {
			m.switched(changes.Zxid)
		}
	}
}

// failed tells of an error of the directory. A mirror that has begun tries again.
func (m *mirroring) failed(err error) error {
	if !m.begun {
		return failf(exitNotDone, "%s", plain(err))
	}
	m.say("%s; the last state stays", plain(err))
	return nil
}

// switched is called after each switch.
func (m *mirroring) switched(zxid int64) {
	if !m.begun {
		m.begun = true
		tellManager(slog.New(slog.NewTextHandler(m.err, nil)), "READY=1")
		say(m.err, "mirrors %s from zxid %#x on", m.from.source, zxid)
	} else if m.remark != "" {
		say(m.err, "mirrors %s again, from zxid %#x on", m.from.source, zxid)
	}
	m.remark = ""
	m.after.kick()
}

// say says what was not said last.
func (m *mirroring) say(format string, args ...any) {
	if text := printable.Line(fmt.Sprintf(format, args...)); text != m.remark {
		m.remark = text
		say(m.err, "%s", text)
	}
}
