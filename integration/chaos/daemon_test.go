package chaos

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/zkfs/zkfs/internal/history"
)

// daemon is a zkfs mount that is started again when it was ended. It is started and ended by one goroutine at a time.
type daemon struct {
	name    string
	command string // the built zkfs
	args    []string
	dir     string
	log     string // the file that all its processes append to
	first   usage  // what it took before the first fault

	metrics, goroutines string // the URLs where it tells about itself

	cmd   *exec.Cmd
	ended chan struct{} // closed after the process has ended
	held  int           // how often it did not end by SIGKILL alone

	mu     sync.Mutex // guards the following
	pid    int
	lives  []history.Span
	freeze []history.Span
}

func newDaemon(name, command, dir string, servers []string, flags ...string) (*daemon, error) {
	d := &daemon{name: name, command: command, dir: filepath.Join(dir, name), log: filepath.Join(dir, name+".log")}
	d.args = append([]string{"mount", "-f", "--session-timeout", sessionTimeout.String(), "--timeout", callTimeout.String(),
		"--connect-timeout=20s", "--log-file", d.log}, flags...)
	d.args = append(d.args, strings.Join(servers, ","), d.dir)
	return d, os.Mkdir(d.dir, 0o700)
}

// start starts a process and returns when the file system is mounted.
func (d *daemon) start() error {
	out, err := os.OpenFile(d.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	d.cmd = exec.Command(d.command, d.args...)
	d.cmd.Stdout, d.cmd.Stderr = out, out
	d.cmd.Env = append(os.Environ(), "GORACE=halt_on_error=1 atexit_sleep_ms=0")
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	d.ended = make(chan struct{})
	if err := startOnThread(d.cmd, d.ended); err != nil {
		return err
	}
	err = within(30*time.Second, func() error {
		if isMounted(d.dir) {
			return nil
		}
		return fmt.Errorf("%s is not mounted", d.name)
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pid = d.cmd.Process.Pid
	d.lives = append(d.lives, history.Span{Start: now()})
	return err
}

// startOnThread starts cmd, waits for it, and closes ended. Linux sends the parent-death signal when
// the thread that started the child ends, so that stays.
func startOnThread(cmd *exec.Cmd, ended chan struct{}) error {
	started := make(chan error, 1)
	go func() { // ends with the process
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait() // what it returns stays in ProcessState
			close(ended)
		}
	}()
	return <-started
}

// dies notes that nothing can be expected of the process any more.
func (d *daemon) dies() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lives[len(d.lives)-1].End = now()
}

// stop ends the process as a user would. The mount must be gone then, whatever goes wrong meanwhile.
func (d *daemon) stop(patience time.Duration) error {
	d.dies()
	d.cmd.Process.Signal(syscall.SIGTERM) // fails only if it has ended
	var errs []error
	select {
	case <-d.ended:
		if !d.cmd.ProcessState.Success() {
			errs = append(errs, fmt.Errorf("%s: %s", d.name, d.cmd.ProcessState))
		}
	case <-time.After(patience):
		errs = append(errs, fmt.Errorf("%s does not end within %v of SIGTERM\n%s\n%s", d.name, patience, stacks(d.cmd.Process.Pid), d.stacks()))
		d.cmd.Process.Signal(syscall.SIGQUIT) // the goroutines, for the log
		exec.Command("umount", "-f", d.dir).Run()
		<-d.ended
	}
	if isMounted(d.dir) {
		errs = append(errs, fmt.Errorf("%s is still mounted", d.name))
		exec.Command("fusermount3", "-u", "-z", d.dir).Run()
	}
	return errors.Join(errs...)
}

// kill ends the process by SIGKILL and removes the dead mount. One that the kernel lets wait for a lock ends when its companion, after two
// seconds, ends the connection.
func (d *daemon) kill() error {
	d.dies()
	begun := time.Now()
	d.cmd.Process.Kill()
	select {
	case <-d.ended:
	case <-time.After(10 * time.Second):
		err := fmt.Errorf("%s does not end within 10 s of SIGKILL\n%s", d.name, stacks(d.cmd.Process.Pid))
		exec.Command("umount", "-f", d.dir).Run()
		<-d.ended
		return err
	}
	if time.Since(begun) > 2*time.Second {
		d.held++
	}
	if !isMounted(d.dir) { // nobody used it when the connection ended
		return nil
	}
	if out, err := exec.Command(d.command, "umount", "-l", d.dir).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// stopFor freezes the process for a while.
func (d *daemon) stopFor(length time.Duration) {
	d.mu.Lock()
	d.freeze = append(d.freeze, history.Span{Start: now(), End: now() + int64(time.Hour)})
	d.mu.Unlock()
	d.cmd.Process.Signal(syscall.SIGSTOP)
	sleep(length)
	d.cmd.Process.Signal(syscall.SIGCONT)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.freeze[len(d.freeze)-1].End = now()
}

// frozen returns how much of the time since then the process could not run.
func (d *daemon) frozen(since int64) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	var sum int64
	for _, s := range d.freeze {
		if start, end := max(s.Start, since), min(s.End, now()); start < end {
			sum += end - start
		}
	}
	return time.Duration(sum)
}

// view returns what an operation through this mount belongs to: the one process that answered it, or none.
func (d *daemon) view(op *history.Op) string {
	for i, life := range d.lives {
		if life.Start <= op.Start && (life.End == 0 || op.End != 0 && op.End <= life.End) {
			return fmt.Sprintf("%s/%d", d.name, i)
		}
	}
	return history.Unclear
}
