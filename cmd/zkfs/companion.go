package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A process that is killed while it tells the kernel of a change may not end: no signal ends that
// thread's wait for the lock of a directory (kernel fact 40), the holder of the lock waits for an
// answer, and the kernel ends the connection only when the last thread is gone (kernel facts 51
// and 52). All programs that use the mount would hang with it. So each mount has a companion: a
// process that waits for the other one to die, and ends the connection if that takes long. It is
// there before the mount is.

// companionVariable is the environment variable that makes a process of zkfs a companion: an
// accompanied, as JSON.
const companionVariable = "_ZKFS_COMPANION"

// accompanied is what a companion knows from the start.
type accompanied struct {
	PID   int
	Point string       // where that process is about to mount
	Under string       // the device of what is mounted there before, "" if nothing is
	Log   *logSettings // where its death is logged; nil if others see it
}

// crashFD is the descriptor from which a companion reads what the process says as it dies.
const crashFD = 3

// lingering is how long a process may take to die.
const lingering = 2 * time.Second

// companion is the companion of this process.
type companion struct {
	of    accompanied
	quit  chan struct{} // closed by stop
	ended chan struct{} // closed when none is left

	mu     sync.Mutex // guards the following
	device string     // what was mounted; "" before
	input  io.Writer  // of the process that runs
}

// startCompanion starts the companion of this process, which is about to mount on point. One that
// is killed is replaced. The companion logs the death of this process to log, if that is not nil.
func startCompanion(point string, log *logSettings) (*companion, error) {
	under, err := mountAt(point)
	if err != nil {
		return nil, err
	}
	of := accompanied{os.Getpid(), point, under.device, log}
	c := &companion{of: of, quit: make(chan struct{}), ended: make(chan struct{})}
	started := make(chan error, 1)
	go c.keep(started) // ends with stop, or when there is no first one
	return c, <-started
}

// mounted tells the companion which mount it is about.
func (c *companion) mounted(device string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.device = device
	c.tell()
}

// tell must be called with mu held.
func (c *companion) tell() {
	if c.device != "" {
		fmt.Fprintln(c.input, c.device) // fails if it has ended, and the next one is told
	}
}

// stop ends the companion.
func (c *companion) stop() {
	close(c.quit)
	<-c.ended
}

// keep sees to it that there is a companion, until stop is called. started gets how the start of
// the first one went.
func (c *companion) keep(started chan<- error) {
	defer close(c.ended)
	runtime.LockOSThread() // the companion is told of the end of this thread (kernel fact 56)
	defer runtime.UnlockOSThread()
	for first := true; ; first = false {
		cmd, err := c.start()
		if first {
			started <- err
		}
		if first && err != nil || err == nil && c.await(cmd) {
			return
		}
		select {
		case <-time.After(lingering): // one that can not live is not started all the time
		case <-c.quit:
			return
		}
	}
}

// start starts a companion. The calling thread must live as long.
func (c *companion) start() (*exec.Cmd, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(exe)
	value, err := json.Marshal(c.of)
	if err != nil {
		return nil, err
	}
	cmd.Args = []string{"zkfs", "companion", strconv.Itoa(c.of.PID), c.of.Point} // to be seen by ps
	cmd.Env = []string{companionVariable + "=" + string(value)}
	cmd.Dir = "/"
	if c.of.Log != nil {
		last, err := catchCrash()
		if err != nil {
			return nil, err
		}
		defer last.Close()
		cmd.ExtraFiles = []*os.File{last} // descriptor 3
		if c.of.Log.Foreground && c.of.Log.File == "" {
			cmd.Stderr = os.Stderr
			cmd.Env = append(cmd.Env, journalVariable+"="+os.Getenv(journalVariable))
		}
	}
	leaveTerminal(cmd)
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.input = input
	c.tell()
	return cmd, nil
}

