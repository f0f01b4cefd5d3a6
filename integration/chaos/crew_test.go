package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/zkfs/zkfs/internal/history"
)

// crew is the processes that work. One that was ended is replaced by another.
type crew struct {
	records string // the folder for what they do
	seed    uint64
	all     sync.WaitGroup

	mu      sync.Mutex // guards the following
	members map[*member]bool
	hired   int
	over    bool
	errs    []error
}

// member is one process.
type member struct {
	role  role
	side  *side
	cmd   *exec.Cmd
	stdin io.Closer
	ended chan struct{}
}

// interruptPatience bounds how long a process takes to die of SIGINT. Its own calls end within a second; but one that looks up a name
// which another is looking up, or changes a directory that another changes, waits in the kernel until the other's call ends.
const interruptPatience = callTimeout + 4*time.Second

// hire starts a process, and another one whenever it ends, until dismiss.
func (c *crew) hire(s *side, play string, register int, pause time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return nil
	}
	c.hired++
	name := fmt.Sprintf("%s.%s%d", s.name, play, c.hired)
	m := &member{side: s, ended: make(chan struct{})}
	m.role = role{Play: play, Process: name, Servers: s.addrs(), Record: filepath.Join(c.records, name), Seed: c.seed + uint64(c.hired), Pause: pause, Register: register}
	if s.daemon != nil {
		m.role.Dir = s.daemon.dir
	}
	if err := m.start(); err != nil {
		return err
	}
	c.members[m] = true
	c.all.Go(func() { // ends with the process
		<-m.ended
		c.mu.Lock()
		delete(c.members, m)
		if m.cmd.ProcessState.ExitCode() > 0 {
			c.errs = append(c.errs, fmt.Errorf("%s: %s", name, m.cmd.ProcessState))
		}
		c.mu.Unlock()
		c.fail(c.hire(s, play, register, pause))
	})
	return nil
}

func (c *crew) fail(err error) {
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.errs = append(c.errs, err)
	}
}

func (m *member) start() error {
	text, err := json.Marshal(m.role)
	if err != nil {
		return err
	}
	m.cmd = exec.Command(os.Args[0])
	// Signals with which Go shares a processor would interrupt system calls.
	m.cmd.Env = append(os.Environ(), roleVariable+"="+string(text), "GODEBUG=asyncpreemptoff=1", "GORACE=atexit_sleep_ms=0")
	m.cmd.Stderr = os.Stderr
	if m.stdin, err = m.cmd.StdinPipe(); err != nil {
		return err
	}
	return startOnThread(m.cmd, m.ended)
}

// interrupt presses Ctrl-C on the processes of a side, which must end, whatever they wait for.
func (c *crew) interrupt(s *side) error {
	c.mu.Lock()
	var members []*member
	for m := range c.members {
		if m.side == s {
			members = append(members, m)
		}
	}
	c.mu.Unlock()
	start := now()
	var errs []error
	for _, m := range members {
		m.cmd.Process.Signal(syscall.SIGINT) // fails if it has just ended
	}
	for _, m := range members {
		errs = append(errs, m.gone(start, interruptPatience))
	}
	return errors.Join(errs...)
}

// gone waits for the end of the process. The time in which the daemon is frozen does not count.
func (m *member) gone(start int64, patience time.Duration) error {
	for late := time.Duration(0); late < patience; {
		select {
		case <-m.ended:
			return nil
		case <-time.After(50 * time.Millisecond):
		}
		late = time.Duration(now() - start)
		if m.side.daemon != nil {
			late -= m.side.daemon.frozen(start)
		}
	}
	where := stacks(m.cmd.Process.Pid)
	m.cmd.Process.Kill()
	<-m.ended
	return fmt.Errorf("%s does not end within %v\n%s", m.role.Process, patience, where)
}

// stacks returns where in the kernel the threads of a process and its children are, as far as that may be seen.
func stacks(pid int) string {
	var all strings.Builder
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	for _, thread := range threads {
		name, _ := os.ReadFile(thread + "/comm")
		stack, _ := os.ReadFile(thread + "/stack")
		fmt.Fprintf(&all, "%s %s%s", thread, name, stack)
		children, _ := os.ReadFile(thread + "/children")
		for child := range strings.FieldsSeq(string(children)) {
			if n, err := strconv.Atoi(child); err == nil {
				all.WriteString(stacks(n))
			}
		}
	}
	return all.String()
}

// dismiss lets all processes come to their end.
func (c *crew) dismiss(patience time.Duration) error {
	c.mu.Lock()
	c.over = true
	var members []*member
	for m := range c.members {
		members = append(members, m)
	}
	c.mu.Unlock()
	for _, m := range members {
		m.stdin.Close()
	}
	start := now()
	for _, m := range members {
		c.fail(m.gone(start, patience))
	}
	c.all.Wait()
	return errors.Join(c.errs...)
}

// has reports whether a process works on that side.
func (c *crew) has(s *side, pid int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for m := range c.members {
		if m.side == s && m.cmd.Process.Pid == pid {
			return true
		}
	}
	return false
}

// kill ends all processes that there are.
func (c *crew) kill() {
	c.mu.Lock()
	c.over = true
	for m := range c.members {
		m.cmd.Process.Kill()
	}
	c.mu.Unlock()
	c.all.Wait()
}

// ops returns what all of them did.
func (c *crew) ops(sides []*side) ([]*history.Op, error) {
	names, err := filepath.Glob(filepath.Join(c.records, "*"))
	if err != nil {
		return nil, err
	}
	var all []*history.Op
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		ops, err := history.ReadOps(f)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, op := range ops {
			for _, s := range sides {
				if s.daemon != nil && s.owns(op) {
					op.View = s.daemon.view(op)
				}
			}
		}
		all = append(all, ops...)
	}
	return all, nil
}

// impatient starts commands on the mounts and presses Ctrl-C some time later, until ctx ends.
func (c *crew) impatient(ctx context.Context, s *side, lengths func() time.Duration) {
	const script = `cd "$0" && cat run/r0 >/dev/null && ls run >/dev/null && echo x >> run/impatient`
	for ctx.Err() == nil {
		cmd := exec.Command("sh", "-c", script, s.daemon.dir)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		m := &member{side: s, cmd: cmd, ended: make(chan struct{})}
		m.role.Process = "an impatient user of " + s.name
		if err := startOnThread(cmd, m.ended); err != nil {
			c.fail(err)
			return
		}
		select {
		case <-m.ended:
			time.Sleep(100 * time.Millisecond)
			continue
		case <-time.After(lengths()):
		}
		syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
		if err := m.gone(now(), interruptPatience); err != nil {
			c.fail(err)
			return
		}
	}
}
