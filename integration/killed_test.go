package integration

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zkfs/zkfs/internal/proxy"
	"github.com/zkfs/zkfs/zk"
)

// The kernel lets a notification wait for the lock of a directory, and whoever holds that may wait for the daemon. No signal ends such a
// wait, so a daemon that is killed in it does not end by itself. One that is to end does.
func TestEndInANotification(t *testing.T) {
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
			path, err := zkfs()
			if err != nil {
				t.Fatal(err)
			}
			command(t, "", path, "umount", "-f", m.dir)
		},
	} {
		t.Run(name, func(t *testing.T) {
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
			if !m.wait(15 * time.Second) {
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
			case <-time.After(10 * time.Second):
				t.Error("mkdir has not ended")
			}
		})
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
