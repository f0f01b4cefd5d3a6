package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
	"unsafe"

	"github.com/zkfs/zkfs/zk"
)

// How long a change by another client takes until it is seen: by a client that watches, and by a process that opens and reads a file
// in a loop.

// clientAndMount returns a client and a mount of the tree. end ends both.
func clientAndMount(s *server, zkfs string) (c *zk.Conn, m *mounted, end func(), err error) {
	if c, err = dialOurs(s.addr); err != nil {
		return nil, nil, nil, err
	}
	if m, err = mount(zkfs, s.addr+treePath); err != nil {
		c.Close()
		return nil, nil, nil, err
	}
	return c, m, func() { m.unmount(); c.Close() }, nil
}

// changesSeen compares the two: first with the event of a client that has the machine for itself, then, for the same changes as the
// reader, with the event of a client beside it, with which it shares the processors.
func changesSeen(r *report, s *server, zkfs string) error {
	c, m, end, err := clientAndMount(s, zkfs)
	if err != nil {
		return err
	}
	defer end()
	name := "d001/f00001"
	x := &changer{c, s.addr, treePath + "/" + name, filepath.Join(m.dir, name)}
	for _, q := range []struct {
		name string
		of   float64
		get  bool
	}{{"median", 0.5, false}, {"99 %", 0.99, false}, {"median, with a Get", 0.5, true}} {
		err := r.compare("a change is seen: "+q.name, side{"watch", func() (time.Duration, error) {
			events, _, err := x.run(q.get, false)
			return nth(events, q.of), err
		}}, side{"open and read", func() (time.Duration, error) {
			_, seen, err := x.run(q.get, true)
			return nth(seen, q.of), err
		}})
		if err != nil {
			return err
		}
		var seen []time.Duration
		err = r.compare("the same changes: "+q.name, side{"watch", func() (time.Duration, error) {
			events, at, err := x.run(q.get, true)
			seen = at
			return nth(events, q.of), err
		}}, side{"open and read", func() (time.Duration, error) { return nth(seen, q.of), nil }})
		if err != nil {
			return err
		}
	}
	return nil
}

// changer changes a file and waits until that is seen.
type changer struct {
	conn *zk.Conn
	addr string
	path string // of the znode
	file string // in the mount
}

// changes is how many changes are made in a run.
const changes = 300

// run returns the times from a Set to its event at a client with a persistent watch or, with get, until that client has
// the new value, which an event does not carry; and, with read, those until a process that does nothing else has read it from the mount.
func (x *changer) run(get, read bool) (events, seen []time.Duration, err error) {
	next := func(uint64) (time.Duration, error) { return 0, nil }
	if read {
		reader, err := x.follow()
		if err != nil {
			return nil, nil, err
		}
		defer reader.end()
		next = reader.next
	}
	watching, err := dialOurs(x.addr)
	if err != nil {
		return nil, nil, err
	}
	defer watching.Close()
	w, err := watching.AddWatch(x.path, zk.AddWatchPersistent)
	if err != nil {
		return nil, nil, err
	}
	came := make(chan time.Duration, 1)
	go func() { // ends with watching
		for range w.Events() {
			if get {
				watching.Get(x.path)
			}
			came <- monotonic()
		}
	}()
	for i := range uint64(changes) {
		start := monotonic()
		if _, err := x.conn.Set(x.path, value(i), -1); err != nil {
			return nil, nil, err
		}
		events = append(events, <-came-start)
		at, err := next(i)
		if err != nil {
			return nil, nil, err
		}
		seen = append(seen, at-start)
	}
	return events, seen, nil
}

// reader is a process that opens and reads a file in a loop.
type reader struct {
	cmd  *exec.Cmd
	seen *bufio.Scanner
}

// follow starts a reader and waits until it has seen the file.
func (x *changer) follow() (*reader, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if _, err := x.conn.Set(x.path, value(changes), -1); err != nil {
		return nil, err
	}
	cmd := exec.Command(exe, "-follow", x.file)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &reader{cmd, bufio.NewScanner(stdout)}
	if _, err := r.next(changes); err != nil {
		r.end()
		return nil, err
	}
	return r, nil
}

// next waits until the reader has seen a value, and returns when that was.
func (r *reader) next(want uint64) (time.Duration, error) {
	for r.seen.Scan() {
		var which uint64
		var at int64
		if _, err := fmt.Sscan(r.seen.Text(), &which, &at); err != nil {
			return 0, err
		}
		if which == want {
			return time.Duration(at), nil
		}
	}
	return 0, io.ErrUnexpectedEOF
}

func (r *reader) end() {
	r.cmd.Process.Kill()
	r.cmd.Wait()
}

// value is the content of a file with the number i.
func value(i uint64) []byte { return binary.BigEndian.AppendUint64(make([]byte, 0, dataSize), i) }

// follow opens and reads a file in a loop, and prints each number that it sees with the time, until nobody reads that.
func follow(path string) error {
	last := uint64(1 << 63)
	for {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		now := monotonic()
		if len(data) != 8 || binary.BigEndian.Uint64(data) == last {
			continue
		}
		last = binary.BigEndian.Uint64(data)
		if _, err := fmt.Println(last, int64(now)); err != nil {
			return nil
		}
	}
}

// monotonic returns the time of a clock that all processes share.
func monotonic() time.Duration {
	var ts syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&ts)), 0) // CLOCK_MONOTONIC
	return time.Duration(ts.Nano())
}

// nth returns a quantile.
func nth(took []time.Duration, quantile float64) time.Duration {
	if len(took) == 0 {
		return 0 // there was an error
	}
	slices.Sort(took)
	return took[int(float64(len(took)-1)*quantile)]
}
