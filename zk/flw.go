package zk

import (
	"context"
	"time"

	"github.com/zkfs/zkfs/flw"
)

// Mode is what a server says that it is.
type Mode uint8

const (
	ModeUnknown    Mode = iota // anything else, such as an observer or a read-only server
	ModeLeader                 // of an ensemble
	ModeFollower               // of an ensemble
	ModeStandalone             // the only server
)

// String returns the server's word for the mode, "unknown" for ModeUnknown and any other value.
func (m Mode) String() string {
	switch m {
	case ModeLeader:
		return "leader"
	case ModeFollower:
		return "follower"
	case ModeStandalone:
		return "standalone"
	}
	return "unknown"
}

func modeOf(name string) Mode {
	for _, m := range []Mode{ModeLeader, ModeFollower, ModeStandalone} {
		if m.String() == name {
			return m
		}
	}
	return ModeUnknown
}

// ServerStats is the information pulled from the Zookeeper `srvr` command.
// [flw.ParseSrvr] and [flw.ParseMntr] give what newer servers say beyond it.
type ServerStats struct {
	Server       string    // the address that was asked
	Sent         int64     // packets
	Received     int64     // packets
	NodeCount    int64     // znodes
	MinLatency   int64     // of requests, in milliseconds
	AvgLatency   int64     // without the part after the decimal point, which servers print since 3.6
	AvgLatencyMs float64   // the average as printed
	MaxLatency   int64     // in milliseconds
	Connections  int64     // clients, the one that asks included
	Outstanding  int64     // requests queued
	Epoch        int32     // upper half of the zxid
	Counter      int32     // lower half of the zxid
	BuildTime    time.Time // of the server's release; zero if the server prints it in an unknown form
	Mode         Mode
	Version      string // release and commit
	Error        error  // why the server's answer is missing, or which part of it could not be read
}

// ServerClient is the information for a single Zookeeper client and its session.
// This is used to parse/extract the output of the `cons` command.
type ServerClient struct {
	Queued        int64 // requests that are not answered yet
	Received      int64 // packets
	Sent          int64 // packets
	SessionID     int64 // 0 for a connection without a session, such as the one that asks
	Lcxid         int64 // xid of the last request, -1 if there was none
	Lzxid         int64 // zxid of the last reply, -1 if it had none
	Timeout       int32 // in milliseconds
	LastLatency   int32 // in milliseconds
	MinLatency    int32
	AvgLatency    int32
	MaxLatency    int32
	Established   time.Time
	LastResponse  time.Time // zero for servers from 3.4.7 on, which do not print a time of day: see [flw.Connection]
	Addr          string
	LastOperation string // maybe?
	Error         error  // which part of the line could not be read
}

// ServerClients is a struct for the FLWCons() function. It's used to provide the list of Clients.
//
// This is needed because FLWCons() takes multiple servers.
type ServerClients struct {
	Clients []*ServerClient
	Error   error
}

// FLWSrvr is a FourLetterWord helper function. In particular, this function pulls the srvr output from the
// zookeeper instances and parses the output. A slice of *ServerStats structs are returned as well as a
// boolean value to indicate whether this function processed successfully.
//
// If the boolean value is false there was a problem: the Error value in one of the structs says which server had
// which. There is one struct for each server, in the order of the list; servers are passed through [FormatServers].
// The servers are asked at the same time, and the call returns after timeout at the latest.
func FLWSrvr(servers []string, timeout time.Duration) ([]*ServerStats, bool) {
	replies := askServers(servers, "srvr", timeout)
	stats := make([]*ServerStats, len(replies))
	ok := true
	for i, r := range replies {
		stats[i] = serverStats(r)
		ok = ok && stats[i].Error == nil
	}
	return stats, ok
}

// FLWRuok is a FourLetterWord helper function. In particular, this function pulls the ruok output from each server.
// A server's value is true if it answered "imok" within timeout. That says that its process runs, not that it serves;
// false may mean that its whitelist does not name ruok. Servers are passed through [FormatServers].
func FLWRuok(servers []string, timeout time.Duration) []bool {
	replies := askServers(servers, "ruok", timeout)
	oks := make([]bool, len(replies))
	for i, r := range replies {
		oks[i] = flw.ParseRuok(r.Text)
	}
	return oks
}

// FLWCons is a FourLetterWord helper function. In particular, this function pulls the cons output from each server:
// one ServerClients for each, in the order of the list, which is passed through [FormatServers].
//
// As with FLWSrvr, the boolean value indicates whether one of the requests had
// an issue. The Clients struct has an Error value that can be checked, as has each client.
func FLWCons(servers []string, timeout time.Duration) ([]*ServerClients, bool) {
	replies := askServers(servers, "cons", timeout)
	lists := make([]*ServerClients, len(replies))
	ok := true
	for i, r := range replies {
		lists[i] = serverClients(r)
		ok = ok && lists[i].Error == nil
		for _, c := range lists[i].Clients {
			ok = ok && c.Error == nil
		}
	}
	return lists, ok
}

func askServers(servers []string, word string, timeout time.Duration) []flw.Reply {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return flw.AskAll(ctx, FormatServers(servers), word)
}

func serverStats(r flw.Reply) *ServerStats {
	if r.Err != nil {
		return &ServerStats{Server: r.Server, Error: r.Err}
	}
	s, err := flw.ParseSrvr(r.Text)
	return &ServerStats{
		Server:       r.Server,
		Sent:         s.Sent,
		Received:     s.Received,
		NodeCount:    s.NodeCount,
		MinLatency:   s.MinLatency,
		AvgLatency:   int64(s.AvgLatency),
		AvgLatencyMs: s.AvgLatency,
		MaxLatency:   s.MaxLatency,
		Connections:  s.Connections,
		Outstanding:  s.Outstanding,
		Epoch:        int32(s.Zxid >> 32),
		Counter:      int32(s.Zxid),
		BuildTime:    s.Built,
		Mode:         modeOf(s.Mode),
		Version:      s.Version,
		Error:        err,
	}
}

func serverClients(r flw.Reply) *ServerClients {
	if r.Err != nil {
		return &ServerClients{Error: r.Err}
	}
	connections, err := flw.ParseCons(r.Text)
	list := &ServerClients{Error: err}
	for _, c := range connections {
		list.Clients = append(list.Clients, &ServerClient{
			Queued:        c.Queued,
			Received:      c.Received,
			Sent:          c.Sent,
			SessionID:     c.SessionID,
			Lcxid:         c.LastCxid,
			Lzxid:         c.LastZxid,
			Timeout:       int32(c.Timeout.Milliseconds()),
			LastLatency:   int32(c.LastLatency),
			MinLatency:    int32(c.MinLatency),
			AvgLatency:    int32(c.AvgLatency),
			MaxLatency:    int32(c.MaxLatency),
			Established:   c.Established,
			LastResponse:  c.LastResponse,
			Addr:          c.Addr,
			LastOperation: c.LastOperation,
			Error:         c.Err,
		})
	}
	return list
}
