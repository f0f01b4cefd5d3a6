package zk

import (
	"errors"
	"io"
	"net"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/zkfs/zkfs/flw"
)

// wordServer answers each four-letter word with a text and closes the connection. A word that
// has none gets no answer.
func wordServer(t *testing.T, answers map[string]string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() { // ends with the listener
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			word := make([]byte, 4)
			if _, err := io.ReadFull(conn, word); err == nil {
				io.WriteString(conn, answers[string(word)])
			}
			conn.Close()
		}
	}()
	return listener.Addr().String()
}

// unusedAddress is one where nobody listens.
func unusedAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

const srvr38 = `Zookeeper version: 3.8.0-${mvngit.commit.id}, built on 2024-12-29 17:54 UTC
Latency min/avg/max: 1/2.9167/12
Received: 418
Sent: 417
Connections: 4
Outstanding: 3
Zxid: 0xa0000019c
Mode: follower
Node count: 408
`

const srvr34 = `Zookeeper version: 3.4.6-1569965, built on 02/20/2014 09:09 GMT
Latency min/avg/max: 0/1/10
Received: 4207
Sent: 4220
Connections: 81
Outstanding: 1
Zxid: 0x110a7a8f37
Mode: leader
Node count: 306
`

func TestFLWSrvr(t *testing.T) {
	recent := wordServer(t, map[string]string{"srvr": srvr38})
	old := wordServer(t, map[string]string{"srvr": srvr34})
	stats, ok := FLWSrvr([]string{recent, old}, time.Minute)
	want := []*ServerStats{
		{
			Server: recent, Sent: 417, Received: 418, NodeCount: 408, MinLatency: 1, AvgLatency: 2, AvgLatencyMs: 2.9167, MaxLatency: 12,
			Connections: 4, Outstanding: 3, Epoch: 10, Counter: 0x19c, BuildTime: time.Date(2024, 12, 29, 17, 54, 0, 0, time.UTC),
			Mode: ModeFollower, Version: "3.8.0-${mvngit.commit.id}",
		},
		{
			Server: old, Sent: 4220, Received: 4207, NodeCount: 306, AvgLatency: 1, AvgLatencyMs: 1, MaxLatency: 10,
			Connections: 81, Outstanding: 1, Epoch: 17, Counter: 175804215, BuildTime: time.Date(2014, 2, 20, 9, 9, 0, 0, time.UTC),
			Mode: ModeLeader, Version: "3.4.6-1569965",
		},
	}
	if !ok || !reflect.DeepEqual(stats, want) {
		t.Errorf("got %+v %+v, %v", stats[0], stats[1], ok)
	}
}

// A server that fails is told apart from the others, which are still read.
func TestFLWSrvrErrors(t *testing.T) {
	good := wordServer(t, map[string]string{"srvr": srvr38})
	silent := wordServer(t, nil)
	garbage := wordServer(t, map[string]string{"srvr": "\x00\x00\x00\x25"})
	starting := wordServer(t, map[string]string{"srvr": "This ZooKeeper instance is not currently serving requests\n"})
	servers := []string{unusedAddress(t), silent, garbage, starting, good}
	stats, ok := FLWSrvr(servers, time.Minute)
	if ok || len(stats) != len(servers) {
		t.Fatalf("got %d results, %v", len(stats), ok)
	}
	for i, s := range stats[:4] {
		if s.Error == nil || s.Server != servers[i] {
			t.Errorf("server %d: got %+v", i, s)
		}
	}
	if !errors.Is(stats[1].Error, flw.ErrNoReply) || !errors.Is(stats[3].Error, flw.ErrNotServing) {
		t.Errorf("got %v, %v", stats[1].Error, stats[3].Error)
	}
	if stats[4].Error != nil || stats[4].NodeCount != 408 {
		t.Errorf("got %+v", stats[4])
	}
	if stats, ok := FLWSrvr(nil, time.Minute); len(stats) != 0 || !ok {
		t.Errorf("no servers: got %v, %v", stats, ok)
	}
}

