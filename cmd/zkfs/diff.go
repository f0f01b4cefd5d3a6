package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/internal/printable"
	"github.com/zkfs/zkfs/internal/transfer"
)

// The exit codes of `zkfs diff`, which are those of diff(1).
const (
	diffDifferent = 1
	diffTrouble   = 2 // in the place of 1; other failures have the codes that they have everywhere
)

func (z *command) diffCommand() *cli.Command {
	return &cli.Command{
		Name:      "diff",
		Usage:     "compare two trees: ensembles, archives, or one of each",
		UsageText: "zkfs diff [flags] PATH|SOURCE|FILE PATH|SOURCE|FILE",
		Description: "Compares data, ACLs, types, and the numbers of the next sequential children of two trees. " +
			"A tree is a path of a mount, an ensemble, or an archive of `zkfs export`, which may be - for " +
			"standard input.\n\n" +
			"  zkfs diff zk1,zk2/app other1,other2/app\n" +
			"  zkfs diff last-night.tar /mnt/zk/app\n\n" +
			"It prints a line for each difference: < with what only the first has, > with what only the " +
			"second has, ! with a znode that both have and in what it differs. Ephemerals are left out, as " +
			"are versions. Each tree is as it was at one moment.\n\n" +
			"The exit code is 0 if the trees are the same, 1 if not, 2 or more for trouble.",
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "ephemerals", Usage: "compare ephemerals too"},
			&cli.BoolFlag{Name: "versions", Usage: "compare the versions of data too"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"},
				Usage: "print nothing, and stop at the first difference"},
		}, connectionFlags()...),
		Action: z.diff,
	}
}

func (z *command) diff(c *cli.Context) error {
	if c.NArg() != 2 {
		return usagef("diff needs two trees, there are %d", c.NArg()).hinting("zkfs diff app.tar zk1,zk2/app")
	}
	debug.SetMemoryLimit(treeMemory)
	ctx, stop := treeSignals(c.Context)
	defer stop()
	in := newInputs(os.Getenv(authVariable))
	var streams [2]transfer.Stream
	for i := range streams {
		s, done, err := z.openSide(ctx, c, c.Args().Get(i), in)
		if err != nil {
			return err
		}
		defer done()
		if !c.Bool("ephemerals") {
			s = transfer.Lasting(s)
		}
		streams[i] = s
	}
	aspects := transfer.Data | transfer.ACL | transfer.Type | transfer.Counter
	if c.Bool("versions") {
		aspects |= transfer.Version
	}
	same, err := z.compare(ctx, streams, aspects, c.Bool("quiet"))
	switch {
	case err != nil && ctx.Err() != nil:
		return failf(exitNotDone, "interrupted")
	case err != nil:
		return archiveFailure(failf(exitNotDone, "%s", plain(err)), err)
	case !same:
		return told(diffDifferent)
	}
	return nil
}

// openSide opens one of the trees.
func (z *command) openSide(
	ctx context.Context, c *cli.Context, name string, in *inputs,
) (transfer.Stream, func(), error) {
	if isArchive(name) {
		f, err := openArchive(name, z.in)
		if err != nil {
			return nil, nil, err
		}
		s, err := f.stream()
		if err != nil {
			f.Close()
			return nil, nil, archiveFailure(err, err)
		}
		return s, func() { f.Close() }, nil
	}
	tree, err := z.openTree(ctx, c, name, in)
	if err != nil {
		return nil, nil, err
	}
	defer tree.conn.Close()
	state, err := tree.take(ctx, z.err, "")
	if err != nil {
		return nil, nil, err
	}
	return state.Records(), func() { state.Close() }, nil
}

// isArchive reports whether a name is that of a file which is not on a mount.
func isArchive(name string) bool {
	if name == "-" {
		return true
	}
	info, err := os.Stat(name)
	if err != nil || info.IsDir() {
		return false
	}
	file, err := absolute(name)
	if err != nil {
		return true
	}
	table, err := mountTable()
	if err != nil {
		return true
	}
	_, _, mounted := placeOf(table, resolved(file))
	return !mounted
}

// compare prints the differences.
func (z *command) compare(
	ctx context.Context, streams [2]transfer.Stream, aspects transfer.Aspect, quiet bool,
) (same bool, err error) {
	out := bufio.NewWriter(z.out)
	defer func() { err = errors.Join(err, out.Flush()) }()
	same = true
	for pair, err := range transfer.Pairs(streams[0], streams[1]) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return false, err
		}
		line := ""
		switch {
		case pair.B == nil:
			line = "< " + pair.Path
		case pair.A == nil:
			line = "> " + pair.Path
		default:
			if d := pair.Differs() & aspects; d != 0 {
				line = "! " + pair.Path + ": " + differences(pair, d)
			}
		}
		if line == "" {
			continue
		}
		if same = false; quiet {
			return false, nil
		}
		fmt.Fprintln(out, printable.Line(line))
	}
	return same, nil
}

// differences says in what two znodes differ.
func differences(p *transfer.Pair, d transfer.Aspect) string {
	var parts []string
	if d&transfer.Type != 0 {
		parts = append(parts, "one is an ephemeral")
	}
	if d&transfer.Data != 0 {
		parts = append(parts, fmt.Sprintf("data of %d and %d bytes", len(p.A.Data), len(p.B.Data)))
	}
	if d&transfer.ACL != 0 {
		parts = append(parts, "ACL")
	}
	if d&transfer.Counter != 0 {
		parts = append(parts, fmt.Sprintf("next number %d and %d", p.A.Sequence, p.B.Sequence))
	}
	if d&transfer.Version != 0 {
		parts = append(parts, fmt.Sprintf("version %d and %d", p.A.Stat.Version, p.B.Stat.Version))
	}
	return strings.Join(parts, ", ")
}

// diffCode returns the exit code of `zkfs diff` for one that other commands would have.
func diffCode(args []string, code int, err error) int {
	var t told
	if len(args) > 0 && args[0] == "diff" && code == exitUsage && !errors.As(err, &t) {
		return diffTrouble
	}
	return code
}
