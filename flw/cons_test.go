package flw

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParseCons(t *testing.T) {
	for name, want := range map[string][]Connection{
		"3.4.6-leader": {
			{
				Addr: "10.42.45.231:45361", Received: 9435, Sent: 9457, SessionID: 0x94c2989e04716b5, LastOperation: "PING",
				Established: time.UnixMilli(1427238717217), Timeout: 20001 * time.Millisecond, LastCxid: 0x55120915, LastZxid: -1,
				LastResponse: time.UnixMilli(1427259255908), AvgLatency: 1, MaxLatency: 17,
			},
			{ // a server id above 127 sets the top bit; no request yet
				Addr: "10.55.33.98:34342", Received: 1, Sent: 1, SessionID: sid(0xc800001203120003), LastOperation: "SESS",
				Established: time.UnixMilli(1427238849319), Timeout: 20 * time.Second, LastCxid: -1, LastZxid: 0x110a7a8f37,
				LastResponse: time.UnixMilli(1427238849330), LastLatency: 11, MinLatency: 11, AvgLatency: 11, MaxLatency: 11,
			},
			{Addr: "127.0.0.1:57495", Received: 1, LastCxid: -1},
		},
		"3.5.9-ipv6": {
			{ // lresp is the monotonic clock's
				Addr: "[::1]:62200", Received: 29, Sent: 29, SessionID: 0x100046ccbd70000, LastOperation: "PING",
				Established: time.UnixMilli(1534428159463), Timeout: 30 * time.Second, LastCxid: 1, LastZxid: -1,
				LastLatency: 1, MaxLatency: 13,
			},
			{Addr: "[fe80::216:3eff:fe00:1%eth0]:40112", Received: 1, LastCxid: -1},
		},
	} {
		got, err := ParseCons(recorded(t, "cons", name))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v; want %+v", name, got, err, want)
		}
	}
}

// Each recording has three sessions and the connection that asked.
func TestParseConsKnowsEveryRecordedReply(t *testing.T) {
	for name, reply := range all(t, "cons") {
		list, err := ParseCons(reply)
		if err != nil || len(list) < 2 {
			t.Errorf("%s: got %+v, %v", name, list, err)
		}
		without := 0
		for _, c := range list {
			if c.SessionID == 0 {
				without++
			} else if c.Established.IsZero() || c.Timeout == 0 || c.LastOperation == "" {
				t.Errorf("%s: got %+v", name, c)
			}
			if c.Err != nil {
				t.Errorf("%s: %v", name, c.Err)
			}
		}
		if without != 1 {
			t.Errorf("%s: %d connections without a session", name, without)
		}
	}
}

func TestParseAddr(t *testing.T) {
	for text, want := range map[string]string{
		"/10.0.0.7:4711":                 "10.0.0.7:4711",
		"web1.example.org/10.0.0.7:4711": "10.0.0.7:4711",
		"localhost/127.0.0.1:4711":       "127.0.0.1:4711",
		"/0:0:0:0:0:0:0:1:4711":          "[::1]:4711",
		"/[0:0:0:0:0:0:0:1]:4711":        "[::1]:4711",
		"192.168.1.1:52163":              "192.168.1.1:52163",
		"gone/<unresolved>:4711":         "<unresolved>:4711",
		"null":                           "null",
		"":                               "",
	} {
		if got := parseAddr(text); got != want {
			t.Errorf("%q: got %q; want %q", text, got, want)
		}
	}
}

func TestParseConsKeepsWhatItCanRead(t *testing.T) {
	list, err := ParseCons("Connections:\n /10.0.0.7:1[1](queued=x,recved=7,to=99999999999999,tomorrow=1,sent)\n 192.168.1.1:2(recved=3)\n")
	if err != nil || len(list) != 2 {
		t.Fatalf("got %+v, %v", list, err)
	}
	if c := list[0]; c.Received != 7 || c.Err == nil || !strings.Contains(c.Err.Error(), "queued") {
		t.Errorf("got %+v", c)
	}
	if c := list[1]; c.Addr != "192.168.1.1:2" || c.Received != 3 || c.Err != nil {
		t.Errorf("got %+v", c)
	}
	if list, err := ParseCons("\n"); err != nil || list != nil {
		t.Errorf("no connections: got %+v, %v", list, err)
	}
	for _, reply := range []string{"", "imok", "(", ")", "[]()x"} {
		if list, err := ParseCons(reply); err == nil {
			t.Errorf("%q: got %+v", reply, list)
		}
	}
}

func FuzzParseCons(f *testing.F) {
	fuzz(f, []string{"cons"}, func(t *testing.T, reply string) {
		list, err := ParseCons(reply)
		if len(list) > strings.Count(reply, "(") || err != nil && list != nil {
			t.Errorf("got %+v, %v", list, err)
		}
	})
}
