package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// watchCount is how many watches a client sets, and sets again after a reconnect.
const watchCount = 100_000

// watchCallers is how many set them at once.
const watchCallers = 1024

// watchPath is where nothing is; the server's watches of the kind of exists are the same.
func watchPath(i int) string { return fmt.Sprintf("/watched/%06d/%020d", i%1000, i) }

// manyWatches compares setting watches with writing as many prepared requests into a socket, and the time from a lost connection until
// all are set again with that for writing as many prepared setWatches.
func manyWatches(r *report, addr string) error {
	err := r.compare(fmt.Sprintf("set %d watches, %d at once", watchCount, watchCallers), side{"raw socket", func() (time.Duration, error) {
		return setRaw(addr)
	}}, side{"zk", func() (time.Duration, error) {
		c, err := dialOurs(addr)
		if err != nil {
			return 0, err
		}
		defer c.Close()
		return timed(func() error { return setWatches(c) })
	}})
	if err != nil {
		return err
	}
	name := fmt.Sprintf("set %d watches again", watchCount)
	if !r.only.MatchString(name) {
		return nil
	}
	var conns cutter
	c, err := dialOurs(addr, zk.WithDialer(conns.dial))
	if err != nil {
		return err
	}
	defer c.Close()
	if err := setWatches(c); err != nil {
		return err
	}
	raw, err := dialRawWatches(addr)
	if err != nil {
		return err
	}
	defer raw.conn.close()
	return r.compare(name, side{"raw socket", func() (time.Duration, error) {
		return timed(raw.reconnect)
	}}, side{"zk", func() (time.Duration, error) {
		time.Sleep(time.Second) // a connection that is lost at once would not be made again at once
		return timed(func() error {
			conns.cut()
			return reconnected(c)
		})
	}})
}

func setWatches(c *zk.Conn) error {
	errs := make(chan error, watchCallers)
	var all sync.WaitGroup
	for g := range watchCallers {
		all.Go(func() {
			for i := g; i < watchCount; i += watchCallers {
				if _, _, _, err := c.ExistsW(watchPath(i)); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	all.Wait()
	close(errs)
	return <-errs
}

// perWrite is how many of watchCallers requests a raw socket writes at a time.
const perWrite = watchCallers / 4

func setRaw(addr string) (time.Duration, error) {
	c, err := dialRaw(addr)
	if err != nil {
		return 0, err
	}
	defer c.close()
	var writes [][]byte
	for from := 0; from < watchCount; from += perWrite {
		var requests []byte
		for i := from; i < min(from+perWrite, watchCount); i++ {
			requests = appendRequest(requests, int32(i+1), opExists, append(appendString(nil, watchPath(i)), 1))
		}
		writes = append(writes, requests)
	}
	return timed(func() error { return c.pipeline(writes, perWrite, watchCount) })
}

// rawWatches is a session with watches that are set again by requests made beforehand.
type rawWatches struct {
	addr     string
	conn     *rawConn
	requests []byte
	n        int
}

func dialRawWatches(addr string) (*rawWatches, error) {
	const perRequest = 3000 // about 128 KiB, as the client does it
	w := &rawWatches{addr: addr}
	for from := 0; from < watchCount; from += perRequest {
		paths := min(perRequest, watchCount-from)
		record := make([]byte, 8+4) // zxid, no data watches
		record = binary.BigEndian.AppendUint32(record, uint32(paths))
		for i := range paths {
			record = appendString(record, watchPath(from+i))
		}
		w.requests = appendRequest(w.requests, xidSetWatches, opSetWatches, append(record, 0, 0, 0, 0))
		w.n++
	}
	var err error
	if w.conn, err = dialRaw(addr); err != nil {
		return nil, err
	}
	return w, w.conn.stream(w.requests, w.n)
}

func (w *rawWatches) reconnect() error {
	w.conn.Close()
	var err error
	if w.conn, err = resumeRaw(w.addr, w.conn.session); err != nil {
		return err
	}
	return w.conn.stream(w.requests, w.n)
}

// reconnected returns when a call succeeds: the watches are set before any.
func reconnected(c *zk.Conn) error {
	for {
		switch _, _, err := c.Exists("/"); {
		case err == nil:
			return nil
		case !errors.Is(err, zk.ErrConnectionClosed):
			return err
		}
	}
}

// cutter dials connections that it can end.
type cutter struct {
	mu   sync.Mutex // guards last
	last net.Conn
}

func (d *cutter) dial(network, address string, timeout time.Duration) (net.Conn, error) {
	conn, err := net.DialTimeout(network, address, timeout)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = conn
	return conn, err
}

func (d *cutter) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last.Close()
}

// eventLatency compares the time from the moment at which another client sends a set until the event is in the channel of a Watcher,
// and until it is read from a socket.
func eventLatency(r *report, addr string) error {
	setter, err := dialRaw(addr)
	if err != nil {
		return err
	}
	defer setter.close()
	socket, err := dialRaw(addr)
	if err != nil {
		return err
	}
	defer socket.close()
	persistent := append(appendString(nil, leafOf(0)), 0, 0, 0, 0)
	if err := socket.call(1, opAddWatch, persistent); err != nil {
		return err
	}
	c, err := dialOurs(addr)
	if err != nil {
		return err
	}
	defer c.Close()
	w, err := c.AddWatch(leafOf(1), zk.AddWatchPersistent)
	if err != nil {
		return err
	}
	channel := side{"channel", func() (time.Duration, error) {
		return setter.untilEvent(leafOf(1), func() error {
			if e := <-w.Events(); e.Type != zk.EventNodeDataChanged {
				return fmt.Errorf("event %v", e)
			}
			return nil
		})
	}}
	err = r.compare("from a set to its event", side{"raw socket", func() (time.Duration, error) {
		return setter.untilEvent(leafOf(0), func() error { return socket.await(xidEvent) })
	}}, channel)
	if err != nil {
		return err
	}
	events := make(chan error)
	go func() { // ends with the socket
		for {
			events <- socket.await(xidEvent)
		}
	}()
	return r.compare("the same, read by another goroutine", side{"raw socket, then a channel", func() (time.Duration, error) {
		return setter.untilEvent(leafOf(0), func() error { return <-events })
	}}, channel)
}

// untilEvent returns the median time from a set of path until event returns.
func (c *rawConn) untilEvent(path string, event func() error) (time.Duration, error) {
	const n = 1000
	record := appendString(appendString(nil, path), "0123456789")
	request := appendRequest(nil, 2, opSetData, append(record, 0xff, 0xff, 0xff, 0xff))
	took := make([]time.Duration, n)
	for i := range took {
		start := time.Now()
		if _, err := c.Write(request); err != nil {
			return 0, err
		}
		if err := event(); err != nil {
			return 0, err
		}
		took[i] = time.Since(start)
		if err := c.await(2); err != nil {
			return 0, err
		}
	}
	slices.Sort(took)
	return took[n/2], nil
}
