package fs

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/zkfs/zkfs/internal/names"
	"github.com/zkfs/zkfs/internal/printable"
	"github.com/zkfs/zkfs/zk"
)

// newStatus makes the node of /.status, which lives as long as the mount.
func (f *FS) newStatus() *status {
	s := &status{o: &f.o, write: f.report}
	f.nodes.mu.Lock()
	defer f.nodes.mu.Unlock()
	f.root.NewPersistentInode(context.Background(), s, f.nodes.identity("/\x00"+names.Status))
	return s
}

// report writes what the mount knows by itself.
func (f *FS) report(b *bytes.Buffer) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(b, "%-16s %s\n", name, printable.Line(fmt.Sprintf(format, args...)))
	}
	n := f.ensemble.Numbers()
	lost, last := f.failures.list()
	line("source", "%s", f.o.FsName)
	line("servers", "%s", strings.Join(f.o.Servers, ","))
	state, server := f.ensemble.State(), ""
	if state == zk.StateHasSession || state == zk.StateConnectedReadOnly {
		server = f.ensemble.Server()
	}
	line("connected", "%s", server)
	line("state", "%v", state)
	line("session", "%#x", uint64(f.ensemble.SessionID()))
	line("timeout", "%v", f.ensemble.SessionTimeout())
	line("last zxid", "%#x", uint64(f.ensemble.LastZxid()))
	line("mounted since", "%s", f.start.Format(time.RFC3339))
	line("process", "%d", os.Getpid())
	line("version", "%s", f.o.Version)
	features := f.ensemble.Features()
	line("servers have", "%s", featureNames(features.With(zk.Supported)))
	line("servers lack", "%s", featureNames(features.With(zk.Lacking)))
	line("cache", "%d znodes, %d bytes", n.Znodes, n.Bytes)
	line("watch", "%v, %d one-shot, %d events", n.Watch, n.Watches, n.Events)
	line("inotify", "%s", f.inotifyLine())
	line("locks held", "%d", f.locks.count())
	leaving := f.locks.leavingLines()
	line("locks leaving", "%d", len(leaving))
	for _, text := range leaving {
		line("", "%s", text)
	}
	line("failed commits", "%d", lost)
	for _, failure := range last {
		line("", "%s %s: %v", failure.when.Format(time.RFC3339), failure.path, failure.err)
	}
}

// featureNames returns the names of features on one line.
func featureNames(features []zk.Feature) string {
	names := make([]string, len(features))
	for i, f := range features {
		names[i] = f.String()
	}
	return strings.Join(names, " ")
}
