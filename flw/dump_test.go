package flw

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParseDump(t *testing.T) {
	for name, want := range map[string]Dump{
		"3.4.6-leader": { // a zone whose offset the name does not tell
			Sessions: []DumpSession{{ID: 0x15d7dd05c0e00bd}, {ID: 0x15d7dd05c0e00be}},
			Ephemerals: map[int64][]string{
				0x15d7dd05c0e00bd: {"/brokers/ids/2", "/controller"},
				0x15d7dd05c0e00be: {"/brokers/ids/1"},
			},
		},
		"3.4.11-follower": {Ephemerals: map[int64][]string{}},
		"3.5.9-follower": {
			Sessions: []DumpSession{
				{ID: 0x200d4822bfe0002, Timeout: 30 * time.Second},
				{ID: 0x300d48235cb0000, Timeout: 18 * time.Second},
			},
			Ephemerals:  map[int64][]string{0x300d48235cb0000: {"/n3"}},
			Connections: []DumpConnection{{Addr: "[::1]:52884", Expires: utc(2021, 12, 9, 10, 25, 25)}},
		},
		"3.8.0-follower": {
			Sessions: []DumpSession{
				{ID: 0x100001202d40001, Local: true, Expires: utc(2026, 11, 22, 15, 59, 43)},
				{ID: 0x100001202d40002, Local: true, Expires: utc(2026, 11, 22, 15, 59, 43)},
				{ID: sid(0xc800001203120001), Timeout: 20 * time.Second},
				{ID: 0x100001202d40000, Timeout: 20 * time.Second},
				{ID: 0x400001203020000, Timeout: 20 * time.Second},
			},
			Ephemerals: map[int64][]string{sid(0xc800001203120001): {"/app/e1", "/app/e2"}},
			Connections: []DumpConnection{
				{"127.0.0.1:60410", 0, utc(2026, 11, 22, 15, 59, 45)},
				{"127.0.0.1:58826", 0x100001202d40001, utc(2026, 11, 22, 15, 59, 45)},
				{"127.0.0.1:58834", 0x100001202d40002, utc(2026, 11, 22, 15, 59, 45)},
				{"127.0.0.1:58822", 0x100001202d40000, utc(2026, 11, 22, 15, 59, 55)},
			},
		},
	} {
		got, err := ParseDump(recorded(t, "dump", name))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v; want %+v", name, got, err, want)
		}
	}
}

func TestParseDumpKnowsEveryRecordedReply(t *testing.T) {
	for name, reply := range all(t, "dump") {
		d, err := ParseDump(reply)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		sessions := make(map[int64]bool)
		for _, s := range d.Sessions {
			sessions[s.ID] = true
			if s.Expires.IsZero() && s.Timeout == 0 && name != "dump 3.4.6-leader" {
				t.Errorf("%s: got %+v", name, s)
			}
		}
		for owner := range d.Ephemerals {
			if !sessions[owner] {
				t.Errorf("%s: session %#x has ephemerals and is not listed", name, owner)
			}
		}
	}
}

func TestParseDumpKeepsWhatItCanRead(t *testing.T) {
	d, err := ParseDump("SessionTracker dump:\nSession Sets (1)/(1):\n1 expire at some time:\n\t0xyz\n\t0x7\nSessions with Ephemerals (1):\n0x7:\n\t/a\n")
	if err == nil || !strings.Contains(err.Error(), "0xyz") {
		t.Errorf("got error %v", err)
	}
	if len(d.Sessions) != 2 || d.Sessions[1].ID != 7 || !reflect.DeepEqual(d.Ephemerals, map[int64][]string{7: {"/a"}}) {
		t.Errorf("got %+v", d)
	}
	for _, reply := range []string{"", "\n", "imok", "\t0x7"} {
		if d, err := ParseDump(reply); err == nil {
			t.Errorf("%q: got %+v", reply, d)
		}
	}
}

func FuzzParseDump(f *testing.F) {
	fuzz(f, []string{"dump"}, func(t *testing.T, reply string) {
		d, err := ParseDump(reply)
		if n := strings.Count(reply, "\n") + 1; len(d.Sessions)+len(d.Connections)+len(d.Ephemerals) > n {
			t.Errorf("got %d entries from %d lines (%v)", len(d.Sessions), n, err)
		}
	})
}
