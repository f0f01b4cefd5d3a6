package flw

import (
	"net"
	"net/netip"
	"strings"
	"time"
)

// Connection is a line of a reply to cons, or a shorter one of stat's. The fields from SessionID on are zero in
// a line of stat, and in cons for a connection without a session, such as the one that asks.
type Connection struct {
	Addr     string // "10.0.0.7:45361", "[fe80::1%eth0]:45361", or the server's text if it is neither
	Queued   int64  // requests that are not answered yet
	Received int64  // packets
	Sent     int64

	SessionID     int64
	LastOperation string // the server's abbreviation, such as "PING" or "GETC"; "NA" before the first
	Established   time.Time
	Timeout       time.Duration // the negotiated session timeout

	LastCxid int64 // xid of the last request, -1 if the server prints none: there was no request yet
	LastZxid int64 // zxid of the last reply, -1 if it had none

	// LastResponse is when the last reply was sent. It is zero if the server prints a reading of its monotonic
	// clock (from 3.4.7 on; small numbers, less than Established), which means nothing outside of the server.
	LastResponse time.Time

	LastLatency int64 // in milliseconds
	MinLatency  int64
	AvgLatency  int64
	MaxLatency  int64

	Err error // names the first field that could not be read, which is left zero
}

// ParseCons reads a reply to cons. A line that is none of a connection's is left out;
// what is wrong inside of one is that Connection's Err.
func ParseCons(reply string) ([]Connection, error) {
	if strings.TrimSpace(reply) == "" && reply != "" {
		return nil, nil
	}
	var list []Connection
	for line := range lines(reply) {
		if c, ok := parseConnection(line); ok {
			list = append(list, c)
		}
	}
	if list == nil {
		return nil, notA("cons", reply)
	}
	return list, nil
}

// parseConnection reads " /10.0.0.7:45361[1](queued=0,recved=1,sent=0)", with more fields before the last
// parenthesis in cons (ServerCnxn.dumpConnectionInfo).
func parseConnection(line string) (c Connection, ok bool) {
	line, ok = strings.CutSuffix(strings.TrimSpace(line), ")")
	head, fields, found := strings.Cut(line, "(")
	if !ok || !found {
		return Connection{}, false
	}
	if i := strings.LastIndexByte(head, '['); i > 0 && strings.HasSuffix(head, "]") {
		head = head[:i] // the interest set of the selection key
	}
	c.Addr = parseAddr(head)
	c.LastCxid = -1

	var n numbers
	var response int64
	for field := range strings.SplitSeq(fields, ",") {
		name, value, _ := strings.Cut(field, "=")
		if name == "lresp" {
			response = n.int(name, value)
		} else {
			c.set(&n, name, value)
		}
	}
	if response >= c.Established.UnixMilli() && !c.Established.IsZero() {
		c.LastResponse = time.UnixMilli(response)
	}
	c.Err = n.err
	return c, true
}

func (c *Connection) set(n *numbers, name, value string) {
	switch name {
	case "queued":
		c.Queued = n.int(name, value)
	case "recved":
		c.Received = n.int(name, value)
	case "sent":
		c.Sent = n.int(name, value)
	case "sid":
		c.SessionID = n.hex(name, value)
	case "lop":
		c.LastOperation = value
	case "est":
		c.Established = time.UnixMilli(n.int(name, value))
	case "to":
		c.Timeout = n.milliseconds(name, value)
	case "lcxid":
		c.LastCxid = n.hex(name, value)
	case "lzxid":
		c.LastZxid = n.hex(name, value)
	case "llat":
		c.LastLatency = n.int(name, value)
	case "minlat":
		c.MinLatency = n.int(name, value)
	case "avglat":
		c.AvgLatency = n.int(name, value)
	case "maxlat":
		c.MaxLatency = n.int(name, value)
	}
}

// parseAddr turns what Java prints for a socket's address into what Go dials: "/10.0.0.7:4711",
// "host/10.0.0.7:4711", "/0:0:0:0:0:0:0:1:4711" (up to Java 13) or "/[0:0:0:0:0:0:0:1]:4711".
func parseAddr(text string) string {
	if i := strings.IndexByte(text, '/'); i >= 0 {
		text = text[i+1:]
	}
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return text
	}
	host := strings.TrimSuffix(strings.TrimPrefix(text[:i], "["), "]")
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return text
	}
	return net.JoinHostPort(ip.String(), text[i+1:])
}
