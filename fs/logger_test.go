package fs

import (
	"log/slog"
	"strings"
	"testing"
)

// Lines of go-fuse go where those of the mount go, but for the requests that Debug prints.
func TestLinesOfGoFuse(t *testing.T) {
	var b strings.Builder
	f := &FS{log: slog.New(slog.NewTextHandler(&b, nil))}
	f.mountOptions().Logger.Println("trySplice:", "no pipe")
	if got := b.String(); !strings.Contains(got, "level=WARN msg=\"trySplice: no pipe\"") {
		t.Errorf("logged %q", got)
	}
	f.o.Debug = true
	if f.mountOptions().Logger != nil {
		t.Error("with Debug requests go to the log")
	}
}
