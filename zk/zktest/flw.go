package zktest

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// A word answers a four-letter word. s.mu is held.
type word func(*Server, io.Writer)

// words are those of a ZooKeeper.
var words = map[string]word{
	"ruok": func(s *Server, w io.Writer) { io.WriteString(w, "imok") },
	"isro": func(s *Server, w io.Writer) { io.WriteString(w, s.access()) },
	"srvr": (*Server).srvr,
	"stat": (*Server).stat,
	"mntr": (*Server).mntr,
	"cons": (*Server).cons,
	"wchs": (*Server).wchs,
	"dump": (*Server).dump,

	"conf": disabled("conf"), "crst": disabled("crst"), "dirs": disabled("dirs"), "envi": disabled("envi"),
	"gtmk": disabled("gtmk"), "hash": disabled("hash"), "lsnp": disabled("lsnp"), "srst": disabled("srst"),
	"stmk": disabled("stmk"), "wchc": disabled("wchc"), "wchp": disabled("wchp"),
}

// disabled returns a word that a ZooKeeper would answer if its whitelist named it.
func disabled(name string) word {
	return func(_ *Server, w io.Writer) {
		fmt.Fprintf(w, "%s is not executed because it is not in the whitelist.\n", name)
	}
}

// counterLines are the lines behind the version in srvr and stat, as a format for counters. Before
// 3.6 an average was an integer.
const (
	counterLines = "Latency min/avg/max: %[1]d/%.1[2]f/%[3]d\nReceived: %[4]d\nSent: %[5]d\n" +
		"Connections: %[6]d\nOutstanding: 0\nZxid: %#[7]x\nMode: %[8]s\nNode count: %[9]d\n"
	wholeCounterLines = "Latency min/avg/max: %[1]d/%.0[2]f/%[3]d\nReceived: %[4]d\nSent: %[5]d\n" +
		"Connections: %[6]d\nOutstanding: 0\nZxid: %#[7]x\nMode: %[8]s\nNode count: %[9]d\n"
)

func (s *Server) answer(c *conn, word word) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.received(c)
	var text strings.Builder
	word(s, &text)
	c.out.send(func(b []byte) []byte { return append(b, text.String()...) })
	s.sent(c)
}

// stats are the counters of the server.
type stats struct {
	received, sent    int64
	requests, latency int64 // milliseconds in all
	most, least       int64 // milliseconds
}

// connStats are the counters of a connection.
type connStats struct {
	stats
	est      time.Time
	last     time.Time
	lastOp   wire.Op
	lastXid  int32
	lastZxid int64
	lastTook int64
}

func (s *Server) received(c *conn) {
	s.stats.received++
	c.stats.received++
}

func (s *Server) sent(c *conn) {
	s.stats.sent++
	c.stats.sent++
}

// took notes that a request was handled.
func (c *conn) took(h wire.RequestHeader, zxid int64, start time.Time) {
	now := time.Now()
	took := now.Sub(start).Milliseconds()
	c.s.stats.add(took)
	c.stats.add(took)
	c.stats.last, c.stats.lastTook = now, took
	c.stats.lastOp, c.stats.lastXid, c.stats.lastZxid = h.Op, h.Xid, zxid
}

func (st *stats) add(took int64) {
	if st.requests == 0 || took < st.least {
		st.least = took
	}
	st.requests++
	st.latency += took
	st.most = max(st.most, took)
}

func (st *stats) average() float64 { return float64(st.latency) / float64(max(st.requests, 1)) }

func (s *Server) access() string {
	if s.readOnly {
		return "ro"
	}
	return "rw"
}

func (s *Server) mode() string {
	if s.readOnly {
		return "read-only"
	}
	return s.dialect.role
}

func (s *Server) srvr(w io.Writer) {
	fmt.Fprintf(w, "%s version: %s\n", s.dialect.product, s.dialect.version)
	s.counters(w)
}

func (s *Server) counters(w io.Writer) {
	fmt.Fprintf(w, s.dialect.counters, s.stats.least, s.stats.average(), s.stats.most, s.stats.received, s.stats.sent,
		len(s.conns), s.tree.zxid, s.mode(), len(s.tree.nodes))
}

func (s *Server) stat(w io.Writer) {
	fmt.Fprintf(w, "%s version: %s\nClients:\n", s.dialect.product, s.dialect.version)
	for c := range s.conns {
		fmt.Fprintf(w, " /%s[%d](queued=0,recved=%d,sent=%d)\n", c.remote(), c.registered(), c.stats.received, c.stats.sent)
	}
	io.WriteString(w, "\n")
	s.counters(w)
}

