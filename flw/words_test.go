package flw

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseRuok(t *testing.T) {
	for name, reply := range all(t, "ruok") {
		if !ParseRuok(reply) {
			t.Errorf("%s: %q is not ok", name, reply)
		}
	}
	for _, reply := range []string{"", "imo", "imokay", notServing} {
		if ParseRuok(reply) {
			t.Errorf("%q is ok", reply)
		}
	}
}

func TestParseMntr(t *testing.T) {
	for name, reply := range all(t, "mntr") {
		m, err := ParseMntr(reply)
		if err != nil || m["zk_version"] == "" || m["zk_server_state"] == "" || len(m) != strings.Count(strings.TrimSpace(reply), "\n")+1 {
			t.Errorf("%s: got %d metrics, %v", name, len(m), err)
		}
		if n, ok := m.Int("zk_znode_count"); !ok || n < 1 {
			t.Errorf("%s: %d znodes, %v", name, n, ok)
		}
		if avg, ok := m.Float("zk_avg_latency"); !ok || avg < 0 {
			t.Errorf("%s: average latency %v, %v", name, avg, ok)
		}
	}
	m, err := ParseMntr("zk_a\tb\tc\nnothing\n\t7\n")
	if err != nil || !maps.Equal(m, Mntr{"zk_a": "b\tc"}) {
		t.Errorf("got %v, %v", m, err)
	}
	if n, ok := m.Int("zk_a"); ok {
		t.Errorf("text is the number %d", n)
	}
	if n, ok := m.Float("zk_absent"); ok {
		t.Errorf("an absent metric is %v", n)
	}
}

func TestParseConf(t *testing.T) {
	for name, members := range map[string]map[int64]string{
		"3.4.11-follower":  {},
		"3.8.0-standalone": {},
		"3.9.3-standalone": {},
		"3.8.0-leader": {
			1:   "127.0.0.1:24201:24211:participant;127.0.0.1:24191",
			2:   "127.0.0.1:24202:24212:participant;127.0.0.1:24192",
			4:   "127.0.0.1:24204:24214:observer;127.0.0.1:24194",
			200: "127.0.0.1:24203:24213:participant;127.0.0.1:24193",
		},
	} {
		c, err := ParseConf(recorded(t, "conf", name))
		if err != nil || !maps.Equal(c.Members, members) {
			t.Errorf("%s: got members %v, %v; want %v", name, c.Members, err, members)
		}
		if c.Values["clientPort"] == "" || c.Values["serverId"] == "" || len(members) > 0 != (c.Values["version"] == "100000000") {
			t.Errorf("%s: got values %v", name, c.Values)
		}
	}
}

func TestParseEnvi(t *testing.T) {
	for name, reply := range all(t, "envi") {
		e, err := ParseEnvi(reply)
		version, _, _ := strings.Cut(strings.TrimPrefix(name, "envi "), "-")
		if err != nil || !strings.HasPrefix(e["zookeeper.version"], version+"-") || e["host.name"] == "" || e["java.compiler"] == "" {
			t.Errorf("%s: got %v, %v", name, e, err)
		}
	}
}

func TestParseWatches(t *testing.T) {
	summary, err := ParseWchs(recorded(t, "wchs", "3.8.0-standalone"))
	if want := (Wchs{Connections: 2, Paths: 2, Watches: 3}); err != nil || summary != want {
		t.Errorf("wchs: got %+v, %v; want %+v", summary, err, want)
	}
	sessions, err := ParseWchc(recorded(t, "wchc", "3.8.0-leader"))
	first, second := sid(0xc800001203120001), sid(0xc800001203120002)
	if want := map[int64][]string{first: {"/app/e1", "/app"}, second: {"/app"}}; err != nil || !reflect.DeepEqual(sessions, want) {
		t.Errorf("wchc: got %v, %v; want %v", sessions, err, want)
	}
	// wchp is the same relation the other way round.
	for _, name := range []string{"3.8.0-standalone", "3.9.3-standalone"} {
		sessions, err := ParseWchc(recorded(t, "wchc", name))
		if err != nil {
			t.Fatal(err)
		}
		paths, err := ParseWchp(recorded(t, "wchp", name))
		if err != nil || len(paths) != 2 {
			t.Errorf("wchp: got %v, %v", paths, err)
		}
		for path, ids := range paths {
			for _, id := range ids {
				if !slices.Contains(sessions[id], path) {
					t.Errorf("%s: %#x watches %s according to wchp alone", name, id, path)
				}
			}
		}
	}
	if sessions, err := ParseWchc("\n"); err != nil || len(sessions) != 0 {
		t.Errorf("no watches: got %v, %v", sessions, err)
	}
	if sessions, err := ParseWchc("0xno\n\t/a\n0x2\n\t/b\n"); err == nil || !reflect.DeepEqual(sessions, map[int64][]string{2: {"/b"}}) {
		t.Errorf("got %v, %v", sessions, err)
	}
	if paths, err := ParseWchp("\t0x1\n"); err == nil {
		t.Errorf("a session of no path: got %v", paths)
	}
}

