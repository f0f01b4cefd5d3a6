package main

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"

	"github.com/zkfs/zkfs/fs"
	"github.com/zkfs/zkfs/zk"
)

// collector reads the numbers of a session and of its mount at each scrape. No label names a path.
type collector struct {
	conn  *zk.Conn
	mount *fs.FS

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

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("zkfs_"+name, help, labels, nil)
}

var (
	descState      = describe("session_state", "1 for the state that the session is in.", "state")
	descConnected  = describe("session_connected", "1 while a server serves the session.")
	descReconnects = describe("session_reconnects_total", "How often a server took the session, or a new one, after the first time.")
	descExpiries   = describe("session_expiries_total", "Sessions that were lost, with their ephemerals and locks.")
	descQuestions  = describe("questions_total", "Questions about znodes, by who answered: the memory of the mount or the servers. What the kernel remembers it does not ask.", "answered_by")
	descZnodes     = describe("cache_znodes", "Znodes in the memory of the mount.")
	descBytes      = describe("cache_bytes", "Bytes that they take, roughly.")
	descWatches    = describe("watches", "One-shot watches that stand. The watch of the whole tree is not among them.")
	descEvents     = describe("watch_events_total", "Events of watches.")
	descLocks      = describe("locks_held", "Locks that programs hold on the mount.")
	descLeaving    = describe("locks_leaving", "Locks that programs have given back and the servers have not confirmed.")
	descLost       = describe("failed_commits_total", "Writes that were lost after their files had been closed.")
	descOps        = describe("fuse_operations_total", "What the kernel asked of the mount.", "op")
	descErrors     = describe("fuse_errors_total", "What was answered with an error, by its name.", "op", "errno")
)

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descState, descConnected, descReconnects, descExpiries, descQuestions, descZnodes, descBytes,
		descWatches, descEvents, descLocks, descLeaving, descLost, descOps, descErrors} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	count := func(d *prometheus.Desc, n int64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	gauge := func(d *prometheus.Desc, n int, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	state := c.conn.State()
	gauge(descState, 1, state.String())
	gauge(descConnected, map[zk.State]int{zk.StateHasSession: 1, zk.StateConnectedReadOnly: 1}[state])
	count(descReconnects, c.reconnects.Load())
	count(descExpiries, c.expiries.Load())

	s := c.mount.Stats()
	count(descQuestions, s.FromMemory, "memory")
	count(descQuestions, s.FromServers, "servers")
	gauge(descZnodes, s.CachedZnodes)
	gauge(descBytes, s.CachedBytes)
	gauge(descWatches, s.Watches)
	count(descEvents, s.Events)
	gauge(descLocks, s.Locks)
	gauge(descLeaving, s.LocksLeaving)
	count(descLost, int64(s.FailedCommits))
	for op, n := range s.Operations {
		count(descOps, n.Count, op)
		for errno, failed := range n.Errors {
			count(descErrors, failed, op, unix.ErrnoName(errno))
		}
	}
}
