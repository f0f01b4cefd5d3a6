package flw

import (
	"strings"
	"time"
)

// Dump is the reply to dump: sessions, the ephemeral znodes of each, and when connections expire.
type Dump struct {
	Sessions    []DumpSession
	Ephemerals  map[int64][]string // paths by the session that owns them
	Connections []DumpConnection   // of servers since 3.5 that do not use Netty
}

// DumpSession is a session that the server knows. A standalone server and a leader know when it expires; the
// others know its timeout, and when the local sessions that they keep for themselves expire. Followers and
// observers before 3.5 print none.
type DumpSession struct {
	ID      int64
	Local   bool // known to this server alone
	Timeout time.Duration
	Expires time.Time // zero if the server's time zone is neither UTC nor GMT
}

// DumpConnection is a connection and when it is closed unless something arrives.
type DumpConnection struct {
	Addr      string // as in [Connection]
	SessionID int64  // 0 before the session is agreed on, and for words
	Expires   time.Time
}

// ParseDump reads a reply to dump. The error names the first number that is none;
// the rest is returned with it.
func ParseDump(reply string) (Dump, error) {
	p := dumpParser{dump: Dump{Ephemerals: make(map[int64][]string)}}
	for line := range lines(reply) {
		if !p.heading(line) && p.section != nil {
			p.section(line)
		}
	}
	if p.section == nil {
		return Dump{}, notA("dump", reply)
	}
	return p.dump, p.numbers.err
}

// dumpParser goes through the sections of a dump. Within them entries stand below the
// time at which they expire, or the session to which they belong.
type dumpParser struct {
	dump    Dump
	numbers numbers
	section func(line string) // reads a line of the section; nil before the first heading
	local   bool
	expires time.Time
	owner   int64
}

// heading starts the section that a line announces.
func (p *dumpParser) heading(line string) bool {
	switch {
	case strings.HasPrefix(line, "Session Sets ("), strings.HasPrefix(line, "Global Session Sets ("),
		strings.HasPrefix(line, "Global Sessions("), strings.HasPrefix(line, "SessionTracker dump:"):
		p.section, p.local = p.session, false
	case strings.HasPrefix(line, "Local Session Sets ("):
		p.section, p.local = p.session, true
	case strings.HasPrefix(line, "Sessions with Ephemerals ("):
		p.section = p.ephemeral
	case strings.HasPrefix(line, "Connections Sets ("):
		p.section = p.connection
	default:
		return false
	}
	p.expires, p.owner = time.Time{}, 0
	return true
}

// session reads "\t0x1" below "1 expire at DATE:" (ExpiryQueue.dump), or "0x1\t20000ms".
func (p *dumpParser) session(line string) {
	if p.expiry(line) {
		return
	}
	id, timeout, _ := strings.Cut(strings.TrimSpace(line), "\t")
	if !strings.HasPrefix(id, "0x") {
		return
	}
	s := DumpSession{ID: p.numbers.hex("session", id), Local: p.local, Expires: p.expires}
	if timeout != "" {
		s.Timeout = p.numbers.milliseconds("timeout", strings.TrimSuffix(timeout, "ms"))
	}
	p.dump.Sessions = append(p.dump.Sessions, s)
}

// ephemeral reads "\t/path" below "0x1:" (DataTree.dumpEphemerals).
func (p *dumpParser) ephemeral(line string) {
	if path, ok := strings.CutPrefix(line, "\t"); ok {
		p.dump.Ephemerals[p.owner] = append(p.dump.Ephemerals[p.owner], path)
	} else if strings.HasPrefix(line, "0x") {
		p.owner = p.numbers.hex("session", strings.TrimSuffix(line, ":"))
	}
}

// connection reads "\tip: /10.0.0.7:45361 sessionId: 0x1" below "1 expire at DATE:".
func (p *dumpParser) connection(line string) {
	if p.expiry(line) {
		return
	}
	addr, id, ok := strings.Cut(line, " sessionId: ")
	if !ok {
		return
	}
	p.dump.Connections = append(p.dump.Connections, DumpConnection{
		Addr:      parseAddr(strings.TrimPrefix(addr, "\tip: ")),
		SessionID: p.numbers.hex("sessionId", id),
		Expires:   p.expires,
	})
}

func (p *dumpParser) expiry(line string) bool {
	_, when, ok := strings.Cut(line, " expire at ")
	if ok {
		p.expires = date(strings.TrimSuffix(when, ":"), "Mon Jan 2 15:04:05 MST 2006")
	}
	return ok
}
