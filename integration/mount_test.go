package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/moby/sys/mountinfo"

	"github.com/zkfs/zkfs/zk"
)

// commands is the folder with the commands zkfs, below the folder for everything temporary.
func commands() string { return filepath.Join(os.TempDir(), "commands") }

// zkfs returns the path of the command, which is built when the first test needs it. It has the
// race detector if this test binary has it, and then ends with the first race that it finds.
var zkfs = sync.OnceValues(func() (string, error) {
	if !raceDetector {
		return buildZkfs(nil)
	}
	// As this test binary is compiled.
	flags := strings.TrimSuffix(os.Getenv("GOFLAGS"), trimmed)
	return buildZkfs([]string{"CGO_ENABLED=1", "GOFLAGS=" + flags}, "-race")
})

// plainZkfs is zkfs without the race detector, with which each process takes eight times as much
// to start. It is for tests that run many short commands, or kill them.
var plainZkfs = sync.OnceValues(func() (string, error) {
	if !raceDetector {
		return zkfs()
	}
	return buildZkfs(nil)
})

// buildZkfs builds the command in a folder of its own, which can stand in PATH.
func buildZkfs(env []string, flags ...string) (string, error) {
	path := filepath.Join(append(append([]string{commands()}, flags...), "zkfs")...)
	args := slices.Concat([]string{"build", "-o", path}, flags, []string{"../cmd/zkfs"})
	build := exec.Command("go", args...)
	build.Env = append(os.Environ(), env...)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return path, nil
}

// mounted is a running "zkfs mount -f".
type mounted struct {
	source string
	dir    string
	log    *log
	daemon *exec.Cmd
	ended  chan struct{} // closed after the daemon has ended
	killed bool
}

// mount mounts source, such as host:port/path, with the flags on a new folder until the test ends.
func mount(t *testing.T, source string, flags ...string) *mounted {
	t.Helper()
	return mountBy(t, nil, source, flags...)
}

// mountBy is mount by a command that runs zkfs in its own place.
func mountBy(t *testing.T, runner []string, source string, flags ...string) *mounted {
	t.Helper()
	path, err := zkfs()
	if err != nil {
		t.Fatal(err)
	}
	m := &mounted{source: source, dir: t.TempDir(), log: &log{}, ended: make(chan struct{})}
	args := slices.Concat(runner, []string{path, "mount", "-f"}, flags, []string{source, m.dir})
	m.daemon = exec.Command(args[0], args[1:]...)
	m.daemon.Stdout, m.daemon.Stderr = m.log, m.log
	m.daemon.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := m.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("zkfs mount %s:\n%s", source, m.log)
		}
	})
	t.Cleanup(func() { m.unmount(t) })
	eventually(t, func() error {
		if isMounted(m.dir) {
			return nil
		}
		select {
		case <-m.ended:
			t.Fatalf("zkfs mount %s: %s\n%s", source, m.daemon.ProcessState, m.log)
		default:
		}
		return fmt.Errorf("not mounted: %s", source)
	})
	return m
}

// mountShared mounts a znode of the test's own on the shared server, and returns a session with the same znode as root.
func mountShared(t *testing.T, flags ...string) (*mounted, *zk.Conn) {
	t.Helper()
	root := newRoot(t)
	server := addr(shared.Servers[0])
	return mount(t, server+root, flags...), connect(t, []string{server}, zk.WithChroot(root))
}

// start starts the daemon.
func (m *mounted) start() error {
	started := make(chan error, 1)
	// Ends with the daemon. It keeps its thread until then, because Linux sends the parent-death signal
	// when the thread that started the child ends.
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := m.daemon.Start()
		started <- err
		if err == nil {
			m.daemon.Wait() // what it returns stays in ProcessState
			close(m.ended)
		}
	}()
	return <-started
}

// unmount ends the daemon as a user would, and fails the test if the mount or the daemon survives, or the daemon
// reports an error. What is left it removes by force.
func (m *mounted) unmount(t *testing.T) {
	t.Helper()
	m.daemon.Process.Signal(syscall.SIGTERM) // fails only if the daemon has ended
	ended := m.wait(hang)
	if !ended {
		t.Error("zkfs mount does not end after SIGTERM")
	}
	if isMounted(m.dir) {
		t.Errorf("still mounted: %s", m.dir)
		// Forced, for it frees a daemon that waits for itself, and needs root; lazy, for everybody else.
		exec.Command("umount", "-f", m.dir).Run()
		exec.Command("fusermount3", "-u", "-z", m.dir).Run()
	}
	if !ended {
		m.daemon.Process.Kill()
		ended = m.wait(hang)
	}
	if ended && !m.killed && !m.daemon.ProcessState.Success() {
		t.Errorf("zkfs mount: %s", m.daemon.ProcessState)
	}
}

// kill ends the daemon by SIGKILL and removes the dead mount.
func (m *mounted) kill(t *testing.T) {
	t.Helper()
	m.killed = true
	if err := m.daemon.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-m.ended
	if out, err := exec.Command("fusermount3", "-u", "-z", m.dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// wait tells whether the daemon ends in time.
func (m *mounted) wait(patience time.Duration) bool {
	select {
	case <-m.ended:
		return true
	case <-time.After(patience):
		return false
	}
}

// sh runs a shell script in the mounted folder and returns what it prints. The test fails if the script does.
func (m *mounted) sh(t *testing.T, script string) string {
	t.Helper()
	out, err := m.try(script)
	if err != nil {
		t.Fatalf("$ %s\n%s%v", script, out, err)
	}
	return out
}

// try runs a shell script in the mounted folder and returns what it prints, errors included, and
// how it fails. Only children of the test touch files of a mount, and none after it hangs.
func (m *mounted) try(script string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	// The shell changes the folder: what Cmd.Dir does before the command runs could not be interrupted.
	cmd := exec.CommandContext(ctx, "bash", "-c", `cd "$0" && eval "$1"`, m.dir, script)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	return string(out), errors.Join(err, ctx.Err())
}

// isMounted tells whether dir is a mount point.
func isMounted(dir string) bool {
	found, err := mountinfo.GetMounts(mountinfo.SingleEntryFilter(dir))
	return err == nil && len(found) > 0
}

// log collects what a child process prints, for reading at any time.
type log struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestMount(t *testing.T) {
	m, c := mountShared(t)
	if _, err := c.Create("/a", []byte("by a client\n"), 0, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
	if got := m.sh(t, "ls; cat a; mkdir d; echo by a shell > d/f"); got != "a\nby a client\n" {
		t.Errorf("printed %q", got)
	}
	if data, _, err := c.Get("/d/f"); err != nil || string(data) != "by a shell\n" {
		t.Errorf("/d/f: %q, %v", data, err)
	}
	found, err := mountinfo.GetMounts(mountinfo.SingleEntryFilter(m.dir))
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 || found[0].FSType != "fuse.zkfs" {
		t.Errorf("mounted as %+v", found)
	}
}

func TestMountThatCannotBe(t *testing.T) {
	path, err := zkfs()
	if err != nil {
		t.Fatal(err)
	}
	nobody := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	dir := t.TempDir()
	out, err := exec.Command(path, "mount", "-f", "--connect-timeout=1s", nobody, dir).CombinedOutput()
	if err == nil || !strings.Contains(string(out), nobody) {
		t.Errorf("error %v, printed %q", err, out)
	}
	if isMounted(dir) {
		t.Error("mounted all the same")
	}
}