func (s *Server) mntr(w io.Writer) {
	ephemerals := s.countEphemerals()
	for _, line := range []struct {
		name  string
		value any
	}{
		{"version", s.dialect.version},
		{"server_state", s.mode()},
		{"uptime", time.Since(s.started).Milliseconds()},
		{"avg_latency", fmt.Sprintf("%.1f", s.stats.average())},
		{"max_latency", s.stats.most},
		{"min_latency", s.stats.least},
		{"packets_received", s.stats.received},
		{"packets_sent", s.stats.sent},
		{"num_alive_connections", len(s.conns)},
		{"outstanding_requests", 0},
		{"znode_count", len(s.tree.nodes)},
		{"watch_count", s.watches.count()},
		{"ephemerals_count", ephemerals},
		{"approximate_data_size", s.tree.bytes},
		{"global_sessions", len(s.sessions)},
	} {
		fmt.Fprintf(w, "zk_%s\t%v\n", line.name, line.value)
	}
}

func (s *Server) cons(w io.Writer) {
	for c := range s.conns {
		fmt.Fprintf(w, " /%s[%d](queued=0,recved=%d,sent=%d", c.remote(), c.registered(), c.stats.received, c.stats.sent)
		if c.session != nil {
			fmt.Fprintf(w, ",sid=%#x,lop=%s,est=%d,to=%d", uint64(c.session.id), c.lop(), c.stats.est.UnixMilli(), c.session.timeout.Milliseconds())
			if c.stats.requests > 0 {
				fmt.Fprintf(w, ",lcxid=%#x", uint32(c.stats.lastXid))
			}
			fmt.Fprintf(w, ",lzxid=%#x,lresp=%d,llat=%d,minlat=%d,avglat=%.0f,maxlat=%d", c.stats.lastZxid,
				c.stats.last.UnixMilli(), c.stats.lastTook, c.stats.least, c.stats.average(), c.stats.most)
		}
		io.WriteString(w, ")\n")
	}
	io.WriteString(w, "\n")
}

// shortOps are the names of the latest operation in cons (FinalRequestProcessor).
var shortOps = map[wire.Op]string{
	wire.OpPing: "PING", wire.OpCreate: "CREA", wire.OpCreate2: "CREA", wire.OpCreateTTL: "CREA",
	wire.OpCreateContainer: "CREA", wire.OpDelete: "DELE", wire.OpSetData: "SETD", wire.OpSetACL: "SETA",
	wire.OpMulti: "MULT", wire.OpMultiRead: "MLTR", wire.OpSync: "SYNC", wire.OpExists: "EXIS",
	wire.OpGetData: "GETD", wire.OpGetACL: "GETA", wire.OpGetChildren: "GETC", wire.OpGetChildren2: "GETC",
	wire.OpSetWatches: "SETW", wire.OpSetWatches2: "STW2", wire.OpAddWatch: "ADDW", wire.OpRemoveWatches: "REMW",
	wire.OpCheckWatches: "CHKW", wire.OpGetEphemerals: "GETE", wire.OpGetAllChildrenNumber: "GETACN",
}

func (c *conn) lop() string {
	if name := shortOps[c.stats.lastOp]; name != "" && c.stats.requests > 0 {
		return name
	}
	return "SESS"
}

// remote returns the address of the peer, as far as it has one.
func (c *conn) remote() string {
	if addr := c.nc.RemoteAddr().String(); strings.Contains(addr, ":") {
		return addr
	}
	return c.peer + ":0"
}

// registered is the bit set of the selector in the lists of connections: 1, reading, for those with a session.
func (c *conn) registered() int {
	if c.session != nil {
		return 1
	}
	return 0
}

func (s *Server) wchs(w io.Writer) {
	conns, paths := s.watches.sizes()
	fmt.Fprintf(w, "%d connections watching %d paths\nTotal watches:%d\n", conns, paths, s.watches.count())
}

func (s *Server) dump(w io.Writer) {
	fmt.Fprintf(w, "SessionTracker dump:\nSession Sets (%d)/(%d):\n", len(s.sessions), len(s.sessions))
	for _, id := range slices.Sorted(maps.Keys(s.sessions)) {
		ss := s.sessions[id]
		fmt.Fprintf(w, "1 expire at %s:\n\t%#x\n", ss.heard.Add(ss.timeout).UTC().Format(time.UnixDate), uint64(id))
	}
	fmt.Fprintf(w, "ephemeral nodes dump:\nSessions with Ephemerals (%d):\n", len(s.tree.ephemerals))
	for _, id := range slices.Sorted(maps.Keys(s.tree.ephemerals)) {
		fmt.Fprintf(w, "%#x:\n", uint64(id))
		for _, path := range slices.Sorted(maps.Keys(s.tree.ephemerals[id])) {
			fmt.Fprintf(w, "\t%s\n", path)
		}
	}
}

// countEphemerals returns how many ephemeral znodes there are.
func (s *Server) countEphemerals() (n int) {
	for _, paths := range s.tree.ephemerals {
		n += len(paths)
	}
	return n
}
