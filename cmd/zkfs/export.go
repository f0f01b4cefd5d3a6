package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/internal/archive"
	"github.com/zkfs/zkfs/internal/cut"
)

func (z *command) exportCommand() *cli.Command {
	return &cli.Command{
		Name:      "export",
		Usage:     "write a tree, as it is at one moment, to an archive",
		UsageText: "zkfs export [flags] PATH | HOST[:PORT][,HOST[:PORT]...][/PATH]",
		Description: "Writes a file or directory of a mount, or a znode, and all below it to a tar archive: for " +
			"backup, for `zkfs import`, and for tar and grep.\n\n" +
			"  zkfs export zk1,zk2,zk3/app -o app.tar\n" +
			"  zkfs export /mnt/zk/app | zstd > app.tar.zst\n\n" +
			"The archive has the state after one transaction, and names its zxid. Meanwhile other " +
			"clients go on writing. It has data, ACLs, versions, and the numbers of the next " +
			"sequential children. ACLs are read beside that, for no server tells of their changes. What the " +
			"session may not read is left out; that is said here and in the archive. " +
			"Left out too are ephemerals and the servers' own znodes, /zookeeper and /keeper.\n\n" +
			"The file gets its name when it is whole. The servers must be of 3.6 or later.",
		Flags: append([]cli.Flag{
			&valued{&cli.StringFlag{Name: "output", Aliases: []string{"o"}, DefaultText: "standard output",
				Usage: "write to `FILE`"}, aFile},
			&cli.BoolFlag{Name: "ephemerals",
				Usage: "write ephemerals too, marked as such. No import makes them again"},
		}, connectionFlags()...),
		Action: z.export,
	}
}

func (z *command) export(c *cli.Context) error {
	if c.NArg() != 1 {
		return usagef("export needs one path or source, there are %d", c.NArg()).
			hinting("zkfs export zk1,zk2/app -o app.tar")
	}
	file := c.String("output")
	if file == "" && isTerminal(z.out) {
		return usagef("an archive is nothing for a terminal").hinting("-o FILE, or a pipe")
	}
	if info, err := os.Stat(filepath.Dir(file)); err != nil {
		return usagef("--output %s: %s", file, plain(err))
	} else if !info.IsDir() {
		return usagef("--output %s: %s is no directory", file, filepath.Dir(file))
	}
	debug.SetMemoryLimit(treeMemory)
	ctx, stop := treeSignals(c.Context)
	defer stop()
	tree, err := z.openTree(ctx, c, c.Args().First(), newInputs(os.Getenv(authVariable)))
	if err != nil {
		return err
	}
	defer tree.conn.Close()
	folder := ""
	if file != "" {
		folder = filepath.Dir(file)
	}
	state, err := tree.take(ctx, z.err, folder)
	if err != nil {
		return err
	}
	defer state.Close()
	e := &exporting{tree: tree, state: state, ephemerals: c.Bool("ephemerals"), bar: progress(z.err, "written")}
	if file == "" {
		err = e.write(ctx, z.out)
	} else {
		err = whole(file, func(w io.Writer) error { return e.write(ctx, w) })
	}
	e.bar.end()
	if err != nil {
		return tree.failure(ctx, err)
	}
	say(z.err, "exported %s of %s at zxid %#x", plural(e.znodes, "znode", "znodes"), c.Args().First(), state.Zxid)
	return nil
}

// exporting is the writing of one archive.
type exporting struct {
	tree       *liveTree
	state      *cut.Cut
	ephemerals bool
	znodes     int
	bar        *bar
}

func (e *exporting) write(ctx context.Context, out io.Writer) error {
	buffered := bufio.NewWriterSize(out, 1<<20)
	denied := e.state.Denied()
	w, err := archive.NewWriter(buffered, archive.Header{
		Source: e.tree.source, Root: e.tree.znode, Zxid: fmt.Sprintf("%#x", e.state.Zxid), Server: e.state.Server,
		Written: time.Now().UTC().Truncate(time.Second), ACLs: "each as it was at some moment of the reading",
		Denied: denied[:min(len(denied), archive.MaxDenied)], DeniedCount: len(denied), Ephemerals: e.ephemerals,
	})
	if err != nil {
		return err
	}
	for r, err := range e.state.Records() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if r.Stat.EphemeralOwner != 0 && !e.ephemerals {
			continue
		}
		if err := w.Add(r); err != nil {
			return err
		}
		e.znodes++
		e.bar.tell(e.znodes)
	}
	if err := w.Close(); err != nil {
		return err
	}
	return buffered.Flush()
}

// whole writes a file that gets its name when all of it is on the disk.
func whole(name string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".part-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
