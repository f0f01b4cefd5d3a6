package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// storm compares stat in a mount where nothing happens with stat while others change files that it has cached, as fast as the server lets them.
func storm(r *report, s *server, zkfs string) error {
	m, err := mount(zkfs, s.addr+treePath)
	if err != nil {
		return err
	}
	defer m.unmount()
	if err := warmed(m); err != nil {
		return err
	}
	c, err := dialOurs(s.addr)
	if err != nil {
		return err
	}
	defer c.Close()
	shm, err := tmpfs(filepath.Join(m.dir, "d050"))
	if err != nil {
		return err
	}
	defer shm.unmount()
	idle := func(dir string) func() (time.Duration, error) {
		return func() (time.Duration, error) { return statTimes(dir) }
	}
	stormy := func(dir string) func() (time.Duration, error) {
		return func() (time.Duration, error) {
			end := makeStorm(c)
			defer end()
			return statTimes(dir)
		}
	}
	stays, changes := filepath.Join(m.dir, "d050"), filepath.Join(m.dir, "d001")
	for _, row := range []struct {
		what       string
		peer, ours side
	}{
		{"a file that stays", side{"idle mount", idle(stays)}, side{"storm", stormy(stays)}},
		{"a file that changes", side{"idle mount", idle(changes)}, side{"storm", stormy(changes)}},
		// The processors are busy with the storm whatever is read.
		{"a file, both in a storm", side{"tmpfs", stormy(shm.path())}, side{"mount", stormy(stays)}},
	} {
		if err := r.compare("99 % of stat of "+row.what, row.peer, row.ours); err != nil {
			return err
		}
	}
	return nil
}

// statTimes returns the time that 99 % of the calls of stat keep below, in a process that does nothing else.
func statTimes(dir string) (time.Duration, error) {
	exe, err := os.Executable()
	if err != nil {
		return 0, err
	}
	out, err := exec.Command(exe, "-stat", dir).Output()
	if err != nil {
		return 0, err
	}
	var ns int64
	_, err = fmt.Sscan(string(out), &ns)
	return time.Duration(ns), err
}

// stats calls stat on the files of a directory for a while and prints the time that 99 % of the calls keep below, in nanoseconds.
func stats(dir string) error {
	var took []time.Duration
	var st syscall.Stat_t
	for i := range 200_000 {
		path := filepath.Join(dir, fmt.Sprintf("f%05d", i%100))
		start := time.Now()
		if err := syscall.Stat(path, &st); err != nil {
			return err
		}
		took = append(took, time.Since(start))
	}
	_, err := fmt.Println(int64(nth(took, 0.99)))
	return err
}

// makeStorm changes 1000 files until end is called.
func makeStorm(c *zk.Conn) (end func()) {
	var all sync.WaitGroup
	stop := make(chan struct{})
	for k := range 16 {
		all.Go(func() { // ends with end
			for i := k; ; i += 16 {
				select {
				case <-stop:
					return
				default:
					c.Set(fmt.Sprintf("%s/d%03d/f%05d", treePath, i/100%10, i%100), value(uint64(i)), -1)
				}
			}
		})
	}
	time.Sleep(200 * time.Millisecond) // until it blows
	return func() { close(stop); all.Wait() }
}
