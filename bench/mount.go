package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// place is a directory that commands run in.
type place interface {
	path() string
	unmount()
}

// warmed is what has been read before: the kernel knows it.
func warmed(p place) error {
	_, err := run(p.path(), "ls -lR; grep -r nothing .")
	return err
}

// mountsWarm compares what people do in a mount that they have used before with the same in tmpfs and, where the kernel has to ask, with
// the tree in memory.
func mountsWarm(r *report, s *server, zkfs string) error {
	ours, err := mount(zkfs, s.addr+trees[0].path())
	if err != nil {
		return err
	}
	defer ours.unmount()
	memory, err := mountMemory(trees[0])
	if err != nil {
		return err
	}
	defer memory.unmount()
	shm, err := tmpfs(ours.path())
	if err != nil {
		return err
	}
	defer shm.unmount()
	for _, p := range []place{ours, memory} {
		if err := warmed(p); err != nil {
			return err
		}
	}
	for _, w := range warm {
		peer, name := place(shm), "tmpfs"
		if w.asks {
			peer, name = memory, "memory"
		}
		err := r.compare("warm: "+w.name, side{name, func() (time.Duration, error) {
			return w.do(peer.path())
		}}, side{"mount", func() (time.Duration, error) {
			return w.do(ours.path())
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

// warm is what is done in a directory that was read before. It returns the time for one operation.
var warm = []struct {
	name string
	asks bool // the kernel asks the file system
	do   func(dir string) (time.Duration, error)
}{
	{"stat", false, repeat(20000, "d001/f00001", func(path string) error {
		var st syscall.Stat_t
		return syscall.Stat(path, &st)
	})},
	{"stat of what is missing", false, repeat(20000, "d001/nosuch", func(path string) error {
		var st syscall.Stat_t
		if err := syscall.Stat(path, &st); !errors.Is(err, syscall.ENOENT) {
			return fmt.Errorf("stat %s: %v", path, err)
		}
		return nil
	})},
	{"access", false, repeat(20000, "d001/f00001", func(path string) error { return syscall.Access(path, 4) })},
	{"ls -l of 1000", false, commands(20, "ls -l d00[0-9]")},
	{"find", false, commands(3, "find . -size +1c")},
	{"open, read, close", true, repeat(3000, "d001/f00001", func(path string) error {
		_, err := os.ReadFile(path)
		return err
	})},
	{"the same find", true, commands(3, "find . -size +1c")},
	{"cat", false, commands(100, "cat d001/f00001")},
	{"grep -r", true, commands(1, "grep -r nothing .")},
}

// repeat returns a measurement of n calls on one file.
func repeat(n int, name string, call func(path string) error) func(dir string) (time.Duration, error) {
	return func(dir string) (time.Duration, error) {
		path := filepath.Join(dir, name)
		start := time.Now()
		for range n {
			if err := call(path); err != nil {
				return 0, err
			}
		}
		return time.Since(start) / time.Duration(n), nil
	}
}

// commands returns a measurement of n runs of a command.
func commands(n int, command string) func(dir string) (time.Duration, error) {
	return func(dir string) (time.Duration, error) {
		took, err := run(dir, fmt.Sprintf("i=0; while [ $i -lt %d ]; do %s; i=$((i+1)); done", n, command))
		return took / time.Duration(n), err
	}
}

// mountsCold compares commands in a mount that was just made with the same in a mount of the tree in memory, which was just made too, and
// with go-zookeeper that reads the tree one znode at a time.
func mountsCold(r *report, s *server, zkfs string) error {
	a, err := dialPeer(s.addr)
	if err != nil {
		return err
	}
	defer a.Close()
	for _, t := range trees {
		if t.name == "100k" && r.quick {
			continue
		}
		if err := s.fill(t); err != nil {
			return err
		}
		if err := s.warm(t); err != nil {
			return err
		}
		ours := func(command string) side {
			return side{"mount", func() (time.Duration, error) {
				return cold(command, func() (place, error) { return mount(zkfs, s.addr+t.path()) })
			}}
		}
		for _, command := range []string{"ls -lR", "find . -newer .", "du -a", "grep -r nothing .", "tar cf - . | wc -c", "cp -r . $OUT"} {
			err := r.compare("cold "+t.name+": "+command, side{"memory", func() (time.Duration, error) {
				return cold(command, func() (place, error) { return mountMemory(t) })
			}}, ours(command))
			if err != nil {
				return err
			}
		}
		if t.name == "100k" {
			continue // a minute a round
		}
		err := r.compare("cold "+t.name+": ls -lR", side{"go-zookeeper walk", func() (time.Duration, error) {
			return timed(func() error { return walkSequential(a, t.path()) })
		}}, ours("ls -lR"))
		if err != nil {
			return err
		}
	}
	return nil
}

// cold runs a command in a fresh mount, whose making is not counted.
func cold(command string, mount func() (place, error)) (time.Duration, error) {
	p, err := mount()
	if err != nil {
		return 0, err
	}
	defer p.unmount()
	out, err := os.MkdirTemp("/dev/shm", "zkfs-bench-out-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(out)
	return run(p.path(), "OUT="+out+"; "+command)
}

// run runs a command in dir and throws away what it prints.
func run(dir, command string) (time.Duration, error) {
	return timed(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		var complaints strings.Builder
		cmd := exec.CommandContext(ctx, "sh", "-c", `cd "$0" && { `+command+`; } > /dev/null`, dir)
		cmd.Stderr = &complaints
		err := cmd.Run()
		if err != nil && cmd.ProcessState.ExitCode() != 1 || complaints.Len() > 0 { // 1: grep found nothing
			return fmt.Errorf("%s: %v: %s", command, err, complaints.String())
		}
		return nil
	})
}

// mounted is a mount in a folder of its own.
type mounted struct{ zkfs, dir string }

func mount(zkfs, source string) (*mounted, error) {
	dir, err := os.MkdirTemp("", "zkfs-bench-")
	if err != nil {
		return nil, err
	}
	m := &mounted{zkfs, dir}
	if out, err := exec.Command(zkfs, "mount", source, dir).CombinedOutput(); err != nil {
		os.Remove(dir)
		return nil, fmt.Errorf("mount %s: %w: %s", source, err, out)
	}
	return m, nil
}

func (m *mounted) path() string { return m.dir }

func (m *mounted) unmount() {
	if out, err := exec.Command(m.zkfs, "umount", m.dir).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "bench: umount: %v: %s\n", err, out)
		return
	}
	os.Remove(m.dir)
}

// folder is a folder in tmpfs.
type folder string

// tmpfs copies a tree into memory.
func tmpfs(from string) (folder, error) {
	dir, err := os.MkdirTemp("/dev/shm", "zkfs-bench-")
	if err != nil {
		return "", err
	}
	return folder(dir), os.CopyFS(dir, os.DirFS(from))
}

func (f folder) path() string { return string(f) }

func (f folder) unmount() { os.RemoveAll(string(f)) }
