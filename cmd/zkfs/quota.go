package main

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/zk"
)

func (z *command) quotaCommand() *cli.Command {
	return &cli.Command{
		Name:      "quota",
		Usage:     "show or set how much there may be below a znode",
		UsageText: "zkfs quota get [--json] PATH | set [-n N] [-b BYTES] [-N N] [-B BYTES] PATH",
		Description: "Prints what is at and below a znode, its data and its quota, or sets the " +
			"quota.\n\n" +
			"  zkfs quota set -n 10000 -B 64M /mnt/zk/app\n" +
			"  zkfs quota get /mnt/zk/app\n" +
			"  zkfs quota set -n none /mnt/zk/app\n\n" +
			"A soft limit makes the servers write a line into their log. They enforce a hard " +
			"limit from 3.7 on, if they " +
			"are started with enforceQuota=true; other servers take no notice. A limit that is not " +
			"named stays, " +
			"none removes one, and a quota without limits is deleted. One znode of a path has a " +
			"quota at most.\n\n" +
			"The servers keep it below " + quotaRoot + ", where zkCli's setquota has " +
			"it.\n\n" + pathText,
		Flags: append([]cli.Flag{
			&valued{&cli.StringFlag{Name: "count", Aliases: []string{"n"}, Category: inOrder,
				Usage: "soft limit of znodes, with the one at PATH"}, aLimit},
			&valued{&cli.StringFlag{Name: "bytes", Aliases: []string{"b"}, Category: inOrder,
				Usage: "soft limit of bytes of data"}, aBytesLimit},
			&valued{&cli.StringFlag{Name: "hard-count", Aliases: []string{"N"}, Category: inOrder,
				Usage: "hard limit of znodes"}, aLimit},
			&valued{&cli.StringFlag{Name: "hard-bytes", Aliases: []string{"B"}, Category: inOrder,
				Usage: "hard limit of bytes of data"}, aBytesLimit},
			jsonFlag("print a JSON object"),
		}, errandFlags()...),
		Action: z.quota,
	}
}

func (z *command) quota(c *cli.Context) error {
	if c.NArg() != 2 {
		return usagef("quota needs get or set, and a path").hinting("zkfs quota get /mnt/zk/app")
	}
	e, err := errandOf(c, c.Args().Get(1))
	if err != nil {
		return err
	}
	e.atRoot()
	limits := amounts{-2, -2, -2, -2}
	limits.change(c)
	switch verb := c.Args().First(); {
	case verb == "get":
		return z.quotaGet(c, e)
	case verb != "set":
		return usagef("quota does not know %q", verb).hinting("it is get or set")
	case limits == amounts{-2, -2, -2, -2}:
		return usagef("quota set needs a limit").hinting("zkfs quota set -n 10000 /mnt/zk/app")
	case e.path == "/" || e.path == "/zookeeper" || strings.HasPrefix(e.path, "/zookeeper/"):
		return usagef("%s: the root and /zookeeper have no quota", e.name)
	}
	return z.run(c.Context, e, func() error { return e.setQuota(c) })
}

// A quotaRow is what of a quota is about one thing.
type quotaRow struct {
	Used int64  `json:"used"`
	Soft *int64 `json:"soft,omitempty"`
	Hard *int64 `json:"hard,omitempty"`
}

func quotaRowOf(used, soft, hard int64) quotaRow {
	r := quotaRow{Used: used}
	if soft != noLimit {
		r.Soft = &soft
	}
	if hard != noLimit {
		r.Hard = &hard
	}
	return r
}

func (r quotaRow) print(w *tabwriter.Writer, name string) {
	text := func(limit *int64) string {
		if limit == nil {
			return "none"
		}
		return strconv.FormatInt(*limit, 10)
	}
	fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", name, r.Used, text(r.Soft), text(r.Hard))
}

func (z *command) quotaGet(c *cli.Context, e *errand) error {
	var limits, used amounts
	err := z.run(c.Context, e, func() (err error) {
		if limits, _, err = e.amounts(quotaLimits); errors.Is(err, zk.ErrNoNode) {
			return failf(exitChroot, "%s: there is no quota", e.name)
		}
		if err == nil {
			used, _, err = e.amounts(quotaStats)
		}
		return err
	})
	if err != nil {
		return err
	}
	var found struct {
		whereabouts
		Count quotaRow `json:"count"`
		Bytes quotaRow `json:"bytes"`
	}
	found.whereabouts = e.whereabouts(e.path)
	found.Count = quotaRowOf(used.count, limits.count, limits.hardCount)
	found.Bytes = quotaRowOf(used.bytes, limits.bytes, limits.hardBytes)
	if c.Bool("json") {
		return writeJSON(z.out, found)
	}
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tUSED\tSOFT\tHARD")
	found.Count.print(w, "znodes")
	found.Bytes.print(w, "bytes")
	w.Flush() // into memory
	_, err = z.out.Write(b.Bytes())
	return err
}

// amounts reads one of the znodes of the quota.
func (e *errand) amounts(name string) (amounts, *zk.Stat, error) {
	var data []byte
	var st *zk.Stat
	err := e.ask(func() (err error) {
		data, st, err = e.conn.Get(path.Join(quotaRoot, e.path, name))
		return err
	})
	return parseAmounts(string(data)), st, err
}
