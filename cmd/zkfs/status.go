package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/flw"
	"github.com/zkfs/zkfs/internal/printable"
	"github.com/zkfs/zkfs/zk"
)

func (z *command) statusCommand() *cli.Command {
	return &cli.Command{
		Name:      "status",
		Usage:     "show how the servers and a mount are",
		UsageText: "zkfs status [flags] HOST[:PORT][,HOST[:PORT]...] | DIRECTORY",
		Description: "Asks all servers at the same time, by the four-letter word srvr, which needs " +
			"neither a session nor credentials. Of a directory on which zkfs has mounted something it " +
			"shows what the mount knows, and what the servers have told the mount, by its own TLS.\n\n" +
			"  zkfs status zk1,zk2,zk3\n" +
			"  zkfs status --json /mnt/zk | jq .mount.state\n\n" +
			"The exit code is 0 if at least one server serves, and the session of the mount if it is " +
			"one. It is 12 if none does, 13 if the servers refuse the credentials of the mount, and 16 " +
			"if the mount is dead or does not answer. `zkfs list` shows all mounts.",
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "json",
				Usage: "print JSON"},
			&valued{&cli.StringFlag{Name: "timeout", Value: "5s",
				Usage: "how long an answer is waited for"}, aTime},
		}, tlsFlags()...),
		Action: z.status,
	}
}

// An ensembleStatus is what `zkfs status` prints.
type ensembleStatus struct {
	Source  string         `json:"source"`
	Mount   *mountStatus   `json:"mount,omitempty"` // nil if a source was asked for
	Servers []serverStatus `json:"servers"`
}

// statusGrace is how long after its timeout a status is waited for. What still has not come, such as
// the name of the working directory, waits for a mount.
const statusGrace = time.Second

func (z *command) status(c *cli.Context) error {
	if c.NArg() != 1 {
		return usagef("status needs one source or directory, there are %d", c.NArg()).hinting("zkfs status zk1:2181,zk2:2181")
	}
	done := make(chan error, 1)
	go func() { done <- z.tellStatus(c) }() // ends when the mount answers, at the latest with this process
	select {
	case err := <-done:
		return err
	case <-time.After(timeOf(c, "timeout") + statusGrace):
		return failf(exitLost, "%s: %w", c.Args().First(), errSilent).hinting(silentHint)
	}
}

func (z *command) tellStatus(c *cli.Context) error {
	ctx, cancel := context.WithTimeout(c.Context, timeOf(c, "timeout"))
	defer cancel()
	s := ensembleStatus{Source: sourceOf(c, c.Args().First())}
	if mounted, err := mountNamed(c.Args().First()); err != nil {
		return err
	} else if mounted.isOurs() {
		s.Source = mounted.source
		if s.Mount, err = statusOfMount(ctx, mounted); err != nil {
			return err
		}
		s.Servers = s.Mount.servers
	} else if s.Servers, err = statusOfSource(ctx, c, s.Source); err != nil {
		return err
	}
	var err error
	if c.Bool("json") {
		err = writeJSON(z.out, s)
	} else {
		err = s.print(z.out)
	}
	return errors.Join(err, s.failure())
}

// failure is nil if a server serves, and the mount if it is one.
func (s ensembleStatus) failure() error {
	if s.Mount != nil {
		return s.Mount.failure(s.Source)
	}
	for _, server := range s.Servers {
		if server.Serves {
			return nil
		}
	}
	return failf(exitConnect, "no server of %s serves", s.Source)
}

// A serverStatus is what one server says.
type serverStatus struct {
	Server string `json:"server"`
	Serves bool   `json:"serves"`
	Error  string `json:"error,omitempty"` // why the rest is missing

	Version     string  `json:"version,omitempty"`
	Mode        string  `json:"mode,omitempty"`
	Zxid        string  `json:"zxid,omitempty"` // hexadecimal
	Connections int64   `json:"connections"`
	Outstanding int64   `json:"outstanding"`
	Nodes       int64   `json:"nodes"`
	LatencyMS   float64 `json:"latency_ms"` // the average
}

// statusOfSource asks all servers at the same time.
func statusOfSource(ctx context.Context, c *cli.Context, source string) (all []serverStatus, err error) {
	tls, err := tlsOf(c, newInputs(""))
	if err != nil {
		return nil, err
	}
	servers, _, err := parseSource(source)
	if err != nil {
		return nil, err
	}
	for _, status := range (&flw.Client{Dial: dialerOf(tls).DialContext}).Status(ctx, zk.FormatServers(servers)) {
		all = append(all, statusOfServer(status))
	}
	return all, nil
}

func statusOfServer(status flw.Status) serverStatus {
	s := serverStatus{Server: status.Server, Serves: status.Serves()}
	var refused *flw.RefusedError
	switch {
	case errors.As(status.Err, &refused):
		s.Error = refused.Text
		return s
	case status.Err != nil:
		s.Error = ailment(status.Err)
		return s
	}
	srvr := status.Srvr
	s.Version, _, _ = strings.Cut(srvr.Version, "-")
	s.Mode = srvr.Mode
	s.Zxid = fmt.Sprintf("%#x", uint64(srvr.Zxid))
	s.Connections, s.Outstanding, s.Nodes, s.LatencyMS = srvr.Connections, srvr.Outstanding, srvr.NodeCount, srvr.AvgLatency
	return s
}

// print writes a status for people.
func (s ensembleStatus) print(w io.Writer) error {
	var b bytes.Buffer
	if s.Mount != nil {
		fmt.Fprintln(&b, printable.Lines(s.Mount.text))
	}
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SERVER\tMODE\tVERSION\tCONNECTIONS\tWAITING\tNODES\tLATENCY\tZXID")
	for _, server := range s.Servers {
		if server.Error != "" {
			fmt.Fprintf(table, "%s\t%s\n", printable.Line(server.Server), printable.Line(server.Error))
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%d\t%g ms\t%s\n", printable.Line(server.Server), printable.Line(server.Mode), printable.Line(server.Version),
			server.Connections, server.Outstanding, server.Nodes, server.LatencyMS, server.Zxid)
	}
	table.Flush() // into memory
	_, err := w.Write(b.Bytes())
	return err
}

func writeJSON(w io.Writer, v any) error {
	e := jsonTo(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
