package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/fs"
	"github.com/zkfs/zkfs/internal/printable"
	"github.com/zkfs/zkfs/zk"
)

func (z *command) holdersCommand() *cli.Command {
	return &cli.Command{
		Name:      "holders",
		Usage:     "list which sessions own, lock and watch a file",
		UsageText: "zkfs holders [flags] PATH",
		Description: "Prints a line for the session that owns the ephemeral at PATH, for each that " +
			"holds its lock or waits for it, in the order in which they get it, and for each that " +
			"watches it, with the address of its client.\n\n" +
			"  zkfs holders /mnt/zk/deploy.lock\n" +
			"  zkfs holders --json --server zk1,zk2,zk3/app /x.lock\n\n" +
			"ZXID is the fencing number of a holder, which grows from holder to holder. NOTE is what a " +
			"contender says about itself. Addresses and watches come from the servers' words cons and " +
			"wchp or their AdminServers, see `zkfs help sessions`; what none of them tells is listed as " +
			"unknown. A watch on a znode above, as a mount has it, is not among them.\n\n" +
			"Exit codes: 1 usage, 12 can not connect, 13 not allowed by the servers, 14 no such znode " +
			"as the source names.",
		Flags: slices.Concat([]cli.Flag{jsonFlag("print a JSON object"), serverFlag("PATH", ""),
			&valued{&cli.StringFlag{Name: "lock-suffix", Value: ".lock",
				Usage: "that of the mounts, if they have another"}, aSuffix}},
			askFlags(), connectionFlags()),
		Action: z.holders,
	}
}

// A holderList is what `zkfs holders` prints.
type holderList struct {
	Znode   string   `json:"znode"` // from the root of the ensemble
	Lock    string   `json:"lock"`  // the znode of its lock
	Holders []holder `json:"holders"`
	Unknown []gap    `json:"unknown"`
}

// A holder is a session that has to do with the znode.
type holder struct {
	How     string     `json:"how"`     // owns, holds, waits or watches
	Session string     `json:"session"` // hexadecimal
	Client  string     `json:"client,omitempty"`
	Server  string     `json:"server,omitempty"`
	Shared  bool       `json:"shared,omitempty"` // of holds and waits
	Since   *time.Time `json:"since,omitempty"`  // when it made its znode
	Zxid    string     `json:"zxid,omitempty"`   // in which it did, hexadecimal
	Note    string     `json:"note,omitempty"`   // what it says about itself

	id int64
}

func (z *command) holders(c *cli.Context) error {
	if c.NArg() != 1 {
		return usagef("holders needs one path, there are %d", c.NArg()).
			hinting("zkfs holders /mnt/zk/deploy.lock")
	}
	t, err := targetOf(c, c.Args().First())
	if err != nil {
		return err
	}
	znode, ok := fs.ZnodePath(t.file)
	lock, locks := fs.LockPath(t.file, c.String("lock-suffix"))
	if !ok || !locks {
		return usagef("%s: no znode can have that path", t.name)
	}
	n, err := connectionOf(c, t.source, newInputs(os.Getenv(authVariable)))
	if err != nil {
		return err
	}
	l := holderList{Znode: path.Join("/", n.chroot, znode), Lock: path.Join("/", n.chroot, lock)}
	e := &errand{target: t, connection: n}
	err = z.run(c.Context, e, func() error {
		err := e.ask(func() error {
			l.Holders = []holder{}
			return l.find(e.conn, znode, lock)
		})
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(e.life, timeOf(c, "timeout"))
		defer cancel()
		s := census{words: n.secrets.words(), adminPort: c.String("admin-port")}
		s.ask(ctx, zk.FormatServers(n.servers), "cons", "wchp")
		l.complete(&s)
		return nil
	})
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return writeJSON(z.out, l)
	}
	return l.print(z.out)
}

// contenderPage is how many contenders are asked for at a time: each may have much data.
const contenderPage = 32

// find adds what the znodes tell.
func (l *holderList) find(conn *zk.Conn, znode, lock string) error {
	found, stat, err := conn.Exists(znode)
	if err != nil {
		return err
	}
	if found && stat.EphemeralOwner != 0 {
		l.Holders = append(l.Holders, holderOf("owns", stat))
	}
	names, _, err := conn.Children(lock)
	if err != nil && !errors.Is(err, zk.ErrNoNode) {
		return err
	}
	queue := zk.LockQueue(names)
	for page := range slices.Chunk(queue, contenderPage) {
		var ops []any
		for _, c := range page {
			ops = append(ops, &zk.GetDataRequest{Path: path.Join(lock, c.Name)})
		}
		for i, r := range conn.Pipeline(ops...) {
			switch {
			case errors.Is(r.Err, zk.ErrNoNode): // it has left the queue
				continue
			case r.Err != nil:
				return r.Err
			}
			l.contends(page[i], r.Stat, r.Data)
		}
	}
	return nil
}

// contends adds a contender, which comes behind those that are there.
func (l *holderList) contends(c zk.Contender, stat *zk.Stat, data []byte) {
	h := holderOf("holds", stat)
	h.Shared, h.Note = c.Shared, string(data[:min(len(data), holderBytes)])
	for _, before := range l.Holders {
		if before.How == "waits" || before.How == "holds" && !(before.Shared && c.Shared) {
			h.How = "waits"
		}
	}
	l.Holders = append(l.Holders, h)
}

// holderOf returns the session that has made the ephemeral with that Stat.
func holderOf(how string, stat *zk.Stat) holder {
	since := time.UnixMilli(stat.Ctime).UTC()
	return holder{
		How: how, Since: &since, id: stat.EphemeralOwner,
		Session: fmt.Sprintf("%#x", uint64(stat.EphemeralOwner)),
		Zxid:    fmt.Sprintf("%#x", uint64(stat.Czxid)),
	}
}

// complete adds what the servers tell: addresses, and the sessions that watch.
func (l *holderList) complete(s *census) {
	for i, h := range l.Holders {
		if info := s.sessions[h.id]; info != nil {
			l.Holders[i].Client, l.Holders[i].Server = info.Client, info.Server
		}
	}
	for _, info := range s.sorted() {
		if slices.Contains(info.Watches, l.Znode) {
			l.Holders = append(l.Holders, holder{
				How: "watches", Session: info.Session, Client: info.Client, Server: info.Server,
			})
		}
	}
	l.Unknown = append([]gap{}, s.gaps...)
}

// print writes the list for people.
func (l holderList) print(w io.Writer) error {
	var b bytes.Buffer
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "HOW\tSESSION\tCLIENT\tSERVER\tZXID\tSINCE\tNOTE")
	for _, h := range l.Holders {
		how, since := h.How, "-"
		if h.Shared {
			how += " shared"
		}
		if h.Since != nil {
			since = h.Since.Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", how, h.Session, column(h.Client),
			column(h.Server), column(h.Zxid), since, printable.Line(h.Note))
	}
	table.Flush() // into memory
	printGaps(&b, l.Unknown)
	_, err := w.Write(b.Bytes())
	return err
}
