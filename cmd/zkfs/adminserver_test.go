package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/flw"
)

// What the AdminServer of a ZooKeeper 3.8.0 prints.
var adminReplies = map[string]string{
	"/commands/connections": `{
  "connections" : [ {
    "remote_socket_address" : "127.0.0.1:33204", "session_id" : 216174556466708482, "session_timeout" : 10000
  } ],
  "secure_connections" : [ ], "command" : "connections", "error" : null
}`,
	"/commands/dump": `{
  "expiry_time_to_session_ids" : { "27168000" : [ ], "27171500" : [ 216174556466708482 ] },
  "session_id_to_ephemeral_paths" : { "216174556466708482" : [ "/web/a" ] }, "command" : "dump", "error" : null
}`,
	"/commands/watches_by_path": `{
  "path_to_session_ids" : { "/e" : [ 144117286034505728 ] }, "command" : "watches_by_path", "error" : null
}`,
}

// refusing is the address of a server that refuses each word, and the port of its AdminServer.
func refusing(t *testing.T, admin http.HandlerFunc) (server, port string) {
	server = listen(t, func(c net.Conn) {
		word := make([]byte, 4)
		io.ReadFull(c, word)
		io.WriteString(c, string(word)+" is not executed because it is not in the whitelist.\n")
		c.Close()
	})
	s := httptest.NewServer(admin)
	t.Cleanup(s.Close)
	_, port, _ = net.SplitHostPort(s.Listener.Addr().String())
	return server, port
}

func TestAdminServerTellsWhatWordsDoNot(t *testing.T) {
	server, port := refusing(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, adminReplies[r.URL.Path])
	})
	s := census{words: &flw.Client{}, adminPort: port}
	s.ask(t.Context(), []string{server}, "cons", "dump", "wchp")
	all := s.sorted()
	if len(all) != 2 || len(s.gaps) > 0 {
		t.Fatalf("%d sessions, unknown: %v", len(all), s.gaps)
	}
	watcher, owner := *all[0], *all[1]
	if watcher.Session != "0x20001e878148000" || !slices.Equal(watcher.Watches, []string{"/e"}) {
		t.Errorf("watcher: %+v", watcher)
	}
	if owner.Session != "0x300019d1fad0002" || owner.Client != "127.0.0.1:33204" || owner.Server != server ||
		owner.TimeoutMS != 10000 || !slices.Equal(owner.Ephemerals, []string{"/web/a"}) {
		t.Errorf("owner: %+v", owner)
	}
}

// What is no answer of an AdminServer is a gap, with both reasons, and no terminal minds its text.
func TestAdminServerThatIsNone(t *testing.T) {
	for body, want := range map[string]string{
		"<html>":                           "answers what is not of an AdminServer",
		`{"error": "no ` + "\u202e" + `"}`: "answers no \u202e",
		`{"error": null}`:                  "its answer lacks what was asked for",
		"":                                 "answers 404 Not Found",
	} {
		server, port := refusing(t, func(w http.ResponseWriter, r *http.Request) {
			if body == "" {
				http.NotFound(w, r)
			}
			io.WriteString(w, body)
		})
		s := census{words: &flw.Client{}, adminPort: port}
		s.ask(t.Context(), []string{server}, "cons")
		if len(s.gaps) != 1 || !strings.Contains(s.gaps[0].Error, want) ||
			!strings.Contains(s.gaps[0].Error, "is not in the whitelist") {
			t.Errorf("%q: %v, want %q", body, s.gaps, want)
		}
		for _, command := range []string{"sessions", "sessions --json"} {
			var out, stderr strings.Builder
			args := append(strings.Fields(command), "--admin-port="+port, server)
			run(t.Context(), args, stdio{nil, &out, &stderr})
			harmless(t, command, out.String()+stderr.String())
		}
	}
}

// Text of servers and clients reaches no terminal as it is.
func TestSessionsOfHostileServers(t *testing.T) {
	server := listen(t, func(c net.Conn) {
		word := make([]byte, 4)
		io.ReadFull(c, word)
		switch string(word) {
		case "cons":
			io.WriteString(c, " /"+hostile+"[1](queued=0,recved=1,sent=1,sid=0x7,lop=PING,to=10000)\n")
		case "dump":
			io.WriteString(c, "Sessions with Ephemerals (1):\n0x7:\n\t/a"+hostile+"\n")
		case "wchp":
			io.WriteString(c, "/a"+hostile+"\n\t0x7\n")
		}
		c.Close()
	})
	for _, command := range []string{"sessions", "sessions --json"} {
		var out, stderr strings.Builder
		run(t.Context(), append(strings.Fields(command), server), stdio{nil, &out, &stderr})
		harmless(t, command, out.String()+stderr.String())
		if !strings.Contains(out.String(), `/a\`) || !strings.Contains(out.String(), "0x7") {
			t.Errorf("%s: %s%s", command, out.String(), stderr.String())
		}
	}
}