func TestParseIsro(t *testing.T) {
	for reply, want := range map[string]struct {
		readOnly bool
		err      error
	}{"ro": {true, nil}, "rw": {false, nil}, "null": {false, ErrNotServing}, "": {false, ErrNoReply}} {
		if readOnly, err := ParseIsro(reply); readOnly != want.readOnly || err != want.err {
			t.Errorf("%q: got %v, %v", reply, readOnly, err)
		}
	}
	if _, err := ParseIsro("imok"); err == nil {
		t.Error("imok is accepted")
	}
	for name, reply := range all(t, "isro") {
		if readOnly, err := ParseIsro(reply); err != nil || readOnly != strings.HasSuffix(name, "readonly") {
			t.Errorf("%s: got %v, %v", name, readOnly, err)
		}
	}
}

func TestParseDirs(t *testing.T) {
	d, err := ParseDirs(recorded(t, "dirs", "3.9.3-standalone"))
	if want := (Dirs{DataSize: 67109358, LogSize: 67109358}); err != nil || d != want {
		t.Errorf("got %+v, %v; want %+v", d, err, want)
	}
	if d, err := ParseDirs("logdir_size: 1724\n"); err == nil || d.LogSize != 1724 {
		t.Errorf("half a reply: got %+v, %v", d, err)
	}
}

func TestParseGtmk(t *testing.T) {
	for name, reply := range all(t, "gtmk") {
		if mask, err := ParseGtmk(reply); mask != 306 || err != nil {
			t.Errorf("%s: got %d, %v", name, mask, err)
		}
	}
	if _, err := ParseGtmk("imok"); err == nil {
		t.Error("imok is accepted")
	}
}

func TestParseHash(t *testing.T) {
	list, err := ParseHash(recorded(t, "hash", "3.8.0-leader"))
	want := []Digest{{0x100000080, 266139405021}, {0x100000100, 540204699130}, {0x100000180, 823179358422}}
	if err != nil || !slices.Equal(list, want) {
		t.Errorf("got %v, %v; want %v", list, err, want)
	}
	if list, err := ParseHash(recorded(t, "hash", "3.8.0-standalone")); err != nil || list != nil {
		t.Errorf("no digest yet: got %v, %v", list, err)
	}
	if list, err := ParseHash("80: 1\n100: x\n"); err == nil || len(list) != 1 {
		t.Errorf("got %v, %v", list, err)
	}
}

func TestParseLsnp(t *testing.T) {
	s, err := ParseLsnp(recorded(t, "lsnp", "3.8.0-standalone"))
	if want := (LastSnapshot{0, time.Unix(1795363484, 0)}); err != nil || s != want {
		t.Errorf("got %+v, %v; want %+v", s, err, want)
	}
	s, err = ParseLsnp(`{"zxid": "ffffffffffffffff", "timestamp": -1}`)
	if want := (LastSnapshot{Zxid: -1}); err != nil || s != want {
		t.Errorf("no snapshot yet: got %+v, %v; want %+v", s, err, want)
	}
	for _, reply := range []string{"", "{}", "[]", "null", `{"zxid":7}`, `{"zxid":"x"}`} {
		if s, err := ParseLsnp(reply); err == nil {
			t.Errorf("%q: got %+v", reply, s)
		}
	}
}

