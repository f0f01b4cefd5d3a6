package zktest_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/internal/wire"
	"github.com/zkfs/zkfs/zk/zktest"
)

// onEvery runs a test in a bubble with a server of each name.
func onEvery(t *testing.T, names []string, f func(*testing.T, *zktest.Server)) {
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := zktest.NewServer(zktest.WithServer(name))
				defer server.Close()
				f(t, server)
			})
		})
	}
}

// clickHouse are the servers that are ClickHouse Keeper.
var clickHouse = []string{"clickhouse-25.8", "clickhouse-26.1", "clickhouse-26.3", "clickhouse-latest"}

// Plain reads and writes are the same on every server.
func TestEveryServerReadsAndWrites(t *testing.T) {
	onEvery(t, zktest.Servers(), func(t *testing.T, server *zktest.Server) {
		conn, _, err := zk.Connect([]string{"any"}, 10*time.Second, zk.WithDialer(server.Dialer()))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		roundTrip(t, conn)
	})
}

func TestServerOfNoSuchName(t *testing.T) {
	defer func() {
		if e := recover(); !strings.Contains(fmt.Sprint(e), "clickhouse-25.8") {
			t.Errorf("panic %v, want one that names the servers", e)
		}
	}()
	zktest.WithServer("etcd")
}

// A speaker sends and reads frames.
type speaker struct {
	t  *testing.T
	nc net.Conn
}

// dial connects and sends the frame of a handshake.
func dial(t *testing.T, server *zktest.Server, r *wire.ConnectRequest) *speaker {
	t.Helper()
	nc, err := server.Dialer()("tcp", "any", 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	r.Passwd = make([]byte, 16)
	s := &speaker{t, nc}
	s.send(r)
	return s
}

func (s *speaker) send(records ...wire.Record) {
	s.t.Helper()
	if _, err := s.nc.Write(wire.AppendFrame(nil, records...)); err != nil {
		s.t.Fatal(err)
	}
}

// receive reads a frame, nil at the end.
func (s *speaker) receive() []byte {
	s.t.Helper()
	body, err := wire.ReadFrame(s.nc, nil, 1<<20)
	if err != nil && err != io.EOF {
		s.t.Fatal(err)
	}
	return body
}

// A follower of ClickHouse Keeper tells the leader of pings and writes alone: a client that only
// reads loses its session in the midst of it.
func TestReadsDoNotProlong(t *testing.T) {
	for name, lives := range map[string]bool{"clickhouse-25.8": false, "raftkeeper": true, "3.8": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := zktest.NewServer(zktest.WithServer(name))
				defer server.Close()
				s := dial(t, server, &wire.ConnectRequest{TimeOut: 10_000})
				s.receive()
				var last []byte
				for i := range 15 {
					s.nc.Write(wire.AppendFrame(nil, &wire.RequestHeader{Xid: int32(i + 1), Op: wire.OpExists},
						&wire.ExistsRequest{Path: "/"})) // which fails once the server has hung up
					if last = s.receive(); last == nil {
						break
					}
					time.Sleep(time.Second)
				}
				if got := last != nil; got != lives {
					t.Errorf("the session lives: %v, want %v", got, lives)
				}
			})
		})
	}
}

func TestPingsProlongOnEveryServer(t *testing.T) {
	onEvery(t, zktest.Servers(), func(t *testing.T, server *zktest.Server) {
		s := dial(t, server, &wire.ConnectRequest{TimeOut: 10_000})
		s.receive()
		for range 15 {
			s.send(&wire.RequestHeader{Xid: wire.XidPing, Op: wire.OpPing})
			if s.receive() == nil {
				t.Fatal("the session has ended")
			}
			time.Sleep(time.Second)
		}
	})
}

