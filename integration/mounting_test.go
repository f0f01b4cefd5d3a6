package integration

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A daemon that is killed in the moment of mounting ends, without help of its companion too, and so
// does the command that waits for it. What is left is a dead mount at most.
func TestKilledWhileMounting(t *testing.T) {
	t.Parallel()
	path, err := plainZkfs()
	if err != nil {
		t.Fatal(err)
	}
	source := addr(shared.Servers[0]) + newRoot(t)
	foreground := func(code int, dir string) error {
		if code != -1 || !isMounted(dir) {
			return errors.New("was not killed while mounted")
		}
		return nil
	}
	background := func(code int, dir string) error {
		if want := map[bool]int{true: 0, false: 16}[isMounted(dir)]; code != want {
			return fmt.Errorf("want %d", want)
		}
		return nil
	}
	for name, test := range map[string]struct {
		flags   []string
		victims func(t *testing.T, command int, dir string) []int
		check   func(code int, dir string) error
	}{
		"-f": {[]string{"-f"}, func(_ *testing.T, command int, _ string) []int { return []int{command} }, foreground},
		"-f, the companion too": {[]string{"-f"}, func(t *testing.T, command int, dir string) []int {
			return []int{command, processOn(t, dir, "companion")}
		}, foreground},
		"the command waits": {nil, func(t *testing.T, _ int, dir string) []int {
			return []int{processOn(t, dir, "mount")}
		}, background},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range 20 {
				dir := t.TempDir()
				var out log
				cmd := exec.Command(path, append([]string{"mount"}, append(test.flags, source, dir)...)...)
				cmd.Stdout, cmd.Stderr = &out, &out
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				ended := make(chan struct{})
				go func() { // ends with the process
					cmd.Wait()
					close(ended)
				}()
				victims := test.victims(t, cmd.Process.Pid, dir)
				if !becomesMounted(dir, ended) {
					t.Fatalf("%d: it has ended: %s", i, out.String())
				}
				// How much later decides where the daemon is: it asks for its own root then.
				for later := time.Now().Add(time.Duration(i) * 100 * time.Microsecond); time.Now().Before(later); {
				}
				for _, pid := range victims {
					syscall.Kill(pid, syscall.SIGKILL) // fails if the companion has ended already
				}
				select {
				case <-ended:
				case <-time.After(hang):
					t.Errorf("%d: it hangs", i)
					exec.Command("umount", "-f", "-l", dir).Run()
					<-ended
				}
				if err := test.check(cmd.ProcessState.ExitCode(), dir); err != nil {
					t.Errorf("%d: %s: %v\n%s", i, cmd.ProcessState, err, out.String())
				}
				exec.Command("umount", "-l", dir).Run() // fails if nothing is left
			}
		})
	}
}

// becomesMounted returns true as soon as dir is a mount point, and false if ended is closed before.
func becomesMounted(dir string, ended <-chan struct{}) bool {
	for !isMounted(dir) {
		select {
		case <-ended:
			return false
		default:
		}
	}
	return true
}

// processOn returns the process in that role, "mount" or "companion", that zkfs has started for a
// mount point.
func processOn(t *testing.T, dir, role string) (pid int) {
	t.Helper()
	for deadline := time.Now().Add(hang); time.Now().Before(deadline); {
		all, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the only error is a bad pattern
		for _, name := range all {
			text, _ := os.ReadFile(name) // fails if it has ended
			if line := string(text); strings.HasPrefix(line, "zkfs\x00"+role+"\x00") && strings.HasSuffix(line, "\x00"+dir+"\x00") {
				pid, _ = strconv.Atoi(filepath.Base(filepath.Dir(name)))
				return pid
			}
		}
	}
	t.Fatalf("%s has no process in the role of %s", dir, role)
	return 0
}

// Of several mounts of one directory at the same moment one is made, and the others are told of it.
func TestMountedByOneOfMany(t *testing.T) {
	t.Parallel()
	path, err := plainZkfs()
	if err != nil {
		t.Fatal(err)
	}
	source := addr(shared.Servers[0]) + newRoot(t)
	for range 5 {
		dir := t.TempDir()
		var all sync.WaitGroup
		codes, texts := make([]int, 4), make([]string, 4)
		for i := range codes {
			all.Go(func() {
				cmd := exec.Command(path, "mount", source, dir)
				out, _ := cmd.CombinedOutput() // the code says how it fails
				codes[i], texts[i] = cmd.ProcessState.ExitCode(), string(out)
			})
		}
		all.Wait()
		counts := map[int]int{}
		for _, code := range codes {
			counts[code]++
		}
		if counts[0] != 1 || counts[11] != 3 {
			t.Errorf("exit codes %v\n%s", codes, texts)
		}
		for range counts[0] {
			command(t, "", path, "umount", dir)
		}
		if isMounted(dir) {
			t.Error("mounted once more")
		}
	}
}
