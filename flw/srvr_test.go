package flw

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParseSrvr(t *testing.T) {
	debian := "3.8.0-${mvngit.commit.id}"
	debianBuilt := utc(2024, 12, 29, 17, 54, 0)
	for name, want := range map[string]Srvr{
		"3.4.6-leader": {
			Version: "3.4.6-1569965", Built: utc(2014, 2, 20, 9, 9, 0), AvgLatency: 1, MaxLatency: 10,
			Received: 4207, Sent: 4220, Connections: 81, Outstanding: 1, Zxid: 0x110a7a8f37, Mode: "leader", NodeCount: 306,
		},
		"3.5.9-leader": {
			Version: "3.5.9-83df9301aa5c2a5d284a9940177808c01bc35cef", Built: utc(2021, 1, 6, 20, 3, 0), MaxLatency: 2209,
			Received: 5102, Sent: 5108, Connections: 31, Zxid: 0x20033fc12, Mode: "leader", NodeCount: 10084,
			ProposalSizes: &Sizes{36, 32, 31260},
		},
		"3.6.3-standalone": {
			Version: "3.6.3--6401e4ad2087061bc6b9f80dec2d69f2e3c8660a", Built: utc(2021, 4, 8, 16, 35, 0),
			AvgLatency: 0.1667, MaxLatency: 2, Received: 4, Sent: 3, Connections: 1, Zxid: 6, Mode: "standalone", NodeCount: 5,
		},
		"3.8.0-leader": {
			Version: debian, Built: debianBuilt, AvgLatency: 1.2452, MaxLatency: 12,
			Received: 418, Sent: 417, Connections: 4, Zxid: 0x10000019c, Mode: "leader", NodeCount: 408,
			ProposalSizes: &Sizes{36, 36, 92},
		},
		"3.8.0-observer": {
			Version: debian, Built: debianBuilt, AvgLatency: 3.2, MaxLatency: 23,
			Received: 17, Sent: 16, Connections: 4, Zxid: 0x10000019c, Mode: "observer", NodeCount: 408,
		},
		"3.8.0-readonly": {
			Version: debian, Built: debianBuilt, ReadOnly: true,
			Received: 32, Sent: 17, Connections: 1, Zxid: 0x10000019c, Mode: "read-only", NodeCount: 408,
		},
		"3.9.3-standalone": {
			Version: "3.9.3-${mvngit.commit.id}", Built: utc(2026, 3, 8, 16, 19, 0), AvgLatency: 0.5448, MaxLatency: 21,
			Received: 416, Sent: 415, Connections: 4, Zxid: 0x197, Mode: "standalone", NodeCount: 408,
		},
	} {
		got, err := ParseSrvr(recorded(t, "srvr", name))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v; want %+v", name, got, err, want)
		}
	}
}

// stat prints what srvr prints, and a line for each client.
func TestParseStat(t *testing.T) {
	for name, want := range map[string][]string{
		"3.4.6-standalone": {"127.0.0.1:52946", "10.0.0.57:46632"},
		"3.8.0-readonly":   {"127.0.0.1:49530"},
		"3.8.0-ipv6":       {"[::1]:40774", "[::1]:40756", "[::1]:40758", "[::1]:41170"},
	} {
		got, err := ParseSrvr(recorded(t, "stat", name))
		if err != nil || got.Mode == "" || got.Connections != int64(len(want)) || len(got.Clients) != len(want) {
			t.Errorf("%s: got %+v, %v", name, got, err)
			continue
		}
		for i, c := range got.Clients {
			if c.Addr != want[i] || c.Err != nil {
				t.Errorf("%s: got client %+v; want %s", name, c, want[i])
			}
		}
	}
	stat, _ := ParseSrvr(recorded(t, "stat", "3.4.6-standalone"))
	if c := stat.Clients[1]; c.Queued != 2 || c.Received != 138340 || c.Sent != 138347 {
		t.Errorf("got %+v", c)
	}
}

func TestParseSrvrKnowsEveryRecordedReply(t *testing.T) {
	for name, reply := range all(t, "srvr", "stat") {
		if s, err := ParseSrvr(reply); err != nil || s.Built.IsZero() || s.Mode == "" || s.NodeCount == 0 {
			t.Errorf("%s: got %+v, %v", name, s, err)
		}
	}
}

// The build's date is read in both forms, in any zone of the reader; other zones and forms make it zero.
func TestParseVersion(t *testing.T) {
	for text, want := range map[string]time.Time{
		"3.7.0-e3704b3, built on 2021-03-17 09:46 UTC":      utc(2021, 3, 17, 9, 46, 0),
		"3.4.14-4c25d48, built on 03/06/2019 16:18 GMT":     utc(2019, 3, 6, 16, 18, 0),
		"3.9.9-SNAPSHOT, built on 2031-01-02 03:04 CET":     {},
		"3.9.9, built on Thursday":                          {},
		"3.9.9":                                             {},
		"3.4.8--1, built on 02/06/2016 03:18 GMT, patched.": {},
	} {
		version, built := parseVersion(text)
		if !built.Equal(want) || !strings.HasPrefix(text, version) || strings.Contains(version, ",") {
			t.Errorf("%q: got %q, %v; want %v", text, version, built, want)
		}
	}
}

