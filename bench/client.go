package main

import (
	"fmt"
	"sync"
	"syscall"
	"time"

	peer "github.com/go-zookeeper/zk"

	"github.com/zkfs/zkfs/zk"
)

type silence struct{}

func (silence) Printf(string, ...any) {}

// getter is what the comparisons need of a client.
type getter func(path string) error

func dialPeer(addr string, options ...func(*peer.Conn)) (*peer.Conn, error) {
	c, events, err := peer.Connect([]string{addr}, 10*time.Second, peer.WithLogger(silence{}), peer.WithLogInfo(false), func(c *peer.Conn) {
		for _, option := range options {
			option(c)
		}
	})
	if err == nil {
		go drain(events)
	}
	return c, err
}

func dialOurs(addr string, options ...zk.Option) (*zk.Conn, error) {
	options = append([]zk.Option{zk.WithLogger(silence{})}, options...)
	c, events, err := zk.Connect([]string{addr}, 10*time.Second, options...)
	if err == nil {
		go drain(events)
	}
	return c, err
}

// drain ends when the connection is closed.
func drain[E any](events <-chan E) {
	for range events {
	}
}

// clientAlone compares the clients at a server that costs nothing.
func clientAlone(r *report) error {
	addr, stop, err := startCanned()
	if err != nil {
		return err
	}
	defer stop()
	a, err := dialPeer(addr)
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := dialOurs(addr)
	if err != nil {
		return err
	}
	defer b.Close()
	const path = "/bench/n000001"
	if err := gets(r, "canned", a, b, path, []load{{1, 20000}, {16, 50000}, {256, 100000}, {1024, 100000}}); err != nil {
		return err
	}
	single, err := dialOurs(addr, zk.WithSingleReads())
	if err != nil {
		return err
	}
	defer single.Close()
	return gets(r, "canned, a request for each", a, single, path, []load{{256, 100000}})
}

// clientAndServer compares the clients at a real server.
func clientAndServer(r *report, s *server) error {
	a, err := dialPeer(s.addr)
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := dialOurs(s.addr)
	if err != nil {
		return err
	}
	defer b.Close()
	if err := gets(r, "server", a, b, leafOf(0), []load{{1, 5000}, {16, 20000}, {256, 40000}, {1024, 40000}}); err != nil {
		return err
	}
	return r.compare(fmt.Sprintf("walk %d znodes with their data", treeSize), side{"go-zookeeper, 64 at once", func() (time.Duration, error) {
		return timed(func() error { return walkPeer(a, treePath) })
	}}, side{"multiRead", func() (time.Duration, error) {
		return timed(func() error { return walkOurs(b, treePath) })
	}})
}

// leafOf returns the path of a leaf of the tree.
func leafOf(i int) string { return fmt.Sprintf("%s/d000/f%05d", treePath, i) }

// load is so many calls, by so many goroutines.
type load struct{ callers, calls int }

// gets compares Get, in time and in the processor time of this process.
func gets(r *report, where string, a *peer.Conn, b *zk.Conn, path string, loads []load) error {
	peerGet := func(path string) error { _, _, err := a.Get(path); return err }
	ourGet := func(path string) error { _, _, err := b.Get(path); return err }
	for _, l := range loads {
		callers, n := l.callers, l.calls
		name := fmt.Sprintf("%s: Get by %d", where, callers)
		err := r.compare(name, side{"go-zookeeper", func() (time.Duration, error) {
			return each(peerGet, path, callers, n)
		}}, side{"zk", func() (time.Duration, error) {
			return each(ourGet, path, callers, n)
		}})
		if err != nil {
			return err
		}
		err = r.compare(name+", CPU", side{"go-zookeeper", func() (time.Duration, error) {
			return cpu(peerGet, path, callers, n)
		}}, side{"zk", func() (time.Duration, error) {
			return cpu(ourGet, path, callers, n)
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

// each makes n calls by so many goroutines and returns the time for one.
func each(get getter, path string, callers, n int) (time.Duration, error) {
	errs := make(chan error, callers)
	var all sync.WaitGroup
	start := time.Now()
	for range callers {
		all.Go(func() {
			for range n / callers {
				if err := get(path); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	all.Wait()
	took := time.Since(start) / time.Duration(n/callers*callers)
	select {
	case err := <-errs:
		return 0, err
	default:
		return took, nil
	}
}

// cpu is each, but in processor time of this process.
func cpu(get getter, path string, callers, n int) (time.Duration, error) {
	before := processorTime()
	if _, err := each(get, path, callers, n); err != nil {
		return 0, err
	}
	return (processorTime() - before) / time.Duration(n), nil
}

func processorTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func timed(f func() error) (time.Duration, error) {
	start := time.Now()
	err := f()
	return time.Since(start), err
}