// A Keeper without a quorum gives no session: protocolVersion 42, the granted timeout, session -1.
// It tells the sessions that it gives up by a reply to nothing.
func TestWithoutQuorum(t *testing.T) {
	onEvery(t, clickHouse, func(t *testing.T, server *zktest.Server) {
		before := dial(t, server, &wire.ConnectRequest{TimeOut: 10_000})
		before.receive()
		server.SetReadOnly(true)
		expired := make([]byte, 16)
		binary.BigEndian.PutUint32(expired[12:], 0xffffff90) // -112
		if got := before.receive(); !bytes.Equal(got, expired) {
			t.Errorf("a session is given up with %x, want %x", got, expired)
		}
		s := dial(t, server, &wire.ConnectRequest{TimeOut: 10_000, ReadOnly: true})
		var answer wire.ConnectResponse
		body := s.receive()
		if err := wire.Unmarshal(body, &answer); err != nil {
			t.Fatal(err)
		}
		if answer.ProtocolVersion != 42 || answer.TimeOut != 10_000 || answer.SessionID != -1 ||
			len(body) != 36 {
			t.Errorf("answer %+v in %d bytes", answer, len(body))
		}
		if s.receive() != nil {
			t.Error("the connection stays open")
		}
		server.SetReadOnly(false)
		dial(t, server, &wire.ConnectRequest{TimeOut: 10_000}).receive()
	})
}

// A multi of nothing kills a Keeper before #119847. What it had is there when it comes again.
func TestEmptyMulti(t *testing.T) {
	for _, name := range []string{"clickhouse-25.8", "clickhouse-26.3"} {
		synctest.Test(t, func(t *testing.T) {
			server := zktest.NewServer(zktest.WithServer(name))
			defer server.Close()
			bystander := dial(t, server, &wire.ConnectRequest{TimeOut: 10_000})
			bystander.receive()
			s := dial(t, server, &wire.ConnectRequest{TimeOut: 10_000})
			s.receive()
			s.send(&wire.RequestHeader{Xid: 1, Op: wire.OpMulti}, &wire.MultiRequest{})
			if s.receive() != nil || bystander.receive() != nil {
				t.Error("the server lives")
			}
			if _, err := server.Dialer()("tcp", "any", 0); err == nil {
				t.Error("the server takes connections")
			}
			server.Refuse(false)
			dial(t, server, &wire.ConnectRequest{TimeOut: 10_000}).receive()
		})
	}
}

// FourLetterCommand.cpp of ClickHouse and of RaftKeeper.
func TestWordsOfOtherServers(t *testing.T) {
	for _, c := range []struct{ server, word, want string }{
		{"clickhouse-25.8", "ruok", "imok"},
		{"clickhouse-25.8", "srvr", "ClickHouse Keeper version: v25.8.1.1-zktest\n" +
			"Latency min/avg/max: 0/0/0\nReceived: 1\nSent: 0\nConnections: 1\nOutstanding: 0\n" +
			"Zxid: 0x0\nMode: follower\nNode count: 5\n"},
		{"clickhouse-25.8", "apiv", "2"},
		{"clickhouse-25.8", "dump", ""},
		{"clickhouse-25.8", "conf", ""},
		{"raftkeeper", "srvr", "RaftKeeper version: v2.1.4\n" +
			"Latency min/avg/max: 0/0/0\nReceived: 1\nSent : 0\nConnections: 1\nOutstanding: 0\n" +
			"Zxid: 0\nMode: leader\nNode count: 1\n"},
		{"raftkeeper", "apiv", ""},
		{"3.4", "srvr", "Zookeeper version: 3.4.14-zktest, built on 2022-02-25 08:49 UTC\n" +
			"Latency min/avg/max: 0/0/0\nReceived: 1\nSent: 0\nConnections: 1\nOutstanding: 0\n" +
			"Zxid: 0x0\nMode: standalone\nNode count: 3\n"},
	} {
		synctest.Test(t, func(t *testing.T) {
			server := zktest.NewServer(zktest.WithServer(c.server))
			defer server.Close()
			if got := word(t, server, c.word); got != c.want {
				t.Errorf("%s %s: %q, want %q", c.server, c.word, got, c.want)
			}
		})
	}
}

// word asks a server a four-letter word.
func word(t *testing.T, server *zktest.Server, name string) string {
	t.Helper()
	nc, err := server.Dialer()("tcp", "any", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := io.WriteString(nc, name); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(nc)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
