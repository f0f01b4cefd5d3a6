package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path"
	"slices"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/internal/printable"
	"github.com/zkfs/zkfs/zk"
)

func (z *command) watchCommand() *cli.Command {
	return &cli.Command{
		Name:      "watch",
		Usage:     "print changes as they happen",
		UsageText: "zkfs watch [flags] PATH | HOST[:PORT][,HOST[:PORT]...][/PATH]",
		Description: "Watches a file or directory of a mount, or a znode, and prints a line for each " +
			"change, until Ctrl-C. The znode need not exist.\n\n" +
			"  zkfs watch -r /mnt/zk/config\n" +
			"  zkfs watch --exec 'systemctl reload nginx' zk1,zk2,zk3/config/nginx\n\n" +
			"The changes are created, deleted, changed (the data) and children (one was " +
			"created or deleted; without -r). After a lost connection the watch goes on at " +
			"the next server, and \"lost\" says that there may have been changes which nobody " +
			"reports: look again. A change is told at once, and what is read then may be " +
			"newer still. A file that is named exists on the mount, unless it was deleted.\n\n" +
			"It has a session of its own, so what the mount was told about credentials and " +
			"TLS must be told here too. The servers must be of 3.6 or later.",
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "recursive", Aliases: []string{"r"},
				Usage: "watch everything below too"},
			&cli.BoolFlag{Name: "json",
				Usage: "print a JSON object on a line for each change"},
			&cli.BoolFlag{Name: "initial",
				Usage: "tell first what is there, as initial; with -r everything below too"},
			&valued{&cli.StringFlag{Name: "debounce",
				Usage: "tell changes when none has come for so long, or for ten times as long in all: of " +
					"each file the last one. The command runs once for them all, after the last"}, aTime},
			&valued{&cli.StringFlag{Name: "exec",
				Usage: "run `COMMAND` by sh after each change, with ZKFS_EVENT, ZKFS_PATH and, on a mount, " +
					"ZKFS_FILE in its environment. One runs at a time"}, aText},
		}, connectionFlags()...),
		Action: z.watch,
	}
}

func (z *command) watch(c *cli.Context) error {
	if c.NArg() != 1 {
		return usagef("watch needs one path or source, there are %d", c.NArg()).hinting("zkfs watch -r /mnt/zk")
	}
	what, err := watchedBy(sourceOf(c, c.Args().First()))
	if err != nil {
		return err
	}
	n, err := connectionOf(c, what.source, newInputs(os.Getenv(authVariable)))
	if err != nil {
		return err
	}
	n.chroot = "" // the znode to watch need not exist
	ctx, stop := untilSignal(c.Context, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer stop()
	conn, err := n.connect(ctx, slog.New(slog.DiscardHandler), z.err)
	if err != nil {
		return err
	}
	defer conn.Close()
	w := watching{
		watched: what,
		mode:    zk.AddWatchPersistent,
		out:     z.out,
		err:     z.err,
		asJSON:  c.Bool("json"),
		command: c.String("exec"),
		initial: c.Bool("initial"),
		burst:   burst{quiet: timeOf(c, "debounce")},
	}
	if c.Bool("recursive") {
		w.mode = zk.AddWatchPersistentRecursive
	}
	return w.run(ctx, conn)
}

// watching is one run of `zkfs watch`.
type watching struct {
	watched
	mode     zk.AddWatchMode
	out, err io.Writer
	asJSON   bool
	command  string // "" for none
	initial  bool   // what is there is to be told
	burst    burst
}

// run tells of changes until ctx ends. A session that ends is followed by another.
func (w *watching) run(ctx context.Context, conn *zk.Conn) error {
	err := w.watch(ctx, conn)
	return errors.Join(err, w.release())
}

func (w *watching) watch(ctx context.Context, conn *zk.Conn) error {
	for first := true; ; first = false {
		watcher, err := conn.WithContext(ctx).AddWatch(w.znode, w.mode)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, zk.ErrUnimplemented):
			return failf(exitRefused, "%s is older than 3.6 and can not watch for long", conn.Server()).
				hinting("zkfs mount works with it")
		case errors.Is(err, zk.ErrNoServer), errors.Is(err, zk.ErrConnectionClosed), errors.Is(err, zk.ErrSessionExpired):
			continue // the attempt has waited for a connection
		case err != nil:
			return inWords(w.znode, err)
		}
		if first {
			say(w.err, "watching %s on %s", w.znode, conn.Server())
			if err := w.tellInitial(conn.WithContext(ctx), w.znode); err != nil {
				return err
			}
		} else if err := w.tell(zk.Event{Type: zk.EventLost, Path: w.znode}); err != nil {
			return err
		}
		if err := w.follow(ctx, conn, watcher.Events()); err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// follow tells of events until there are no more or ctx ends. That some are lost is told when the watch stands again: who
// then looks, by whatever connection, misses nothing. It is queued before that, but no request overtakes the setting of watches.
func (w *watching) follow(ctx context.Context, conn *zk.Conn, events <-chan zk.Event) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.burst.over:
			if err := w.release(); err != nil {
				return err
			}
		case e, ok := <-events:
			if !ok {
				return nil
			}
			if e.Type == zk.EventLost {
				conn.WithContext(ctx).Exists(w.znode) // if it fails for the connection, another EventLost follows
			}
			if err := w.tell(e); err != nil {
				return err
			}
		}
	}
}

