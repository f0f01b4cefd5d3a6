package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/internal/cut"
	"github.com/zkfs/zkfs/internal/transfer"
	"github.com/zkfs/zkfs/zk"
)

// What `zkfs export`, `import`, `diff` and `clone` have in common.

// treeMemory is what a command that reads whole trees may use before its memory is searched for
// what is free more often.
const treeMemory = 190 << 20

// A liveTree is a tree of an ensemble that a command line names.
type liveTree struct {
	watched
	conn        *zk.Conn
	credentials bool // the session has shown some
}

// openTree opens a session with the ensemble of a tree. The znode need not exist.
func (z *command) openTree(
	ctx context.Context, c *cli.Context, name string, in *inputs, options ...zk.Option,
) (*liveTree, error) {
	what, err := watchedBy(sourceOf(c, name))
	if err != nil {
		return nil, err
	}
	n, err := connectionOf(c, what.source, in)
	if err != nil {
		return nil, err
	}
	n.chroot = ""
	conn, err := n.connect(ctx, slog.New(slog.DiscardHandler), z.err, options...)
	if err != nil {
		return nil, err
	}
	return &liveTree{watched: what, conn: conn, credentials: n.secrets.prove()}, nil
}

// take reads the tree as it is at one moment.
func (t *liveTree) take(ctx context.Context, w io.Writer, folder string) (*cut.Cut, error) {
	bar := progress(w, "read from "+t.conn.Server())
	tree, err := cut.Take(ctx, t.conn, t.znode, cut.Options{Exclude: cut.System, Folder: folder, Progress: bar.tell})
	bar.end()
	if err != nil {
		return nil, t.failure(ctx, err)
	}
	if denied := tree.Denied(); len(denied) > 0 {
		say(w, "%s: %s left out, and what is below: the session may not read them, as %s",
			t.source, plural(len(denied), "znode is", "znodes are"), denied[0])
	}
	return tree, nil
}

// grant is what lets the session create children while a directory is filled.
func (t *liveTree) grant() []zk.ACL {
	if t.credentials {
		return zk.AuthACL(zk.PermAll)
	}
	return zk.WorldACL(zk.PermAll)
}

// failure gives an error of a tree its exit code.
func (t *liveTree) failure(ctx context.Context, err error) error {
	var f *failure
	switch {
	case errors.As(err, &f):
		return err
	case ctx.Err() != nil:
		return failf(exitNotDone, "interrupted")
	case errors.Is(err, zk.ErrNoNode):
		return failf(exitChroot, "the znode %s does not exist on %s, or is gone by now", t.znode, t.conn.Server())
	case errors.Is(err, zk.ErrNoAuth), errors.Is(err, zk.ErrAuthFailed):
		return failf(exitAuth, "%s: %s", t.source, plain(err)).hinting(authHint)
	case errors.Is(err, cut.ErrUnsupported):
		return failf(exitNotDone, "%s: %s", t.source, plain(err)).
			hinting("tar --xattrs on a mount of zkfs copies a tree of such a server, not of one moment")
	case errors.Is(err, cut.ErrBusy):
		return failf(exitNotDone, "%s: %s", t.source, plain(err)).hinting("a part of it may do, or a server nearby")
	}
	return failf(exitNotDone, "%s: %s", t.source, plain(err))
}

// refusal gives an error of a transfer to t its exit code, and names what is in the way.
func (t *liveTree) refusal(ctx context.Context, w io.Writer, err error) error {
	var conflict *transfer.ConflictError
	var masked *transfer.MaskedError
	var different *transfer.DifferentError
	switch {
	case errors.As(err, &conflict):
		name(w, conflict.Named, conflict.Count)
		return failf(exitNotDone, "%s in the way, and nothing was changed",
			plural(conflict.Count, "znode is", "znodes are")).
			hinting("--merge overwrites what differs, --replace deletes what the source lacks too; " +
				"-n shows what they would do")
	case errors.As(err, &masked):
		name(w, masked.Named, masked.Count)
		return failf(exitAuth, "the server has hidden password hashes in the ACLs of %s, and nothing was changed",
			plural(masked.Count, "znode", "znodes")).
			hinting("read the source with credentials that may administer them: --auth-file, ZKFS_AUTH")
	case errors.As(err, &different):
		name(w, different.Named, different.Count)
		return failf(exitNotDone, "%s not as in the source", plural(different.Count, "znode is", "znodes are")).
			hinting("another client has changed them meanwhile: do it again, or look by zkfs diff")
	}
	return t.failure(ctx, err)
}

// name names the first of a number of znodes.
func name(w io.Writer, named []string, count int) {
	for _, text := range named {
		say(w, "%s", text)
	}
	if more := count - len(named); more > 0 {
		say(w, "and %d more", more)
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, one)
	}
	return fmt.Sprintf("%d %s", n, many)
}

// treeSignals end a command that reads or writes trees.
func treeSignals(ctx context.Context) (context.Context, context.CancelFunc) {
	return untilSignal(ctx, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
}

// A bar shows how far a command is, on a terminal.
type bar struct {
	w    io.Writer // nil if there is no terminal
	text string
	last time.Time
}

func progress(w io.Writer, text string) *bar {
	if !isTerminal(w) {
		return &bar{}
	}
	return &bar{w: w, text: text}
}

func (b *bar) tell(n int) {
	if b.w != nil && time.Since(b.last) > 100*time.Millisecond {
		b.last = time.Now()
		fmt.Fprintf(b.w, "\r%d znodes %s", n, b.text)
	}
}

// end removes the bar.
func (b *bar) end() {
	if b.w != nil && !b.last.IsZero() {
		fmt.Fprintf(b.w, "\r%s\r", strings.Repeat(" ", len(b.text)+20))
	}
}
