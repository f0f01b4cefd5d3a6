package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/flw"
	"github.com/zkfs/zkfs/internal/printable"
	"github.com/zkfs/zkfs/zk"
)

func (z *command) sessionsCommand() *cli.Command {
	return &cli.Command{
		Name:      "sessions",
		Usage:     "list the sessions of an ensemble, with their clients, ephemerals and watches",
		UsageText: "zkfs sessions [flags] HOST[:PORT][,HOST[:PORT]...] | DIRECTORY",
		Description: "Asks all servers at the same time, by the four-letter words cons, dump and wchp, " +
			"or the servers of a mount. Name all of an ensemble: each knows the connections and the " +
			"watches of its own clients only. Watches are those for data and persistent ones; no word " +
			"tells of those for children.\n\n" +
			"  zkfs sessions zk1,zk2,zk3\n" +
			"  zkfs sessions --json /mnt/zk | jq '.sessions[] | select(.ephemerals != [])'\n\n" +
			"A server answers only the words that its 4lw.commands.whitelist names. What it refuses " +
			"its AdminServer is asked for, by HTTP; what that does not tell either is listed as " +
			"unknown.\n\n" +
			"The exit code is 12 if no server answers.",
		Flags:  append(append([]cli.Flag{jsonFlag("print a JSON object")}, askFlags()...), tlsFlags()...),
		Action: z.sessions,
	}
}

// askFlags are those of the commands that ask servers for their sessions.
func askFlags() []cli.Flag {
	return []cli.Flag{
		&valued{&cli.StringFlag{Name: "admin-port", Value: "8080",
			Usage: "the port of the AdminServers"}, aPort},
		&valued{&cli.StringFlag{Name: "timeout", Value: "5s",
			Usage: "how long an answer is waited for"}, aTime},
	}
}

// aPort is the kind of a flag that names a port.
var aPort = &kind{name: "PORT", like: "a number from 1 to 65535", check: func(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0
}}

func (z *command) sessions(c *cli.Context) error {
	if c.NArg() != 1 {
		return usagef("sessions needs one source or directory, there are %d", c.NArg()).
			hinting("zkfs sessions zk1,zk2,zk3")
	}
	source := sourceOf(c, c.Args().First())
	if mounted, err := mountNamed(c.Args().First()); err != nil {
		return err
	} else if mounted.isOurs() {
		source = mounted.source
	}
	cfg, err := tlsOf(c, newInputs(""))
	if err != nil {
		return err
	}
	servers, _, err := parseSource(source)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context, timeOf(c, "timeout"))
	defer cancel()
	s := census{words: &flw.Client{Dial: dialerOf(cfg).DialContext}, adminPort: c.String("admin-port")}
	s.ask(ctx, zk.FormatServers(servers), "cons", "dump", "wchp")
	list := sessionList{Source: source, Sessions: s.sorted(), Unknown: append([]gap{}, s.gaps...)}
	if c.Bool("json") {
		err = writeJSON(z.out, list)
	} else {
		err = list.print(z.out)
	}
	if s.answers == 0 {
		err = errors.Join(err, failf(exitConnect, "no server of %s answers", source))
	}
	return err
}

// A sessionList is what `zkfs sessions` prints.
type sessionList struct {
	Source   string         `json:"source"`
	Sessions []*sessionInfo `json:"sessions"`
	Unknown  []gap          `json:"unknown"`
}

// print writes the list for people: a line for each session, then what it owns and watches.
func (l sessionList) print(w io.Writer) error {
	var b bytes.Buffer
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SESSION\tCLIENT\tSERVER\tTIMEOUT\tEPHEMERALS\tWATCHES")
	for _, s := range l.Sessions {
		timeout := "-"
		if s.TimeoutMS > 0 {
			timeout = (time.Duration(s.TimeoutMS) * time.Millisecond).String()
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%d\n", s.Session, column(s.Client),
			column(s.Server), timeout, len(s.Ephemerals), len(s.Watches))
	}
	table.Flush() // into memory
	for _, s := range l.Sessions {
		for _, path := range s.Ephemerals {
			fmt.Fprintf(&b, "%s owns %s\n", s.Session, printable.Line(path))
		}
		for _, path := range s.Watches {
			fmt.Fprintf(&b, "%s watches %s\n", s.Session, printable.Line(path))
		}
	}
	printGaps(&b, l.Unknown)
	_, err := w.Write(b.Bytes())
	return err
}

// column returns a text of servers for a table, in which none is a hyphen.
func column(text string) string {
	if text == "" {
		return "-"
	}
	return printable.Line(text)
}

// printGaps lists what could not be found out.
func printGaps(b *bytes.Buffer, gaps []gap) {
	for _, g := range gaps {
		fmt.Fprintf(b, "unknown: %s %s: %s\n", printable.Line(g.Server), g.Word, printable.Line(g.Error))
	}
}
