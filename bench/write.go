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
	n := 10_000
	if r.quick {
		n = 1000
	}
	source, err := sourceOf(n)
	if err != nil {
		return err
	}
	defer os.RemoveAll(source)
	memory, err := mountMemory(noTree)
	if err != nil {
		return err
	}
	defer memory.unmount()
	pairs := side{"create and set", func() (time.Duration, error) { return inSequence(c, n, create, set) }}
	creates := side{"create", func() (time.Duration, error) { return inSequence(c, n, create) }}
	for _, w := range []struct {
		name, command string
		peer          side
	}{
		{"tar x", "tar xf " + source + "/tree.tar", pairs},
		{"cp -r", "cp -r " + source + "/tree .", pairs},
		{"echo >", loop(n), creates},
	} {
		name := fmt.Sprintf("write %d files: %s", n, w.name)
		if err := r.compare(name, w.peer, side{"mount", emptied(m, w.command)}); err != nil {
			return err
		}
		// What of it is the kernel's and the library's.
		if err := r.compare(name+", in memory", w.peer, side{"memory", emptied(memory, w.command)}); err != nil {
			return err
		}
	}
	if err := writesAsMount(r, s, n, pairs, creates); err != nil {
		return err
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

// emptied runs a command in a place, and empties that, which is not counted.
func emptied(p place, command string) func() (time.Duration, error) {
	return func() (time.Duration, error) {
		took, err := run(p.path(), command)
		if err == nil {
			_, err = run(p.path(), "rm -rf *")
		}
		return took, err
	}
}

// sourceOf returns a folder in memory with a tree of n files, and the same as an archive.
func sourceOf(n int) (string, error) {
	dir, err := os.MkdirTemp("/dev/shm", "zkfs-bench-")
	if err != nil {
		return "", err
	}
	if err = smallFiles(filepath.Join(dir, "tree"), n); err == nil {
		_, err = run(dir, "tar cf tree.tar tree")
	}
	if err != nil {
		os.RemoveAll(dir)
	}
	return dir, err
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

// writesAsMount compares what a mount asks the servers for each file, and hears of it, with what the peers of a mount ask.
func writesAsMount(r *report, s *server, n int, pairs, creates side) error {
	c, err := dialOurs(s.addr)
	if err != nil {
		return err
	}
	defer c.Close()
	w, err := c.AddWatch("/", zk.AddWatchPersistentRecursive)
	if err != nil {
		return err
	}
	w.Mute()
	err = r.compare(fmt.Sprintf("write %d: requests for cp and tar", n), pairs, side{"multi and set, watched", func() (time.Duration, error) {
		return inSequence(c, n, createEmpty, set)
	}})
	if err != nil {
		return err
	}
	return r.compare(fmt.Sprintf("write %d: requests for echo", n), creates, side{"create, watched", func() (time.Duration, error) {
		return inSequence(c, n, create)
	}})
}

func create(c *zk.Conn, path string) error {
	_, err := c.Create(path, make([]byte, dataSize), 0, openACL)
	return err
}

func set(c *zk.Conn, path string) error {
	_, err := c.Set(path, make([]byte, dataSize), -1)
	return err
}

// createEmpty is what a mount does when a program creates a file with O_EXCL.
func createEmpty(c *zk.Conn, path string) error {
	_, err := c.Multi(&zk.CreateRequest{Path: path, Acl: openACL}, &zk.SetDataRequest{Path: path, Version: 0})
	return err
}

// inSequence makes n znodes, one after another, each by these requests in turn, and returns how long that took.
func inSequence(c *zk.Conn, n int, requests ...func(c *zk.Conn, path string) error) (time.Duration, error) {
	const root = "/sequence"
	if _, err := c.Create(root, nil, 0, openACL); err != nil {
		return 0, err
	}
	took, err := timed(func() error {
		for i := range n {
			for _, request := range requests {
				if err := request(c, fmt.Sprintf("%s/f%05d", root, i)); err != nil {
					return err
				}
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
