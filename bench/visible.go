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

// changesSeen compares the two.
func changesSeen(r *report, s *server, zkfs string) error {
	c, err := dialOurs(s.addr)
	if err != nil {
		return err
	}
	defer c.Close()
	path := treePath + "/d001/f00001"
	m, err := mount(zkfs, s.addr+treePath)
	if err != nil {
		return err
	}
	defer m.unmount()
	for _, q := range []struct {
		name string
		of   float64
		get  bool
	}{{"median", 0.5, false}, {"99 %", 0.99, false}, {"median, with a Get", 0.5, true}} {
		err := r.compare("a change is seen: "+q.name, side{"watch", func() (time.Duration, error) {
			return seenByWatch(s, c, path, q.of, q.get)
		}}, side{"open and read", func() (time.Duration, error) {
			return seenByReader(m, c, path, "d001/f00001", q.of)
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

// changes is how many changes are made in a run.
const changes = 300

// seenByWatch returns the quantile of the times from a Set to its event at a client with a persistent watch, or, with get, until that
// client has the new value: an event carries none.
func seenByWatch(s *server, c *zk.Conn, path string, quantile float64, get bool) (time.Duration, error) {
	watching, err := dialOurs(s.addr)
	if err != nil {
		return 0, err
	}
	defer watching.Close()
	w, err := watching.AddWatch(path, zk.AddWatchPersistent)
	if err != nil {
		return 0, err
	}
	var took []time.Duration
	for i := range changes {
		start := time.Now()
		if _, err := c.Set(path, value(i), -1); err != nil {
			return 0, err
		}
		<-w.Events()
		if get {
			if _, _, err := watching.Get(path); err != nil {
				return 0, err
			}
		}
		took = append(took, time.Since(start))
	}
	return nth(took, quantile), nil
}

// seenByReader returns the quantile of the times from a Set until a process that does nothing else has read it.
func seenByReader(m *mounted, c *zk.Conn, path, name string, quantile float64) (time.Duration, error) {
	exe, err := os.Executable()
	if err != nil {
		return 0, err
	}
	if _, err := c.Set(path, value(changes), -1); err != nil {
		return 0, err
	}
	cmd := exec.Command(exe, "-follow", filepath.Join(m.dir, name))
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	seen := bufio.NewScanner(stdout)
	next := func(want int) (time.Duration, error) {
		for seen.Scan() {
			var which int
			var at int64
			if _, err := fmt.Sscan(seen.Text(), &which, &at); err != nil {
				return 0, err
			}
			if which == want {
				return time.Duration(at), nil
			}
		}
		return 0, io.ErrUnexpectedEOF
	}
	if _, err := next(changes); err != nil {
		return 0, err
	}
	var took []time.Duration
	for i := range changes {
		start := monotonic()
		if _, err := c.Set(path, value(i), -1); err != nil {
			return 0, err
		}
		at, err := next(i)
		if err != nil {
			return 0, err
		}
		took = append(took, at-start)
	}
	return nth(took, quantile), nil
}

// value is the content of a file with the number i.
func value(i int) []byte { return binary.BigEndian.AppendUint64(make([]byte, 0, dataSize), uint64(i)) }

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
	slices.Sort(took)
	return took[int(float64(len(took)-1)*quantile)]
}
