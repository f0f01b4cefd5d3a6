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
	"github.com/zkfs/zkfs/zk/znode"
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

// noLimit stands for none.
const noLimit = -1

func parseLimit(text string) (int64, error) {
	if text == "none" {
		return noLimit, nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	return int64(n), err
}

func parseBytesLimit(text string) (int64, error) {
	if n, err := parseLimit(text); err == nil {
		return n, nil
	}
	n, err := parseSize(text)
	return int64(n), err
}

// The znodes in which the servers keep quotas (Quotas.java).
const (
	quotaRoot   = "/zookeeper/quota"
	quotaLimits = "zookeeper_limits"
	quotaStats  = "zookeeper_stats"
)

// amounts are what a znode of a quota holds (StatsTrack.java): limits, or what is there.
type amounts struct {
	count, bytes, hardCount, hardBytes int64
}

// String returns the form that servers of all versions read.
func (a amounts) String() string {
	return fmt.Sprintf("count=%d,bytes=%d=;byteHardLimit=%d;countHardLimit=%d",
		a.count, a.bytes, a.hardBytes, a.hardCount)
}

// parseAmounts reads what servers and clients of all versions write. What is missing is noLimit.
func parseAmounts(text string) amounts {
	a := amounts{noLimit, noLimit, noLimit, noLimit}
	fields := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' })
	for _, field := range fields {
		name, value, _ := strings.Cut(field, "=")
		n, err := strconv.ParseInt(strings.TrimSuffix(value, "="), 10, 64)
		if to := a.field(name); to != nil && err == nil {
			*to = n
		}
	}
	return a
}

func (a *amounts) field(name string) *int64 {
	switch name {
	case "count":
		return &a.count
	case "bytes":
		return &a.bytes
	case "countHardLimit":
		return &a.hardCount
	case "byteHardLimit":
		return &a.hardBytes
	}
	return nil
}

// change sets the limits that the flags give.
func (a *amounts) change(c *cli.Context) {
	for _, f := range []struct {
		flag  string
		to    *int64
		parse func(string) (int64, error)
	}{
		{"count", &a.count, parseLimit}, {"hard-count", &a.hardCount, parseLimit},
		{"bytes", &a.bytes, parseBytesLimit}, {"hard-bytes", &a.hardBytes, parseBytesLimit},
	} {
		if c.IsSet(f.flag) {
			*f.to, _ = f.parse(c.String(f.flag)) // was checked
		}
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

// setQuota changes the limits, by the version that it has seen.
func (e *errand) setQuota(c *cli.Context) error {
	for {
		limits, st, err := e.amounts(quotaLimits)
		missing := errors.Is(err, zk.ErrNoNode)
		if err != nil && !missing {
			return err
		}
		limits.change(c)
		none := limits == amounts{noLimit, noLimit, noLimit, noLimit}
		file := path.Join(quotaRoot, e.path, quotaLimits)
		switch {
		case none && missing:
			return nil
		case none:
			err = e.deleteQuota(st.Version)
		case missing:
			err = e.createQuota(limits)
		default:
			_, err = znode.Set(e.ctx, e.conn, file, []byte(limits.String()), st.Version)
		}
		if !errors.Is(err, zk.ErrBadVersion) && (!missing || !errors.Is(err, zk.ErrNodeExists)) {
			return err
		}
	}
}

// createQuota makes the znodes of a quota, by one transaction. The server fills in what is there.
func (e *errand) createQuota(limits amounts) error {
	if err := e.checkQuota(); err != nil {
		return err
	}
	dir := path.Join(quotaRoot, e.path)
	acl, err := newACL{}.under(e, quotaRoot)
	if err != nil {
		return err
	}
	if err := znode.Ensure(e.ctx, e.conn, dir, false, acl); err != nil {
		return err
	}
	create := func(name, data string) *zk.CreateRequest {
		return &zk.CreateRequest{Path: path.Join(dir, name), Data: []byte(data), Acl: acl}
	}
	return e.ask(func() error {
		_, err := e.conn.Multi(
			create(quotaLimits, limits.String()), create(quotaStats, "count=0,bytes=0"))
		return err
	})
}

// checkQuota refuses a quota for a missing znode, and one above or below another.
func (e *errand) checkQuota() error {
	var exists bool
	err := e.ask(func() (err error) {
		exists, _, err = e.conn.Exists(e.path)
		return err
	})
	if err == nil && !exists {
		err = zk.ErrNoNode
	}
	if err != nil {
		return err
	}
	other := func(znode string) error {
		return failf(exitRefused, "%s: %s has a quota already, and counts what is here",
			e.name, strings.TrimPrefix(znode, quotaRoot))
	}
	for dir := path.Dir(e.path); dir != "/"; dir = path.Dir(dir) {
		file := path.Join(quotaRoot, dir, quotaLimits)
		err := e.ask(func() (err error) {
			exists, _, err = e.conn.Exists(file)
			return err
		})
		if err != nil {
			return err
		}
		if exists {
			return other(path.Dir(file))
		}
	}
	for n, err := range znode.Walk(e.ctx, e.conn, path.Join(quotaRoot, e.path)) {
		switch {
		case errors.Is(err, zk.ErrNoNode):
			return nil
		case err != nil:
			return err
		case path.Base(n.Path) == quotaLimits:
			return other(path.Dir(n.Path))
		}
	}
	return nil
}

// deleteQuota deletes the znodes of a quota, and those above that are then empty.
func (e *errand) deleteQuota(version int32) error {
	dir := path.Join(quotaRoot, e.path)
	err := e.ask(func() error {
		_, err := e.conn.Multi(
			&zk.DeleteRequest{Path: path.Join(dir, quotaLimits), Version: version},
			&zk.DeleteRequest{Path: path.Join(dir, quotaStats), Version: -1})
		return err
	})
	for ; err == nil && dir != quotaRoot; dir = path.Dir(dir) {
		err = znode.Delete(e.ctx, e.conn, dir, -1)
	}
	if errors.Is(err, zk.ErrNotEmpty) {
		return nil // another quota is below
	}
	return err
}
