package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// mounts compares what people do in a mount with the same in tmpfs, when everything is known, and with a client that walks the
// tree, when nothing is.
func mounts(r *report, s *server, zkfs string) error {
	m, err := mount(zkfs, s.addr+treePath)
	if err != nil {
		return err
	}
	defer m.unmount()
	shm, err := os.MkdirTemp("/dev/shm", "zkfs-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(shm)
	if err := os.CopyFS(shm, os.DirFS(m.dir)); err != nil {
		return err
	}
	for _, w := range warm {
		err := r.compare("warm: "+w.name, side{"tmpfs", func() (time.Duration, error) {
			return w.do(shm)
		}}, side{"mount", func() (time.Duration, error) {
			return w.do(m.dir)
		}})
		if err != nil {
			return err
		}
	}
	a, err := dialPeer(s.addr)
	if err != nil {
		return err
	}
	defer a.Close()
	for _, command := range []string{"find . -size +1c", "ls -lR", "grep -r nothing .", "tar cf - . | wc -c"} {
		err := r.compare("cold: "+command, side{"go-zookeeper walk", func() (time.Duration, error) {
			return timed(func() error { return walkPeer(a, treePath) })
		}}, side{"mount", func() (time.Duration, error) {
			return cold(zkfs, s.addr+treePath, command)
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
	do   func(dir string) (time.Duration, error)
}{
	{"stat", func(dir string) (time.Duration, error) {
		path, n := filepath.Join(dir, "d001", "f00001"), 20000
		took, err := timed(func() error {
			for range n {
				var st syscall.Stat_t
				if err := syscall.Stat(path, &st); err != nil {
					return err
				}
			}
			return nil
		})
		return took / time.Duration(n), err
	}},
	{"open, read, close", func(dir string) (time.Duration, error) {
		path, n := filepath.Join(dir, "d001", "f00001"), 2000
		took, err := timed(func() error {
			for range n {
				if _, err := os.ReadFile(path); err != nil {
					return err
				}
			}
			return nil
		})
		return took / time.Duration(n), err
	}},
	{"walk with stat", func(dir string) (time.Duration, error) {
		return timed(func() error {
			return filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
				if err == nil {
					_, err = d.Info()
				}
				return err
			})
		})
	}},
}

// cold runs a command in a fresh mount, which is not counted.
func cold(zkfs, source, command string) (time.Duration, error) {
	m, err := mount(zkfs, source)
	if err != nil {
		return 0, err
	}
	defer m.unmount()
	return timed(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, "sh", "-c", "cd "+m.dir+" && "+command+" > /dev/null")
		if err := cmd.Run(); err != nil && cmd.ProcessState.ExitCode() != 1 { // grep found nothing
			return fmt.Errorf("%s: %w", command, err)
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

func (m *mounted) unmount() {
	if out, err := exec.Command(m.zkfs, "umount", m.dir).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "bench: umount: %v: %s\n", err, out)
		return
	}
	os.Remove(m.dir)
}
