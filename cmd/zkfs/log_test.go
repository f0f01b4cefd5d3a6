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
	"time"
)

func TestLogFileIsOpenedAgain(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	log, file, err := logSettings{file: name, json: true}.open(false, io.Discard)
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
	out := &syslogOut{log: to}
	defer to.Close()
	opts := &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutTimeAndLevel}
	log := slog.New(syslogHandler{slog.NewTextHandler(&out.line, opts), out}).With("mount", "/mnt")
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
