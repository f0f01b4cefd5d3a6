package main

import (
	"io"
	"log/slog"
	"log/syslog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk"
)

func TestLogFileIsOpenedAgain(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	log, file, err := logSettings{File: name, JSON: true}.open(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	stop := file.reopenOn(syscall.SIGHUP, log)
	defer stop()
	log.Info("first")
	log.Debug("not this")
	if err := os.Rename(name, name+".1"); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { _, err := os.Stat(name); return err == nil })
	waitFor(t, func() bool { log.Warn("second"); return read(t, name) != "" })
	if got := read(t, name+".1"); !strings.Contains(got, `"msg":"first"`) || strings.Contains(got, "not this") {
		t.Errorf("the old file has %q", got)
	}
	if got := read(t, name); !strings.Contains(got, `"level":"WARN","msg":"second"`) {
		t.Errorf("the other file has %q", got)
	}
}

func TestSyslog(t *testing.T) {
	daemon, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer daemon.Close()
	to, err := syslog.Dial("udp", daemon.LocalAddr().String(), syslog.LOG_DAEMON|syslog.LOG_INFO, "zkfs")
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	opts := &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: logSettings{}.withoutTimeAndLevel}
	log := slog.New(newSystemHandler(func(w io.Writer) slog.Handler {
		return slog.NewTextHandler(w, opts)
	}, toSyslog(to))).With("mount", "/mnt")
	// The priority is facility daemon (3) times 8 and the severity (RFC 3164).
	for _, tt := range []struct {
		level slog.Level
		want  string
	}{
		{slog.LevelError, "<27>"}, {slog.LevelWarn, "<28>"}, {slog.LevelInfo, "<30>"}, {slog.LevelDebug, "<31>"},
	} {
		log.Log(t.Context(), tt.level, "lost", "path", "/a")
		buf := make([]byte, 1000)
		daemon.SetReadDeadline(time.Now().Add(hangAfter))
		n, _, err := daemon.ReadFrom(buf)
		if err != nil {
			t.Fatal(err)
		}
		line := strings.TrimSpace(string(buf[:n]))
		if !strings.HasPrefix(line, tt.want) || !strings.Contains(line, "zkfs[") || !strings.HasSuffix(line, ": msg=lost mount=/mnt path=/a") {
			t.Errorf("%v: %q", tt.level, line)
		}
	}
}

// A program that reads JSON finds the level in it, whatever the log of the system adds.
func TestJSONOfTheSystemsLogHasLevels(t *testing.T) {
	var line string
	l := logSettings{JSON: true}
	log := slog.New(newSystemHandler(func(w io.Writer) slog.Handler {
		return slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: l.withoutTimeAndLevel})
	}, func(_ slog.Level, text string) error {
		line = text
		return nil
	}))
	log.Warn("lost")
	if line != `{"level":"WARN","msg":"lost"}` {
		t.Error(line)
	}
}

// What becomes of a session is told, with how long a connection was away.
func TestLogOfASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text strings.Builder
		opts := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}
		l := &sessionLog{log: slog.New(slog.NewTextHandler(&text, opts)), server: func() string { return "zk1:2181" }}
		l.hear(zk.Event{State: zk.StateDisconnected})
		time.Sleep(3 * time.Second)
		l.hear(zk.Event{State: zk.StateHasSession})
		l.hear(zk.Event{State: zk.StateDisconnected})
		time.Sleep(14 * time.Second)
		l.hear(zk.Event{State: zk.StateExpired})
		l.hear(zk.Event{State: zk.StateHasSession})
		l.hear(zk.Event{State: zk.StateDisconnected, Server: "zk2:2181", Err: zk.ErrAuthFailed})
		l.hear(zk.Event{State: zk.StateAuthFailed})
		l.hear(zk.Event{State: zk.StateDisconnected})
		l.stop()
		time.Sleep(time.Minute)
		const want = `level=INFO msg="connected again" after=3s server=zk1:2181
level=WARN msg="connection lost, and no server takes the session" for=10s
level=WARN msg="session expired: its ephemerals and locks are gone"
level=INFO msg="connected again" after=14s server=zk1:2181
level=ERROR msg="authentication refused" server=zk2:2181 err="zk: client authentication failed"
level=ERROR msg="authentication refused for good: no server takes the credentials"
`
		if text.String() != want {
			t.Errorf("the log is\n%swant\n%s", text.String(), want)
		}
	})
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// hangAfter is after how long a test takes what it waits for to hang.
const hangAfter = 2 * time.Minute

// waitFor returns when the condition holds, which others bring about.
func waitFor(t *testing.T, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(hangAfter)
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("waited in vain")
		}
	}
}
