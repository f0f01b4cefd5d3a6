package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// writes compares what creates many files with a client that does nothing else, one request at a time.
func writes(r *report, s *server, zkfs string) error {
	c, err := dialOurs(s.addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Create("/written", nil, 0, openACL); err != nil {
		return err
	}
	m, err := mount(zkfs, s.addr+"/written")
	if err != nil {
		return err
	}
	defer m.unmount()
	source, err := os.MkdirTemp("/dev/shm", "zkfs-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(source)
	n := 10_000
	if r.quick {
		n = 1000
	}
	if err := smallFiles(filepath.Join(source, "tree"), n); err != nil {
		return err
	}
	if _, err := run(source, "tar cf tree.tar tree"); err != nil {
		return err
	}
	memory, err := mountMemory(noTree)
	if err != nil {
		return err
	}
	defer memory.unmount()
	// command runs one in a place, and empties that.
	command := func(p place, command string) func() (time.Duration, error) {
		return func() (time.Duration, error) {
			took, err := run(p.path(), command)
			if err == nil {
				_, err = run(p.path(), "rm -rf *")
			}
			return took, err
		}
	}
	pairs := side{"create and set", func() (time.Duration, error) { return inSequence(c, n, true) }}
	creates := side{"create", func() (time.Duration, error) { return inSequence(c, n, false) }}
	for _, w := range []struct {
		name, command string
		peer          side
	}{
		{"tar x", "tar xf " + source + "/tree.tar", pairs},
		{"cp -r", "cp -r " + source + "/tree .", pairs},
		{"echo >", loop(n), creates},
	} {
		name := fmt.Sprintf("write %d files: %s", n, w.name)
		if err := r.compare(name, w.peer, side{"mount", command(m, w.command)}); err != nil {
			return err
		}
		// What of it is the kernel's and the library's.
		if err := r.compare(name+", in memory", w.peer, side{"memory", command(memory, w.command)}); err != nil {
			return err
		}
	}
	// What of it is the shell's.
	return r.compare(fmt.Sprintf("write %d files in tmpfs: echo >", n), creates, side{"tmpfs", func() (time.Duration, error) {
		dir, err := os.MkdirTemp("/dev/shm", "zkfs-bench-")
		if err != nil {
			return 0, err
		}
		defer os.RemoveAll(dir)
		return run(dir, loop(n))
	}})
}

// loop is a loop of a shell that writes n files.
func loop(n int) string {
	return fmt.Sprintf("i=0; while [ $i -lt %d ]; do echo %099d > f$i; i=$((i+1)); done", n, 0)
}

// smallFiles makes n files of 100 bytes, a hundred in each directory.
func smallFiles(dir string, n int) error {
	for i := range n {
		sub := filepath.Join(dir, fmt.Sprintf("d%03d", i/100))
		if i%100 == 0 {
			if err := os.MkdirAll(sub, 0o777); err != nil {
				return err
			}
		}
		if err := os.WriteFile(filepath.Join(sub, fmt.Sprintf("f%05d", i%100)), make([]byte, dataSize), 0o666); err != nil {
			return err
		}
	}
	return nil
}

// inSequence creates n znodes, one after another, and returns how long that took. With set, each gets its data by a request of its own.
func inSequence(c *zk.Conn, n int, set bool) (time.Duration, error) {
	const root = "/sequence"
	if _, err := c.Create(root, nil, 0, openACL); err != nil {
		return 0, err
	}
	data := make([]byte, dataSize)
	took, err := timed(func() error {
		for i := range n {
			path := fmt.Sprintf("%s/f%05d", root, i)
			if _, err := c.Create(path, data, 0, openACL); err != nil {
				return err
			}
			if !set {
				continue
			}
			if _, err := c.Set(path, data, -1); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	var ops []any
	for i := range n {
		ops = append(ops, &zk.DeleteRequest{Path: fmt.Sprintf("%s/f%05d", root, i), Version: -1})
	}
	for _, r := range c.Pipeline(append(ops, &zk.DeleteRequest{Path: root, Version: -1})...) {
		if r.Err != nil {
			return 0, r.Err
		}
	}
	return took, nil
}
