package main

import (
	"fmt"
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
	for _, w := range []struct{ what, dir string }{{"a file that stays", "d050"}, {"a file that changes", "d001"}} {
		measure := func() (time.Duration, error) { return statTimes(m.dir, w.dir) }
		err := r.compare("99 % of stat of "+w.what, side{"idle mount", measure}, side{"storm", func() (time.Duration, error) {
			end := makeStorm(c)
			defer end()
			return measure()
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

// statTimes calls stat on the files of a directory for a while and returns the time that 99 % of the calls keep below.
func statTimes(root, dir string) (time.Duration, error) {
	var took []time.Duration
	var st syscall.Stat_t
	for i := range 50_000 {
		path := filepath.Join(root, dir, fmt.Sprintf("f%05d", i%100))
		start := time.Now()
		if err := syscall.Stat(path, &st); err != nil {
			return 0, err
		}
		took = append(took, time.Since(start))
	}
	return nth(took, 0.99), nil
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
					c.Set(fmt.Sprintf("%s/d%03d/f%05d", treePath, i/100%10, i%100), value(i), -1)
				}
			}
		})
	}
	time.Sleep(200 * time.Millisecond) // until it blows
	return func() { close(stop); all.Wait() }
}