// changeNames are the words for events. Those of other types are not told.
var changeNames = map[zk.EventType]string{
	zk.EventNodeCreated:         "created",
	zk.EventNodeDeleted:         "deleted",
	zk.EventNodeDataChanged:     "changed",
	zk.EventNodeChildrenChanged: "children",
	zk.EventLost:                "lost",
}

// A change is what is told of an event.
type change struct {
	Time  time.Time `json:"time"` // when it was heard of
	Event string    `json:"event"`
	Path  string    `json:"path"`           // the znode, from the root of the ensemble
	File  string    `json:"file,omitempty"` // on the mount
}

// tellInitial tells of the znode, and of those below if they are watched. The watch stands, so no
// change is missed. What a server does not show is left out.
func (w *watching) tellInitial(conn *zk.Conn, znode string) error {
	if !w.initial {
		return nil
	}
	names, _, err := conn.Children(znode)
	if err != nil {
		return nil
	}
	if err := w.hear(change{Time: time.Now(), Event: "initial", Path: znode, File: w.fileOf(znode)}); err != nil {
		return err
	}
	if w.mode != zk.AddWatchPersistentRecursive {
		return nil
	}
	slices.Sort(names)
	for _, name := range names {
		if err := w.tellInitial(conn, path.Join(znode, name)); err != nil {
			return err
		}
	}
	return nil
}

// tell tells of an event.
func (w *watching) tell(e zk.Event) error {
	name := changeNames[e.Type]
	if name == "" {
		return nil
	}
	c := change{Time: time.Now(), Event: name, Path: e.Path, File: w.fileOf(e.Path)}
	if lock := w.lockOf(e.Path); lock != "" {
		c.Event, c.File = changeNames[zk.EventNodeDataChanged], lock
	}
	return w.hear(c)
}

// hear tells of a change, or keeps it for the end of the burst. Its error is that of the output: a
// command that fails is no reason to stop.
func (w *watching) hear(c change) error {
	if w.burst.quiet > 0 {
		w.burst.add(c)
		return nil
	}
	if err := w.print(c); err != nil {
		return fmt.Errorf("print a change: %w", err)
	}
	w.execute(c)
	return nil
}

// release tells of what the burst has kept.
func (w *watching) release() error {
	kept := w.burst.take()
	for _, c := range kept {
		if err := w.print(c); err != nil {
			return fmt.Errorf("print a change: %w", err)
		}
	}
	if len(kept) > 0 {
		w.execute(kept[len(kept)-1])
	}
	return nil
}

// execute runs the command for a change.
func (w *watching) execute(c change) {
	if w.command == "" {
		return
	}
	cmd := exec.Command("/bin/sh", "-c", w.command) // is not cut short by the end of the watch
	cmd.Env = append(withoutVariable(os.Environ(), authVariable), "ZKFS_EVENT="+c.Event, "ZKFS_PATH="+c.Path, "ZKFS_FILE="+c.File)
	cmd.Stdout, cmd.Stderr = w.out, w.err
	if err := cmd.Run(); err != nil {
		say(w.err, "--exec after %s %s: %v", c.Event, c.Path, err)
	}
}

func (w *watching) print(c change) error {
	if w.asJSON {
		return jsonTo(w.out).Encode(c)
	}
	name := c.File
	if name == "" {
		name = c.Path
	}
	if c.Event == changeNames[zk.EventLost] {
		name += " (the connection was away or too slow: there may have been changes)"
	}
	_, err := fmt.Fprintf(w.out, "%s %-8s %s\n", c.Time.Format(time.RFC3339), c.Event, printable.Line(name))
	return err
}