func TestFLWRuok(t *testing.T) {
	servers := []string{
		wordServer(t, map[string]string{"ruok": "imok"}),
		wordServer(t, map[string]string{"ruok": "ruok is not executed because it is not in the whitelist.\n"}),
		wordServer(t, map[string]string{"ruok": "im"}),
		wordServer(t, nil),
		unusedAddress(t),
	}
	if got, want := FLWRuok(servers, time.Minute), []bool{true, false, false, false, false}; !slices.Equal(got, want) {
		t.Errorf("got %v; want %v", got, want)
	}
}

func TestFLWCons(t *testing.T) {
	good := wordServer(t, map[string]string{"cons": ` /10.42.45.231:45361[1](queued=1,recved=9435,sent=9457,sid=0xc4c2989e04716b50,lop=PING,est=1427238717217,to=20001,lcxid=0x55120915,lzxid=0xffffffffffffffff,lresp=1427259255908,llat=2,minlat=1,avglat=3,maxlat=17)
 /[0:0:0:0:0:0:0:1]:62200[0](queued=0,recved=1,sent=0)

`})
	broken := wordServer(t, map[string]string{"cons": " /10.42.45.231:45361[1](queued=many,recved=7)\n\n"})
	sid := uint64(0xc4c2989e04716b50)
	lists, ok := FLWCons([]string{good}, time.Minute)
	want := []*ServerClients{{Clients: []*ServerClient{
		{
			Queued: 1, Received: 9435, Sent: 9457, SessionID: int64(sid), Lcxid: 0x55120915, Lzxid: -1, Timeout: 20001,
			LastLatency: 2, MinLatency: 1, AvgLatency: 3, MaxLatency: 17, Established: time.UnixMilli(1427238717217),
			LastResponse: time.UnixMilli(1427259255908), Addr: "10.42.45.231:45361", LastOperation: "PING",
		},
		{Received: 1, Lcxid: -1, Addr: "[::1]:62200"},
	}}}
	if !ok || !reflect.DeepEqual(lists, want) {
		t.Errorf("got %+v, %v", lists, ok)
	}

	lists, ok = FLWCons([]string{unusedAddress(t), broken, good}, time.Minute)
	if ok || len(lists) != 3 || lists[0].Error == nil || lists[2].Error != nil || len(lists[2].Clients) != 2 {
		t.Errorf("got %+v, %v", lists, ok)
	}
	if c := lists[1].Clients[0]; c.Error == nil || c.Received != 7 {
		t.Errorf("got %+v", c)
	}
}

func TestFormatServers(t *testing.T) {
	servers := []string{"zk1", "zk2:2182", "10.0.0.7", "10.0.0.7:2183", "::1", "[::1]", "[::1]:2184", "fe80::1%eth0"}
	before := slices.Clone(servers)
	want := []string{"zk1:2181", "zk2:2182", "10.0.0.7:2181", "10.0.0.7:2183", "[::1]:2181", "[::1]:2181", "[::1]:2184", "[fe80::1%eth0]:2181"}
	if got := FormatServers(servers); !slices.Equal(got, want) {
		t.Errorf("got %q; want %q", got, want)
	}
	if !slices.Equal(servers, before) {
		t.Errorf("the argument became %q", servers)
	}
}

func TestModeString(t *testing.T) {
	for mode, want := range map[Mode]string{
		ModeUnknown: "unknown", ModeLeader: "leader", ModeFollower: "follower", ModeStandalone: "standalone", 77: "unknown",
	} {
		if got := mode.String(); got != want {
			t.Errorf("%d: got %q; want %q", mode, got, want)
		}
	}
	if modeOf("observer") != ModeUnknown || modeOf("leader") != ModeLeader {
		t.Error("a server's word is taken for another")
	}
}
