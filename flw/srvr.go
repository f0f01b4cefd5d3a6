package flw

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Srvr is the reply to srvr, or to stat, which adds the list of clients.
// What a server does not print is zero.
type Srvr struct {
	Version  string    // release and commit, such as "3.4.6-1569965" or "3.8.0-${mvngit.commit.id}"
	Built    time.Time // zero if the server's date has neither known form
	ReadOnly bool      // the server lost its quorum and serves read-only clients

	MinLatency int64   // of requests, in milliseconds, since the start or the last srst
	AvgLatency float64 // whole milliseconds before 3.6
	MaxLatency int64

	Received    int64 // packets
	Sent        int64
	Connections int64
	Outstanding int64  // requests queued
	Zxid        int64  // the last transaction processed: epoch in the upper half, counter in the lower
	Mode        string // "leader", "follower", "observer", "standalone" or "read-only"
	NodeCount   int64  // znodes

	ProposalSizes *Sizes       // of a leader since 3.5, else nil
	Clients       []Connection // of stat: address and counts only
}

// Sizes are the sizes in bytes of a leader's proposals, -1 before the first.
type Sizes struct {
	Last, Min, Max int64
}

// ParseSrvr reads a reply to srvr or stat, also of servers that speak ZooKeeper's protocol and name
// themselves otherwise. A nil error says that the reply is what a server prints that serves, and
// whole: it has the version, the mode and the number of znodes, and its last line has an end.
// Servers close connections in the middle of a reply (ZOOKEEPER-1346), and what listens on a port
// may be no ZooKeeper.
//
// The error names the first number that is none, or the line that is missing; what could be read is
// returned with it. A reply without a single known line gives an empty Srvr.
func ParseSrvr(reply string) (Srvr, error) {
	var s Srvr
	var n numbers
	known, counted := false, false
	for line := range lines(reply) {
		if strings.HasPrefix(line, " ") {
			if c, ok := parseConnection(line); ok {
				s.Clients = append(s.Clients, c)
			}
			continue
		}
		if strings.HasPrefix(line, "READ-ONLY mode") {
			s.ReadOnly = true
			continue
		}
		if name, value, ok := strings.Cut(line, ":"); ok {
			name = strings.TrimSpace(name) // "Sent " of ClickHouse Keeper
			known = s.set(&n, name, strings.TrimSpace(value)) || known
			counted = counted || name == "Node count"
		}
	}
	missing := ""
	switch {
	case !known:
		return Srvr{}, notA("srvr", reply)
	case n.err != nil:
		return s, n.err
	case s.Version == "":
		missing = "a version"
	case s.Mode == "":
		missing = "a line Mode"
	case !counted:
		missing = "a line Node count"
	case !strings.HasSuffix(reply, "\n"):
		missing = "the end of its last line"
	default:
		return s, nil
	}
	return s, fmt.Errorf("%w: a reply to srvr without %s: %.80q", ErrMalformed, missing, reply)
}

// set stores the value of one line and reports whether it knows the line.
func (s *Srvr) set(n *numbers, name, value string) bool {
	switch name {
	case "Zookeeper version", "ClickHouse Keeper version", "RaftKeeper version":
		s.Version, s.Built = parseVersion(value)
	case "Latency min/avg/max":
		v := three(value)
		s.MinLatency, s.AvgLatency, s.MaxLatency = n.int(name, v[0]), n.float(name, v[1]), n.int(name, v[2])
	case "Received":
		s.Received = n.int(name, value)
	case "Sent":
		s.Sent = n.int(name, value)
	case "Connections":
		s.Connections = n.int(name, value)
	case "Outstanding":
		s.Outstanding = n.int(name, value)
	case "Zxid":
		if strings.HasPrefix(value, "0x") {
			s.Zxid = n.hex(name, value)
		} else {
			s.Zxid = n.int(name, value) // ClickHouse Keeper before 26
		}
	case "Mode":
		s.Mode = value
	case "Node count":
		s.NodeCount = n.int(name, value)
	case "Proposal sizes last/min/max":
		v := three(value)
		s.ProposalSizes = &Sizes{n.int(name, v[0]), n.int(name, v[1]), n.int(name, v[2])}
	default:
		return false
	}
	return true
}

// three splits "a/b/c"; what is missing is empty.
func three(value string) (v [3]string) {
	copy(v[:], strings.SplitN(value, "/", 3))
	return v
}

// parseVersion splits "3.9.3-c26634f, built on 2024-10-17 23:21 UTC". Up to 3.6 the date has
// the month first: "02/20/2014 09:09 GMT".
func parseVersion(text string) (version string, built time.Time) {
	version, day, _ := strings.Cut(text, ", built on ")
	return version, date(day, "2006-01-02 15:04 MST", "01/02/2006 15:04 MST")
}

// Status is what one server of a list answers when it is asked for its state.
type Status struct {
	Server string
	Srvr   Srvr
	Err    error
}

// Serves reports whether the server takes requests: it says its state, or refuses that alone.
func (s Status) Serves() bool {
	var refused *RefusedError
	return s.Err == nil || errors.As(s.Err, &refused)
}

// Status asks every server for srvr, as [Client.AskAll] does. The error is that of [Client.Ask] or
// [ParseSrvr].
func (c *Client) Status(ctx context.Context, servers []string) []Status {
	replies := c.AskAll(ctx, servers, "srvr")
	all := make([]Status, len(replies))
	for i, r := range replies {
		all[i] = Status{Server: r.Server, Err: r.Err}
		if r.Err == nil {
			all[i].Srvr, all[i].Err = ParseSrvr(r.Text)
		}
	}
	return all
}
