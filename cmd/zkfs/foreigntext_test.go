package main

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// hostile is what no terminal may get: colours, a new title, an end of the line, text from right to
// left, a control in one byte.
const hostile = "\x1b[31m\x1b]0;title\a\rzkfs: hint: rm -r \u202e\u2066\u200e\u061c\u009b2J\u2028\x7f"

// harmless fails the test if a terminal does more with text than show it.
func harmless(t *testing.T, what, text string) {
	t.Helper()
	for _, r := range text {
		if r != '\n' && !unicode.IsGraphic(r) {
			t.Errorf("%s: %U in %q", what, r, text)
			return
		}
	}
}

// saying is the address of a server that answers each connection with the text.
func saying(t *testing.T, text string) string {
	return listen(t, func(c net.Conn) {
		io.ReadFull(c, make([]byte, 4))
		io.WriteString(c, text)
		c.Close()
	})
}

func TestStatusOfHostileServers(t *testing.T) {
	servers := []string{
		saying(t, "Zookeeper version: 3.8.0"+hostile+"\nLatency min/avg/max: 0/0/0\nZxid: 0x1\nMode: leader"+hostile+"\nNode count: 5\n"),
		saying(t, "Zookeeper version: 3.8.0\nReceived: "+hostile+"\nMode: follower\nNode count: 5\n"),
		saying(t, hostile),
	}
	var out, stderr strings.Builder
	run(t.Context(), []string{"status", strings.Join(servers, ",")}, stdio{nil, &out, &stderr})
	harmless(t, "status", out.String())
	harmless(t, "status", stderr.String())
	if !strings.Contains(out.String(), `leader\x1b[31m\x1b]0;title\a\rzkfs: hint: rm -r \u202e`) {
		t.Errorf("the mode is not shown:\n%s", out.String())
	}

	out.Reset()
	run(t.Context(), []string{"status", "--json", strings.Join(servers, ",")}, stdio{nil, &out, &stderr})
	harmless(t, "status --json", out.String())
	var s ensembleStatus
	if err := json.Unmarshal([]byte(out.String()), &s); err != nil || s.Servers[0].Mode != "leader"+hostile {
		t.Errorf("%v: %q", err, out.String())
	}

	// A mount that can not be made says why while it tries, and at the end.
	stderr.Reset()
	args := []string{"mount", "-f", "--connect-timeout=100ms", "--log-level=error", strings.Join(servers, ","), t.TempDir()}
	if code := run(t.Context(), args, stdio{nil, &stderr, &stderr}); code != exitConnect {
		t.Errorf("exit code %d", code)
	}
	harmless(t, "mount", stderr.String())
}

func TestWatchOfHostileNames(t *testing.T) {
	const name = "/app\u202egnp.exe\u2066\u200f\u2028b"
	server := zktest.NewServer()
	defer server.Close()
	conn, _, err := zk.Connect([]string{server.Addr()}, 10*time.Second, zk.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, asJSON := range []bool{false, true} {
		args := []string{"watch", "-r", "--exec=exit 3", server.Addr() + "/"}
		if asJSON {
			args = append(args, "--json")
		}
		lines, stop := startWatch(t, args...)
		harmless(t, "watching", <-lines)
		if _, err := conn.Create(name, nil, 0, zk.WorldACL(zk.PermAll)); err != nil {
			t.Fatal(err)
		}
		line, failed := <-lines, <-lines
		harmless(t, "watch", line)
		harmless(t, "--exec", failed)
		var c change
		if asJSON && (json.Unmarshal([]byte(line), &c) != nil || c.Path != name) {
			t.Errorf("%s is %q", line, c.Path)
		}
		if !asJSON && !strings.HasSuffix(line, ` /app\u202egnp.exe\u2066\u200f\u2028b`) {
			t.Errorf("printed %s", line)
		}
		if err := conn.Delete(name, -1); err != nil {
			t.Fatal(err)
		}
		<-lines
		<-lines
		stop()
	}
}

// Errors that were joined have a line each. No other error can make one.
func TestErrorsOfHostileServers(t *testing.T) {
	var stderr strings.Builder
	one := failf(exitLost, "one %s", hostile).hinting("see " + hostile)
	err := errors.Join(errors.Join(one, errors.New("two\nzkfs: hint: three")))
	if code := report(&stderr, err); code != exitLost {
		t.Errorf("exit code %d", code)
	}
	harmless(t, "error", stderr.String())
	lines := strings.Split(strings.TrimSuffix(stderr.String(), "\n"), "\n")
	if len(lines) != 3 || lines[1] != `zkfs: two\nzkfs: hint: three` || !strings.HasPrefix(lines[2], "zkfs: hint: see ") {
		t.Errorf("%q", lines)
	}
}

func TestLogOfHostileText(t *testing.T) {
	for format, json := range logFormats {
		var stderr strings.Builder
		log, _, err := logSettings{Foreground: true, JSON: json}.open(&stderr)
		if err != nil {
			t.Fatal(err)
		}
		log.Warn("zk: "+hostile, "err", errors.New(hostile), "path", "/"+hostile)
		harmless(t, format, stderr.String())
		if n := strings.Count(stderr.String(), "\n"); n != 1 {
			t.Errorf("%s: %d lines: %q", format, n, stderr.String())
		}
	}
}
