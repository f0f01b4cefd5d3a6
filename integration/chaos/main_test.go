// Package chaos injects faults into everything at once, and has it proved that nothing acknowledged is lost, nothing hangs and
// nothing leaks.
//
// TestChaos starts a three-server ensemble, several mounts, each with ways of its own to the servers, and processes that work on
// the mounts and as plain clients. Meanwhile a seeded nemesis breaks ways, servers, daemons and processes. What the processes saw is
// checked by package history against what the servers have committed. make chaos runs it for longer.
package chaos

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"testing"
	"time"

	"github.com/moby/sys/mountinfo"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

var (
	seed     = flag.Uint64("chaos.seed", 1, "seed of the faults")
	duration = flag.Duration("chaos.duration", 20*time.Second, "how long faults are injected")
	only     = flag.String("chaos.only", "", "the names of the faults to inject, with commas; all if empty")
	outDir   = flag.String("chaos.out", "", "a folder for samples.csv, chart.svg, faults.csv, history.txt and the logs of mounts and servers; nothing is written if empty")
)

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		if err := play(role); err != nil {
			fmt.Fprintln(os.Stderr, "chaos worker:", err)
			os.Exit(1)
		}
		return
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// interrupted is closed by the first Ctrl-C. All that waits ends then, so that the test fails and its cleanup leaves nothing: the
// servers and the mounts get the signal from the terminal, too.
var interrupted = make(chan struct{})

// run runs the tests and looks for what they left. Everything temporary lies in one folder.
func run(m *testing.M) (code int, err error) {
	tmp, err := os.MkdirTemp("", "zkfs-chaos-")
	if err != nil {
		return 1, err
	}
	if err := os.Setenv("TMPDIR", tmp); err != nil {
		return 1, err
	}
	stop := untilInterrupted()
	code = m.Run()
	stop()
	return code, errors.Join(mountsBelow(tmp), goleak.Find(), os.RemoveAll(filepath.Join(tmp, "zkfs")), os.Remove(tmp))
}

// untilInterrupted closes interrupted at the first signal, until stop is called.
func untilInterrupted() (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	ended := make(chan struct{})
	go func() { // ends with stop
		defer close(ended)
		if _, ok := <-signals; ok {
			close(interrupted)
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
		<-ended
	}
}

// build builds the command zkfs, with the race detector if this binary has it, and returns its path.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(os.TempDir(), "zkfs")
	args := []string{"build", "-o", path}
	if raceDetector {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "../../cmd/zkfs")...).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// now returns the time of the clock that all processes of this machine share, in nanoseconds.
func now() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(err)
	}
	return ts.Nano()
}

// isMounted tells whether dir is a mount point.
func isMounted(dir string) bool { return mountsBelow(dir) != nil }

// mountsBelow returns an error that names the mounts at dir and below.
func mountsBelow(dir string) error {
	found, err := mountinfo.GetMounts(mountinfo.PrefixFilter(filepath.Clean(dir)))
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range found {
		errs = append(errs, fmt.Errorf("still mounted: %q", m.Mountpoint))
	}
	return errors.Join(errs...)
}

// within calls check until it returns nil, and returns the last error when that takes too long.
func within(patience time.Duration, check func() error) error {
	for end := time.Now().Add(patience); ; sleep(50 * time.Millisecond) {
		err := check()
		if err == nil || time.Now().After(end) || isInterrupted() {
			return err
		}
	}
}

// sleep sleeps, but not on after Ctrl-C.
func sleep(d time.Duration) {
	select {
	case <-time.After(d):
	case <-interrupted:
	}
}

func isInterrupted() bool {
	select {
	case <-interrupted:
		return true
	default:
		return false
	}
}
