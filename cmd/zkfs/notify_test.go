package main

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk/zktest"
)

// A service of Type=notify is ready when its mount is, feeds the watchdog until it stops, and says
// when it does.
func TestMountTellsServiceManager(t *testing.T) {
	server := zktest.NewServer()
	defer server.Close()
	name := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	t.Setenv(notifyVariable, name)
	t.Setenv("WATCHDOG_USEC", "2000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	dir := t.TempDir()
	ctx, stop := context.WithTimeout(t.Context(), hangAfter)
	defer stop()
	ended := make(chan int, 1)
	go func() { // ends with ctx
		ended <- run(ctx, []string{"mount", "-f", "--log-level=error", server.Addr(), dir}, stdio{nil, io.Discard, io.Discard})
	}()
	manager.SetReadDeadline(time.Now().Add(hangAfter))
	text := make([]byte, 1024)
	n, err := manager.Read(text)
	if !strings.HasPrefix(string(text[:n]), "READY=1\n") || err != nil {
		t.Errorf("told %q, %v", text[:n], err)
	}
	if found, err := mountAt(dir); !found.isOurs() {
		t.Errorf("ready, but not mounted: %+v, %v", found, err)
	}
	for range 2 {
		if n, err := manager.Read(text); string(text[:n]) != "WATCHDOG=1" || err != nil {
			t.Errorf("told %q, %v, while it is mounted", text[:n], err)
		}
	}
	stop()
	for told := true; told; told = err == nil && string(text[:n]) == "WATCHDOG=1" {
		n, err = manager.Read(text)
	}
	if string(text[:n]) != "STOPPING=1" || err != nil {
		t.Errorf("told %q, %v, at the end", text[:n], err)
	}
	if code := <-ended; code != exitOK {
		t.Errorf("exit code %d", code)
	}
}
