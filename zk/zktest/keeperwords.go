package zktest

import (
	"fmt"
	"io"
)

// raftCounterLines are counterLines of RaftKeeper: with a space behind Sent, and a decimal zxid.
const raftCounterLines = "Latency min/avg/max: %[1]d/%.0[2]f/%[3]d\n" +
	"Received: %[4]d\nSent : %[5]d\nConnections: %[6]d\nOutstanding: 0\n" +
	"Zxid: %[7]d\nMode: %[8]s\nNode count: %[9]d\n"

// keeperWords are the four-letter words of ClickHouse Keeper (FourLetterCommand.cpp), as far as a
// monitor asks for them. A word that is unknown or not allowed closes the connection without a
// text.
var keeperWords = map[string]word{
	"ruok": words["ruok"],
	"isro": words["isro"],
	"srvr": serving((*Server).srvr),
	"stat": serving((*Server).keeperStat),
	"mntr": serving((*Server).keeperMntr),
	"cons": serving((*Server).keeperCons),
	"wchs": serving((*Server).wchs),
	"apiv": serving((*Server).apiVersion),
	"ftfl": serving((*Server).featureFlags),
}

// raftWords are those of RaftKeeper.
var raftWords = map[string]word{
	"ruok": keeperWords["ruok"],
	"isro": keeperWords["isro"],
	"srvr": (*Server).srvr,
	"stat": (*Server).keeperStat,
	"mntr": keeperWords["mntr"],
	"cons": (*Server).keeperCons,
	"wchs": (*Server).wchs,
}

// serving answers while the server has a quorum.
func serving(f word) word {
	return func(s *Server, w io.Writer) {
		if s.readOnly {
			io.WriteString(w, "This instance is not currently serving requests")
			return
		}
		f(s, w)
	}
}

func (s *Server) apiVersion(w io.Writer) {
	io.WriteString(w, s.dialect.system["/keeper/api_version"])
}

func (s *Server) featureFlags(w io.Writer) {
	for _, f := range keeperFlags {
		on := 0
		if s.dialect.ops[f.op] {
			on = 1
		}
		fmt.Fprintf(w, "%s\t%d\n", f.name, on)
	}
}

func (s *Server) keeperStat(w io.Writer) {
	fmt.Fprintf(w, "%s version: %s\nClients:\n", s.dialect.product, s.dialect.version)
	for c := range s.conns {
		fmt.Fprintf(w, " %s(recved=%d,sent=%d)\n", c.remote(), c.stats.received, c.stats.sent)
	}
	io.WriteString(w, "\n")
	s.counters(w)
}

func (s *Server) keeperMntr(w io.Writer) {
	ephemerals := s.countEphemerals()
	for _, line := range []struct {
		name  string
		value any
	}{
		{"version", s.dialect.version},
		{"avg_latency", fmt.Sprintf("%.0f", s.stats.average())},
		{"max_latency", s.stats.most},
		{"min_latency", s.stats.least},
		{"packets_received", s.stats.received},
		{"packets_sent", s.stats.sent},
		{"num_alive_connections", len(s.conns)},
		{"outstanding_requests", 0},
		{"server_state", s.mode()},
		{"znode_count", len(s.tree.nodes)},
		{"watch_count", s.watches.count()},
		{"ephemerals_count", ephemerals},
		{"approximate_data_size", s.tree.bytes},
	} {
		fmt.Fprintf(w, "zk_%s\t%v\n", line.name, line.value)
	}
}

func (s *Server) keeperCons(w io.Writer) {
	for c := range s.conns {
		fmt.Fprintf(w, " %s(recved=%d,sent=%d", c.remote(), c.stats.received, c.stats.sent)
		if c.session != nil {
			fmt.Fprintf(w, ",sid=%#x,lop=%s,est=%d,to=%d", uint64(c.session.id), c.lop(),
				c.stats.est.UnixMilli(), c.session.timeout.Milliseconds())
			if c.stats.requests > 0 {
				fmt.Fprintf(w, ",lcxid=%#x", uint32(c.stats.lastXid))
			}
			fmt.Fprintf(w, ",lzxid=%#x,lresp=%d,llat=%d,minlat=%d,avglat=%.0f,maxlat=%d",
				uint64(c.stats.lastZxid), c.stats.last.UnixMilli(), c.stats.lastTook,
				c.stats.least, c.stats.average(), c.stats.most)
		}
		io.WriteString(w, ")\n")
	}
}
