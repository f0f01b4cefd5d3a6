package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/internal/archive"
	"github.com/zkfs/zkfs/internal/printable"
	"github.com/zkfs/zkfs/internal/transfer"
)

func (z *command) importCommand() *cli.Command {
	return &cli.Command{
		Name:      "import",
		Usage:     "make a tree again from an archive",
		UsageText: "zkfs import [flags] FILE PATH|SOURCE",
		Description: "Makes the znodes of an archive of `zkfs export` again, at a path of a mount or an " +
			"ensemble. A FILE of - is standard input.\n\n" +
			"  zkfs import app.tar zk1,zk2,zk3/app\n" +
			"  zstd -dc app.tar.zst | zkfs import - /mnt/zk/app\n\n" +
			"It restores data, ACLs, and the numbers of the next sequential children, so that queues go " +
			"on where they were. Ephemerals are left out. It can not tell containers and znodes with a time to " +
			"live from others, and makes them permanent.\n\n" +
			"Without --merge or --replace it touches nothing that is there. An import that was broken off " +
			"goes on when it is started again. At the end it reads the tree again and compares it with the archive.",
		Flags:  append(transferFlags("the archive"), connectionFlags()...),
		Action: z.importArchive,
	}
}

// transferFlags are those of commands that make a tree as it is in source.
func transferFlags(source string) []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "merge", Usage: "let znodes that differ become as they are in " + source},
		&cli.BoolFlag{Name: "replace",
			Usage: "the same, and delete what " + source + " lacks, but no ephemerals"},
		&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "print what would be done, and change nothing"},
		&cli.BoolFlag{Name: "versions",
			Usage: "let the versions of data become those of the source too, by writing it as often"},
	}
}

// modeOf returns what a command may do to what is there.
func modeOf(c *cli.Context) (transfer.Mode, error) {
	switch merge, replace := c.Bool("merge"), c.Bool("replace"); {
	case merge && replace:
		return 0, usagef("--merge and --replace exclude each other").hinting("--replace overwrites too")
	case merge:
		return transfer.Merge, nil
	case replace:
		return transfer.Replace, nil
	}
	return transfer.Fresh, nil
}

func (z *command) importArchive(c *cli.Context) error {
	if c.NArg() != 2 {
		return usagef("import needs an archive and a path or source, there are %d names", c.NArg()).
			hinting("zkfs import app.tar zk1,zk2/app")
	}
	mode, err := modeOf(c)
	if err != nil {
		return err
	}
	debug.SetMemoryLimit(treeMemory)
	ctx, stop := treeSignals(c.Context)
	defer stop()
	from, err := openArchive(c.Args().First(), z.in)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := z.openTree(ctx, c, c.Args().Get(1), newInputs(os.Getenv(authVariable)))
	if err != nil {
		return err
	}
	defer to.conn.Close()
	_, err = z.transfer(ctx, c, to, from.stream, mode)
	return err
}

// transfer makes a tree equal to a source, and says what was done.
func (z *command) transfer(
	ctx context.Context, c *cli.Context, to *liveTree, from func() (transfer.Stream, error), mode transfer.Mode,
) (*transfer.Result, error) {
	dry := c.Bool("dry-run")
	bar := progress(z.err, "written to "+to.conn.Server())
	done := 0
	var printed error
	t := &transfer.Transfer{
		Conn: to.conn, Root: to.znode, Source: from, Mode: mode,
		Versions: c.Bool("versions"), DryRun: dry, Grant: to.grant(),
		Step: func(s *transfer.Step) {
			if done++; !dry {
				bar.tell(done)
			} else if _, err := fmt.Fprintln(z.out, printable.Line(stepText(to.znode, s))); err != nil {
				printed = err
			}
		},
		Remark: func(path, why string) { say(z.err, "%s %s", path, why) },
	}
	result, err := t.Run(ctx)
	bar.end()
	switch {
	case err != nil:
		return nil, archiveFailure(to.refusal(ctx, z.err, err), err)
	case printed != nil:
		return nil, printed
	case dry:
		return result, nil
	}
	say(z.err, "%s made, %d set, %d deleted, %d ACLs set, %d counters raised",
		plural(result.Steps[transfer.Create], "znode was", "znodes were"), result.Steps[transfer.Set],
		result.Steps[transfer.Delete], result.Steps[transfer.SetACL], result.Steps[transfer.Raise])
	say(z.err, "verified at zxid %#x: all is as in the source", result.Zxid)
	return result, nil
}

// stepText is a line for a step.
func stepText(root string, s *transfer.Step) string {
	text := fmt.Sprintf("%-7s %s", s.Kind, path.Join(root, s.Path))
	if s.Detail != "" {
		text += " " + s.Detail
	}
	return text
}

// An archiveFile is an archive that can be read more than once.
type archiveFile struct {
	*os.File
	name string
}

// openArchive opens an archive. What comes by a pipe is copied to a file without a name first.
func openArchive(name string, in io.Reader) (*archiveFile, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, usagef("%s", plain(err))
		}
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return &archiveFile{f, name}, nil
		}
		defer f.Close()
		in = f
	}
	f, err := os.CreateTemp("", ".zkfs-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if _, err := io.Copy(f, in); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &archiveFile{f, name}, nil
}

// reader reads the archive from its beginning.
func (f *archiveFile) reader() (*archive.Reader, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	r, err := archive.NewReader(bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	return r, nil
}

// stream returns the znodes of the archive, from the first on.
func (f *archiveFile) stream() (transfer.Stream, error) {
	r, err := f.reader()
	if err != nil {
		return nil, err
	}
	return r.Records(), nil
}

// archiveFailure is failure, unless err is about the archive.
func archiveFailure(failure, err error) error {
	if errors.Is(err, archive.ErrNotArchive) || errors.Is(err, archive.ErrCutShort) {
		return usagef("%s", plain(err)).hinting("an archive is what zkfs export has written, to its end")
	}
	return failure
}
