package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"regexp"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// A watch goes on after a lost connection, and after the end of its session, and says that changes may be missing.
func TestWatchGoesOn(t *testing.T) {
	server := zktest.NewServer()
	defer server.Close()
	lines, stop := startWatch(t, "watch", "-r", server.Addr()+"/a")
	defer stop()
	other, _, err := zk.Connect([]string{server.Addr()}, time.Minute, zk.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	change := func(path string) {
		t.Helper()
		if _, err := other.Create(path, nil, 0, zk.WorldACL(zk.PermAll)); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(pattern string) {
		t.Helper()
		if line := <-lines; !regexp.MustCompile(pattern).MatchString(line) {
			t.Errorf("printed %q, want %s", line, pattern)
		}
	}
	expect(`^zkfs: watching /a on 127`)
	change("/a")
	expect(` created  /a$`)
	server.Disconnect()
	expect(` lost     /a \(`)
	change("/a/b")
	expect(` created  /a/b$`)
	for _, id := range server.Sessions() {
		if id != other.SessionID() {
			server.ExpireSession(id)
		}
	}
	expect(` lost     /a \(`)
	change("/a/c")
	expect(` created  /a/c$`)
}

// startWatch runs a command until stop is called, and returns the lines that it prints.
func startWatch(t *testing.T, args ...string) (lines <-chan string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), hangAfter)
	r, w := io.Pipe()
	ended := make(chan int, 1)
	go func() { // ends with ctx
		ended <- run(ctx, args, stdio{nil, w, w})
		w.Close()
	}()
	printed := make(chan string)
	go func() { // ends with the command
		defer close(printed)
		for s := bufio.NewScanner(r); s.Scan(); {
			printed <- s.Text()
		}
	}()
	return printed, func() {
		cancel()
		for line := range printed {
			t.Errorf("printed at the end: %s", line)
		}
		if code := <-ended; code != exitOK {
			t.Errorf("exit code %d", code)
		}
	}
}
