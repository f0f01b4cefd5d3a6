package integration

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zkfs/zkfs/internal/proxy"
	"github.com/zkfs/zkfs/zk"
)

// The kernel lets a notification wait for the lock of a directory, and whoever holds that may wait for the daemon. No signal ends such a
// wait, so a daemon that is killed in it does not end by itself. Its companion sees to it that it does. One that is to end does anyway.
func TestEndInANotification(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, m *mounted){
		"SIGTERM": func(t *testing.T, m *mounted) {
			if err := m.daemon.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		},
		"SIGKILL": func(t *testing.T, m *mounted) {
			m.killed = true
			if err := m.daemon.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			if !m.wait(hang) {
				t.Error("the companion does not help")
			}
			exec.Command("umount", "-l", m.dir).Run() // fails if it was not in use any more
		},
		"SIGKILL, the companion too, umount -f": func(t *testing.T, m *mounted) {
			m.killBoth(t)
			command(t, "", m.daemon.Path, "umount", "-f", m.dir)
		},
		"SIGKILL, the companion too, umount": func(t *testing.T, m *mounted) {
			m.killBoth(t)
			command(t, "", m.daemon.Path, "umount", m.dir)
		},
		"SIGKILL, the companion too, --remount-dead": func(t *testing.T, m *mounted) {
			m.killBoth(t)
			command(t, "", m.daemon.Path, "mount", "--remount-dead", addr(shared.Servers[0]), m.dir)
			command(t, "", m.daemon.Path, "umount", m.dir)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, root := addr(shared.Servers[0]), newRoot(t)
			way := newProxy(t, server)
			m, other := mount(t, way.Addr()+root), connect(t, []string{server}, zk.WithChroot(root))
			m.sh(t, "mkdir d && ls d")
			way.Set(proxy.Fault{StallUp: true})
			mkdir := exec.Command("mkdir", m.dir+"/d/x")
			if err := mkdir.Start(); err != nil {
				t.Fatal(err)
			}
			made := make(chan error, 1)
			go func() { made <- mkdir.Wait() }() // ends with the mount
			eventually(t, func() error {
				where, err := os.ReadFile(fmt.Sprintf("/proc/%d/wchan", mkdir.Process.Pid))
				if err == nil && !askingFUSE.Match(where) {
					err = fmt.Errorf("mkdir is in %s", where)
				}
				return err
			})
			n := 0
			eventually(t, func() error {
				n++
				create(t, other, fmt.Sprintf("/d/%d", n), "", zk.FlagPersistent)
				if !hangs(m.daemon.Process.Pid) {
					return errors.New("no thread of the daemon is in such a wait")
				}
				return nil
			})
			end(t, m)
			if !m.wait(hang) {
				t.Error("the daemon has not ended")
			}
			if isMounted(m.dir) {
				t.Error("still mounted")
			}
			select {
			case err := <-made:
				if err == nil {
					t.Error("mkdir reports no error")
				}
			case <-time.After(hang):
				t.Error("mkdir has not ended")
			}
		})
	}
}

// killBoth kills the daemon, which does not end by itself, and its companion.
func (m *mounted) killBoth(t *testing.T) {
	t.Helper()
	m.killed = true
	companion := m.companion(t)
	if err := m.daemon.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(companion, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if m.wait(0) {
			t.Fatal("the daemon has ended by itself: this test shows nothing")
		}
		if !inState(m.daemon.Process.Pid, "DZX") {
			return errors.New("a thread of the daemon survives SIGKILL, and not in such a wait")
		}
		return nil
	})
}

// companion returns the process that waits for the end of the daemon.
func (m *mounted) companion(t *testing.T) (pid int) {
	t.Helper()
	eventually(t, func() error { // it is started when the mount is there
		all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, name := range all {
			text, _ := os.ReadFile(name) // fails if it has ended
			if strings.HasPrefix(string(text), fmt.Sprintf("zkfs\x00companion\x00%d\x00", m.daemon.Process.Pid)) {
				pid, _ = strconv.Atoi(filepath.Base(filepath.Dir(name)))
				return nil
			}
		}
		return errors.New("there is no companion")
	})
	return pid
}

// A companion does not end before the mount, nor does it outlive it, and it has no part in the connection to the kernel.
func TestCompanion(t *testing.T) {
	t.Parallel()
	m := mount(t, addr(shared.Servers[0])+newRoot(t))
	pid := m.companion(t)
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		if target, _ := os.Readlink(file); target == "/dev/fuse" {
			t.Errorf("%s is %s", file, target)
		}
	}
	eventually(t, func() error { // it has just been started
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		ignored := regexp.MustCompile(`(?m)^SigIgn:\s+(\w+)$`).FindSubmatch(status)
		if err != nil || ignored == nil {
			return fmt.Errorf("%v\n%s", err, status)
		}
		if set, err := strconv.ParseUint(string(ignored[1]), 16, 64); err != nil || set&(1<<(syscall.SIGQUIT-1)) == 0 {
			return fmt.Errorf("%v: SIGQUIT is not among the ignored %x", err, set)
		}
		return nil
	})
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM} {
		if err := syscall.Kill(pid, s); err != nil {
			t.Fatal(err)
		}
	}
	m.sh(t, "sleep 3; echo v > f && cat f") // for longer than a process may take to die
	if again := m.companion(t); again != pid {
		t.Errorf("companion %d has ended, and %d taken its place", pid, again)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if again := m.companion(t); again == pid {
			return errors.New("the companion that was killed is still there")
		} else {
			pid = again
		}
		return nil
	})
	m.unmount(t)
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the companion after the end of the mount: %v", err)
	}
}

// askingFUSE is where in the kernel a thread is that waits for the answer of a daemon; which function it is depends on what the compiler inlines.
var askingFUSE = regexp.MustCompile("request_wait_answer|fuse")

// hangs reports whether a thread of a process is in a wait that no signal ends.
func hangs(pid int) bool {
	stats, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, stat := range stats {
		text, _ := os.ReadFile(stat)
		if strings.Contains(string(text), ") D ") {
			return true
		}
	}
	return false
}

// A signal that comes when a mount is about to end, however late, does not make that a failure.
func TestSignalAtTheEnd(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	path, err := zkfs()
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		m := mount(t, addr(shared.Servers[0])+root)
		go func() { // ends with the daemon
			for m.daemon.Process.Signal(syscall.SIGTERM) == nil {
			}
		}()
		exec.Command(path, "umount", m.dir).Run() // fails if the signal has unmounted it
		if !m.wait(hang) {
			t.Fatal("zkfs mount does not end")
		}
		if !m.daemon.ProcessState.Success() {
			t.Errorf("zkfs mount: %s", m.daemon.ProcessState)
		}
	}
}
