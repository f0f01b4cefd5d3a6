package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/zkfs/zkfs/fs"
	"github.com/zkfs/zkfs/zk"
)

// collector reads the numbers of a session and of its mount at each scrape. No label names a path.
type collector struct {
	conn  *zk.Conn
	stats func() fs.Stats

	reconnects, expiries atomic.Int64 // counted on the read loop
}

// watchSession begins to count what happens to the session, until the connection is closed.
func watchSession(conn *zk.Conn) *collector {
	c := &collector{conn: conn}
	conn.OnEvent(func(e zk.Event) {
		switch {
		case e.Type != zk.EventSession:
		case e.State == zk.StateHasSession:
			c.reconnects.Add(1)
		case e.State == zk.StateExpired:
			c.expiries.Add(1)
		}
	})
	return c
}

// A desc describes one metric.
type desc struct {
	name, kind, help string
	labels           []string
}

// descs are those of all metrics of zkfs.
var descs []*desc

// The kinds of metrics.
const (
	counter   = "counter"
	gauge     = "gauge"
	histogram = "histogram"
)

func describe(name, kind, help string, labels ...string) *desc {
	d := &desc{"zkfs_" + name, kind, help, labels}
	descs = append(descs, d)
	return d
}

func (d *desc) helpLine() string { return "# HELP " + d.name + " " + d.help + "\n" }

// writeHead writes what precedes the samples of a metric.
func (d *desc) writeHead(w io.Writer) {
	fmt.Fprintf(w, "%s# TYPE %s %s\n", d.helpLine(), d.name, d.kind)
}

// writeSample writes n with the values of the labels.
func (d *desc) writeSample(w io.Writer, n int64, values ...string) {
	io.WriteString(w, d.name)
	for i, value := range values {
		fmt.Fprintf(w, "%c%s=%q", "{,"[min(i, 1)], d.labels[i], value)
	}
	if len(values) > 0 {
		io.WriteString(w, "}")
	}
	fmt.Fprintf(w, " %d\n", n)
}

var (
	descState      = describe("session_state", gauge, "1 for the state that the session is in.", "state")
	descConnected  = describe("session_connected", gauge, "1 while a server serves the session.")
	descReconnects = describe("session_reconnects_total", counter, "How often a server took the session, or a new one, after the first time.")
	descExpiries   = describe("session_expiries_total", counter, "Sessions that were lost, with their ephemerals and locks.")
	descQuestions  = describe("questions_total", counter, "Questions about znodes, by what answered: the memory of the mount or the servers. The kernel does not ask what it remembers.", "answered_by")
	descZnodes     = describe("cache_znodes", gauge, "Znodes in the memory of the mount.")
	descBytes      = describe("cache_bytes", gauge, "Bytes that they take, roughly.")
	descWatches    = describe("watches", gauge, "One-shot watches that stand. The watch of the whole tree is not among them.")
	descEvents     = describe("watch_events_total", counter, "Events of watches.")
	descLocks      = describe("locks_held", gauge, "Locks that programs hold on the mount.")
	descLeaving    = describe("locks_leaving", gauge, "Locks that programs have given back and the servers have not confirmed.")
	descLost       = describe("failed_commits_total", counter, "Commits that failed for good: what was written is not in ZooKeeper.")
	descTold       = describe("inotify_events_total", counter,
		"Changes by other clients that programs which watch were told of, "+
			"and those of which they could not be.", "result")
	descInodes = describe("inotify_watched_inodes", gauge,
		"Files and directories that programs watch, as far as --inotify=auto sees them.")
	descOps    = describe("fuse_operations_total", counter, "What the kernel asked of the mount.", "op")
	descErrors = describe("fuse_errors_total", counter, "What was answered with an error, by its name.", "errno", "op")
)

// write writes the numbers in Prometheus' text format.
func (c *collector) write(w io.Writer) {
	one := func(d *desc, n int64) {
		d.writeHead(w)
		d.writeSample(w, n)
	}
	state := c.conn.State()
	descState.writeHead(w)
	descState.writeSample(w, 1, state.String())
	one(descConnected, map[zk.State]int64{zk.StateHasSession: 1, zk.StateConnectedReadOnly: 1}[state])
	one(descReconnects, c.reconnects.Load())
	one(descExpiries, c.expiries.Load())

	s := c.stats()
	descQuestions.writeHead(w)
	descQuestions.writeSample(w, s.FromMemory, "memory")
	descQuestions.writeSample(w, s.FromServers, "servers")
	one(descZnodes, int64(s.CachedZnodes))
	one(descBytes, int64(s.CachedBytes))
	one(descWatches, int64(s.Watches))
	one(descEvents, s.Events)
	one(descLocks, int64(s.Locks))
	one(descLeaving, int64(s.LocksLeaving))
	one(descLost, int64(s.FailedCommits))

	descTold.writeHead(w)
	descTold.writeSample(w, s.InotifyTold, "told")
	descTold.writeSample(w, s.InotifyFailed, "failed")
	one(descInodes, int64(s.InotifyWatched))

	ops := slices.Sorted(maps.Keys(s.Operations))
	descOps.writeHead(w)
	for _, op := range ops {
		descOps.writeSample(w, s.Operations[op].Count, op)
	}
	descErrors.writeHead(w)
	for _, op := range ops {
		failed := s.Operations[op].Errors
		for _, errno := range slices.Sorted(maps.Keys(failed)) {
			descErrors.writeSample(w, failed[errno], unix.ErrnoName(errno), op)
		}
	}
}