func TestParseReset(t *testing.T) {
	for name, reply := range all(t, "crst", "srst") {
		if !ParseReset(reply) {
			t.Errorf("%s: %q does not confirm", name, reply)
		}
	}
	if ParseReset("") || ParseReset(notServing) {
		t.Error("a refusal confirms")
	}
}

// No parser takes the absence of a reply for one, but hash's, which may be empty.
func TestParsersRejectNoReply(t *testing.T) {
	for word, err := range map[string]error{
		"srvr": second(ParseSrvr("")), "cons": second(ParseCons("")), "mntr": second(ParseMntr("")), "conf": second(ParseConf("")),
		"envi": second(ParseEnvi("")), "dump": second(ParseDump("")), "wchs": second(ParseWchs("")), "wchc": second(ParseWchc("")),
		"wchp": second(ParseWchp("")), "isro": second(ParseIsro("")), "dirs": second(ParseDirs("")), "gtmk": second(ParseGtmk("")),
		"lsnp": second(ParseLsnp("")),
	} {
		if !errors.Is(err, ErrNoReply) {
			t.Errorf("%s: got %v", word, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func FuzzParseMntr(f *testing.F) {
	fuzz(f, []string{"mntr"}, func(t *testing.T, reply string) {
		if m, err := ParseMntr(reply); (err == nil) != (len(m) > 0) {
			t.Errorf("got %v, %v", m, err)
		}
	})
}

func FuzzParseConf(f *testing.F) {
	fuzz(f, []string{"conf"}, func(t *testing.T, reply string) {
		if c, err := ParseConf(reply); (err == nil) != (len(c.Values)+len(c.Members) > 0) {
			t.Errorf("got %v, %v", c, err)
		}
	})
}

func FuzzParseEnvi(f *testing.F) {
	fuzz(f, []string{"envi"}, func(t *testing.T, reply string) {
		if e, err := ParseEnvi(reply); (err == nil) != (len(e) > 0) {
			t.Errorf("got %v, %v", e, err)
		}
	})
}

func FuzzParseWchs(f *testing.F) {
	fuzz(f, []string{"wchs"}, func(t *testing.T, reply string) {
		if w, err := ParseWchs(reply); err == nil && !strings.Contains(reply, "watch") {
			t.Errorf("got %v", w)
		}
	})
}

// wchc and wchp read each other's replies too: both are lines with indented lines below.
func FuzzParseWchc(f *testing.F) {
	fuzz(f, []string{"wchc", "wchp"}, func(t *testing.T, reply string) {
		sessions, _ := ParseWchc(reply)
		for id, paths := range sessions {
			if len(paths) == 0 {
				t.Errorf("session %#x without a path", id)
			}
		}
	})
}

func FuzzParseWchp(f *testing.F) {
	fuzz(f, []string{"wchc", "wchp"}, func(t *testing.T, reply string) {
		paths, _ := ParseWchp(reply)
		for path, ids := range paths {
			if len(ids) == 0 || path == "" {
				t.Errorf("path %q with %d sessions", path, len(ids))
			}
		}
	})
}

func FuzzParseHash(f *testing.F) {
	fuzz(f, []string{"hash"}, func(t *testing.T, reply string) {
		if list, err := ParseHash(reply); err == nil && list == nil && reply != "" {
			t.Error("accepted a reply without a digest")
		}
	})
}

func FuzzParseLsnp(f *testing.F) {
	fuzz(f, []string{"lsnp"}, func(t *testing.T, reply string) {
		if s, err := ParseLsnp(reply); err == nil && !strings.Contains(reply, "{") {
			t.Errorf("got %+v", s)
		}
	})
}

// The words whose reply is a value or two.
func FuzzParseShort(f *testing.F) {
	fuzz(f, []string{"ruok", "isro", "dirs", "gtmk", "crst", "srst"}, func(t *testing.T, reply string) {
		accepted := 0
		for _, ok := range []bool{
			ParseRuok(reply), second(ParseIsro(reply)) == nil, second(ParseDirs(reply)) == nil,
			second(ParseGtmk(reply)) == nil, ParseReset(reply),
		} {
			if ok {
				accepted++
			}
		}
		if accepted > 1 {
			t.Errorf("%q answers %d words", reply, accepted)
		}
	})
}
