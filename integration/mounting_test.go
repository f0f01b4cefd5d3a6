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

// A daemon that is killed in the moment of mounting ends, and so does the command that waits for it. What is left is a dead mount at most.
func TestKilledWhileMounting(t *testing.T) {
	path, err := zkfs()
	if err != nil {
		t.Fatal(err)
	}
	source := addr(shared.Servers[0]) + newRoot(t)
	for name, test := range map[string]struct {
		flags  []string
		daemon func(t *testing.T, command int) (pid int)
		ends   func(code int, dir string) error
	}{
		"-f": {[]string{"-f"}, func(_ *testing.T, command int) int { return command }, func(code int, dir string) error {
			if code != -1 || !isMounted(dir) {
				return errors.New("was not killed while mounted")
			}
			return nil
		}},
		"the command waits": {nil, daemonOf, func(code int, dir string) error {
			if want := map[bool]int{true: 0, false: 16}[isMounted(dir)]; code != want {
				return fmt.Errorf("want %d", want)
			}
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range 40 {
				dir := t.TempDir()
				var out log
				cmd := exec.Command(path, append([]string{"mount", source, dir}, test.flags...)...)
				cmd.Stdout, cmd.Stderr = &out, &out
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				ended := make(chan struct{})
				go func() { // ends with the process
					cmd.Wait()
					close(ended)
				}()
				daemon := test.daemon(t, cmd.Process.Pid)
				// How much later decides where the daemon is: it asks for its own root then.
				if !becomesMounted(dir, ended) {
					t.Fatalf("%d: it has ended: %s", i, out.String())
				}
				for later := time.Now().Add(time.Duration(i%20) * 100 * time.Microsecond); time.Now().Before(later); {
				}
				if err := syscall.Kill(daemon, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
				select {
				case <-ended:
				case <-time.After(20 * time.Second):
					t.Errorf("%d: it hangs", i)
					exec.Command("umount", "-f", "-l", dir).Run()
					<-ended
				}
				if err := test.ends(cmd.ProcessState.ExitCode(), dir); err != nil {
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

// daemonOf returns the daemon that a command starts.
func daemonOf(t *testing.T, pid int) (child int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // the only error is a bad pattern
		for _, list := range lists {
			text, _ := os.ReadFile(list) // fails if the thread has ended
			name := strings.TrimSpace(string(text))
			if line, _ := os.ReadFile("/proc/" + name + "/cmdline"); strings.HasPrefix(string(line), "zkfs\x00mount\x00") {
				child, _ = strconv.Atoi(name)
				return child
			}
		}
	}
	t.Fatalf("%d has no daemon", pid)
	return 0
}

// Of several mounts of one directory at the same moment one is made, and the others are told of it.
func TestMountedByOneOfMany(t *testing.T) {
	path, err := zkfs()
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
