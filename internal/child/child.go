// Package child starts processes that take orders from a test.
//
// A test needs such a process where the test binary must not act, or cannot. A process that uses
// files of a mount which it serves can wait for itself for ever; the holder of a lock must be a
// process that can be killed; a client in another language is a program of its own. The process
// reads one order per line from its stdin, and answers each with one line:
//
//	p := child.Start(t, "the holder", exec.Command("python3", "holder.py", file))
//	p.Send("lock") // returns at once: the process may wait for the lock
//	if got := p.Answer(); got != "done" {
//		t.Errorf("lock: %s", got)
//	}
//	p.Kill() // or nothing: it ends with the test
//
// The orders are a matter of the test. Where many processes are started that need nothing of the
// test binary, a program of their own costs less: package fs compiles one, see newAgent there. A
// package that starts few starts its own test binary, with a variable in the environment by which
// TestMain knows that it is to read orders instead of running tests.
package child

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"
)

// Patience is how long a process may take for an order. Only one that hangs takes that long, on a
// busy machine too.
const Patience = 2 * time.Minute

// endPatience is how long a process may take to end when its stdin has. One that takes longer waits
// for something that the test has left undone, such as a lock, and is killed.
const endPatience = 10 * time.Second

// longest is the length of the longest answer.
const longest = 8 << 20

// Process is a process that takes orders. It belongs to one test, and is not for several goroutines
// at a time.
type Process struct {
	t        testing.TB
	name     string
	cmd      *exec.Cmd
	in       io.WriteCloser
	answers  chan string
	patience time.Duration
}

// Start starts the command, whose stdin and stdout must be free. The process ends with the test at
// the latest. The name is for the messages of the test.
func Start(t testing.TB, name string, cmd *exec.Cmd) *Process {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if cmd.Stderr == nil {
		cmd.Stderr = os.Stderr
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &Process{t: t, name: name, cmd: cmd, in: in, answers: make(chan string, 100), patience: Patience}
	go func() { // ends with the process, when End takes what is left
		defer close(p.answers)
		s := bufio.NewScanner(out)
		s.Buffer(nil, longest)
		for s.Scan() {
			p.answers <- s.Text()
		}
	}()
	t.Cleanup(p.End)
	return p
}

// Send gives an order, a line, and returns without waiting for its answer. If the process has ended
// the next Answer says so.
func (p *Process) Send(order string) { fmt.Fprintln(p.in, order) }

// Answer waits for the answer to the first order that has none yet. It fails the test if there is
// none because the process has ended, or hangs.
func (p *Process) Answer() string {
	p.t.Helper()
	select {
	case answer, ok := <-p.answers:
		if !ok {
			p.t.Fatalf("%s has ended", p.name)
		}
		return answer
	case <-time.After(p.patience):
		p.Kill()
		p.t.Fatalf("%s hangs", p.name)
	}
	return ""
}

// Answers returns the channel from which Answer takes, for a test that waits for something else
// besides. It is closed when the process has ended.
func (p *Process) Answers() <-chan string { return p.answers }

// Kill kills the process. It returns at once, and may be called after the end.
func (p *Process) Kill() { p.cmd.Process.Kill() }

// End ends the stdin of the process and waits for the end of the process, and so of what it has
// open. It may be called again.
func (p *Process) End() {
	p.in.Close()
	kill := time.AfterFunc(endPatience, p.Kill)
	defer kill.Stop()
	for range p.answers {
	}
	p.cmd.Wait() // fails after Kill, and when it is called again
}
