package integration

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// player is a process that contends for a lock. It reads orders, a line each, and answers each with the line "done":
//
//	lock     take the lock
//	unlock   give it back
//	count N  N times: take it, add one to the number in the judge's file, slowly and without care, give it back
//	write S  write into the locked file
//	look N   N times: take it, see that the number does not change meanwhile, give it back
//
// It ends at the end of its input. What is below testdata/locks is players; those in Java can not look, and flocker.py alone can
// write and answers EIO and the like to what fails.
type player struct {
	t       *testing.T
	name    string
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers chan string // closed when the process ends
}

// play starts a player, which is ended with the test.
func play(t *testing.T, name string, command ...string) *player {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &player{t: t, name: name, cmd: cmd, in: in, answers: make(chan string, 10)}
	go func() { // ends with the process
		defer close(p.answers)
		for s := bufio.NewScanner(out); s.Scan(); {
			p.answers <- s.Text()
		}
	}()
	t.Cleanup(p.end)
	return p
}

// end lets the process come to its end. One that does not is killed.
func (p *player) end() {
	p.in.Close()
	kill := time.AfterFunc(10*time.Second, func() { p.cmd.Process.Kill() })
	defer kill.Stop()
	for range p.answers {
	}
	p.cmd.Wait() // fails after kill, which a test may do too
}

// kill ends the process at once.
func (p *player) kill() { p.cmd.Process.Kill() }

// start gives an order. When it fails the process has ended, which the next answer tells.
func (p *player) start(order string, args ...any) {
	fmt.Fprintln(p.in, append([]any{order}, args...)...)
}

// answer waits for the answer to the first order that has none.
func (p *player) answer() string {
	p.t.Helper()
	select {
	case answer, ok := <-p.answers:
		if !ok {
			p.t.Fatalf("%s has ended", p.name)
		}
		return answer
	case <-time.After(time.Minute):
		p.kill()
		p.t.Fatalf("%s hangs", p.name)
	}
	return ""
}

// do gives an order and waits until it is done.
func (p *player) do(order string, args ...any) {
	p.t.Helper()
	p.start(order, args...)
	p.want("done")
}

func (p *player) want(answer string) {
	p.t.Helper()
	if got := p.answer(); got != answer {
		p.t.Fatalf("%s: %s, want %s", p.name, got, answer)
	}
}

// waits fails the test if the player has answered.
func (p *player) waits() {
	p.t.Helper()
	select {
	case answer := <-p.answers:
		p.t.Errorf("%s: %q, want it to wait", p.name, answer)
	default:
	}
}

// A judge is a file with a number that only holders of the lock may touch. It tells whether two held it at a time.
type judge string

func newJudge(t *testing.T) judge {
	t.Helper()
	j := judge(filepath.Join(t.TempDir(), "counter"))
	if err := os.WriteFile(string(j), []byte("0"), 0o600); err != nil {
		t.Fatal(err)
	}
	return j
}

func (j judge) read() (int, error) {
	text, err := os.ReadFile(string(j))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// count adds one, slowly and without care.
func (j judge) count() error {
	n, err := j.read()
	if err != nil {
		return err
	}
	time.Sleep(2 * time.Millisecond)
	return os.WriteFile(string(j), []byte(strconv.Itoa(n+1)), 0o600)
}

func (j judge) want(t *testing.T, n int) {
	t.Helper()
	if got, err := j.read(); err != nil || got != n {
		t.Errorf("counted %d, error %v, want %d", got, err, n)
	}
}