// await returns when a companion has ended, and reports whether that was by stop.
func (c *companion) await(cmd *exec.Cmd) bool {
	ended := make(chan struct{})
	go func() { // ends with the companion
		cmd.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return false
	case <-c.quit:
		cmd.Process.Kill() // fails if it has ended
		<-ended
		return true
	}
}

// accompany is what a companion does. value is that of companionVariable; a line of in is the
// device that was mounted. It returns when the process that this names is dead.
func accompany(value string, in io.Reader) error {
	var of accompanied
	if err := json.Unmarshal([]byte(value), &of); err != nil {
		return usagef("the environment variable %s is not for users", companionVariable)
	}
	deaths := make(chan os.Signal, 1)
	signal.Notify(deaths, syscall.SIGTERM)
	// Not before: the signal of a death that comes while this process starts would end it.
	if err := followParent(); err != nil {
		return err
	}
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT)
	// Where the kernel kills all of a control group for want of memory (kernel fact 54), it spares
	// those that must not be killed.
	os.WriteFile("/proc/self/oom_score_adj", []byte("-1000"), 0) // fails for users other than root, and in some containers
	how := watchDeath(of.PID)
	if of.Log != nil {
		m := mourn(of.openLog, os.NewFile(crashFD, "last words"))
		defer func() { m.died(how(crashPatience)) }()
	}
	devices := make(chan string, 1)
	go func() { // ends with this process
		if line, err := bufio.NewReader(in).ReadString('\n'); err == nil {
			devices <- strings.TrimSpace(line)
		}
	}()
	// A process that was killed before followParent sends no signal.
	if os.Getppid() == of.PID && !isKilled(of.PID) {
		<-deaths
	}
	// The signal need not be that of the death: one that ends a service goes to all of its processes.
	// A child is its parent's as long as a thread is left that does not end (kernel fact 53).
	for since := time.Now(); os.Getppid() == of.PID; time.Sleep(lingering / 20) {
		if !isKilled(of.PID) {
			since = time.Now()
		} else if time.Since(since) > lingering {
			select {
			case device := <-devices:
				return abortAt(of.Point, func(m mount) bool { return m.device == device })
			default: // it was killed as soon as it had mounted, if it had
				return abortAt(of.Point, func(m mount) bool { return m.device != of.Under })
			}
		}
	}
	return nil
}

// openLog opens the log in which the death of the process belongs.
func (of accompanied) openLog() *slog.Logger {
	handler, _, err := of.Log.handler(os.Stderr)
	if err != nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(handler).With("mount", of.Point)
}

// isKilled reports whether SIGKILL waits for all threads of a process that have not ended (proc_pid_status(5)).
func isKilled(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid)) // the only error is a bad pattern
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			continue // it has ended
		}
		fields := map[string]string{}
		for line := range strings.Lines(string(text)) {
			key, value, _ := strings.Cut(line, ":")
			fields[key] = strings.TrimSpace(value)
		}
		if strings.HasPrefix(fields["State"], "Z") || strings.HasPrefix(fields["State"], "X") {
			continue
		}
		if pending, _ := strconv.ParseUint(fields["SigPnd"], 16, 64); pending&(1<<(syscall.SIGKILL-1)) == 0 {
			return false
		}
	}
	return true
}

// isServedByKilled reports whether the process that serves m was killed, and does not end. m must
// hang: older kernels do not tell which connection a process has, so any that was killed and has
// one is taken for it.
func isServedByKilled(m mount) bool {
	fds, _ := filepath.Glob("/proc/[0-9]*/task/*/fd/*") // the only error is a bad pattern
	for _, fd := range fds {
		if target, err := os.Readlink(fd); err != nil || target != fuseDevice {
			continue
		}
		pid, _ := strconv.Atoi(strings.Split(fd, "/")[2])
		info, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(fd)), "fdinfo", filepath.Base(fd)))
		if err != nil || !isKilled(pid) {
			continue
		}
		_, connection, told := strings.Cut(string(info), "fuse_connection:")
		if !told || strings.TrimSpace(connection) == m.minor() {
			return true
		}
	}
	return false
}