func TestParseSrvrKeepsWhatItCanRead(t *testing.T) {
	s, err := ParseSrvr("Received: many\nNew in 4.0: 7\nLatency min/avg/max: 1\nSent: 12\n\nMode: leader")
	if err == nil || !strings.Contains(err.Error(), `Received: not a number: "many"`) {
		t.Errorf("got error %v", err)
	}
	if s.Sent != 12 || s.Mode != "leader" || s.MinLatency != 1 {
		t.Errorf("got %+v", s)
	}
	for _, reply := range []string{"", "\n", "HTTP/1.1 400 Bad Request\r\n", "imok", "Zookeeper version"} {
		if s, err := ParseSrvr(reply); err == nil {
			t.Errorf("%q: got %+v", reply, s)
		}
	}
}

// keeperReply is what ClickHouse Keeper prints (FourLetterCommand.cpp).
const keeperReply = `ClickHouse Keeper version: v21.11.1.1-prestable-7a4a0b0edef0ad6e0aa662cd3b90c3f4acf796e7
Latency min/avg/max: 0/0/0
Received: 2
Sent : 3
Connections: 1
Outstanding: 0
Zxid: 34
Mode: leader
Node count: 4
`

func TestParseSrvrOfKeeper(t *testing.T) {
	want := Srvr{Version: "v21.11.1.1-prestable-7a4a0b0edef0ad6e0aa662cd3b90c3f4acf796e7", Received: 2, Sent: 3, Connections: 1, Zxid: 34, Mode: "leader", NodeCount: 4}
	if got, err := ParseSrvr(keeperReply); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if got, err := ParseSrvr(strings.Replace(keeperReply, "Zxid: 34", "Zxid: 0x80000000", 1)); err != nil || got.Zxid != 0x80000000 {
		t.Errorf("got %+v, %v", got, err)
	}
}

// A server may close the connection after any byte. Only the sizes of a leader's proposals, behind
// the rest, are not missed.
func TestParseSrvrOfPartOfAReply(t *testing.T) {
	replies := all(t, "srvr", "stat")
	replies["keeper"] = keeperReply
	for name, reply := range replies {
		end := strings.Index(reply, "Node count: ")
		end += strings.IndexByte(reply[end:], '\n') + 1
		for n := range len(reply) {
			_, err := ParseSrvr(reply[:n])
			if whole := n >= end && reply[n-1] == '\n'; (err == nil) != whole {
				t.Errorf("%s: %q at the end: %v", name, reply[max(0, n-20):n], err)
			}
			if err == nil || errors.Is(err, ErrMalformed) || errors.Is(err, ErrNoReply) {
				continue
			}
			t.Errorf("%s: %q at the end: %v", name, reply[max(0, n-20):n], err)
		}
	}
}

// What answers on the port of another program is no ZooKeeper, however much it looks like one.
func TestParseSrvrOfOthers(t *testing.T) {
	for _, reply := range []string{
		"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n400 Bad Request",
		"HTTP/1.1 200 OK\r\nMode: cors\r\nSent: 12\r\n\r\n",
		"SSH-2.0-OpenSSH_9.2\r\n",
		"-ERR unknown command 'srvr'\r\n",
		"\x15\x03\x03\x00\x02\x02\x0a",
		"imok",
		"Mode: leader\nNode count: 5\n",
		"Zookeeper version: 3.8.0\nNode count: 5\n",
		"Zookeeper version: 3.8.0\nMode: \nNode count: 5\n",
		"Zookeeper version: 3.8.0\nMode: leader\nNode count: many\n",
		"Zookeeper version: 3.8.0\nMode: leader\nNode count: 5",
		"Zookeeper version: \nMode: leader\nNode count: 5\n",
	} {
		if s, err := ParseSrvr(reply); err == nil {
			t.Errorf("%q is %+v", reply, s)
		}
		for _, s := range saying(reply).Status(t.Context(), []string{"zk1:2181"}) {
			if s.Serves() || s.Server != "zk1:2181" {
				t.Errorf("%q serves: %+v", reply, s)
			}
		}
	}
	for _, reply := range []string{keeperReply, recorded(t, "srvr", "3.4.6-leader"), "srvr" + notListed + "\n"} {
		for _, s := range saying(reply).Status(t.Context(), []string{"zk1:2181"}) {
			if !s.Serves() {
				t.Errorf("%q does not serve: %v", reply, s.Err)
			}
		}
	}
}

func FuzzParseSrvr(f *testing.F) {
	f.Add(keeperReply)
	fuzz(f, []string{"srvr", "stat"}, func(t *testing.T, reply string) {
		s, err := ParseSrvr(reply)
		whole := s.Version != "" && s.Mode != "" && strings.Contains(reply, "Node count") && strings.HasSuffix(reply, "\n")
		if err == nil && !whole {
			t.Errorf("accepted %+v", s)
		}
	})
}
