package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/zkfs/zkfs/internal/child"
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
	t    *testing.T
	name string
	cmd  *exec.Cmd
	*child.Process
}

// play starts a player, which is ended with the test.
func play(t *testing.T, name string, command ...string) *player {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	return &player{t, name, cmd, child.Start(t, name, cmd)}
}

// start gives an order.
func (p *player) start(order string, args ...any) {
	p.Send(strings.TrimSpace(fmt.Sprintln(append([]any{order}, args...)...)))
}

// do gives an order and waits until it is done.
func (p *player) do(order string, args ...any) {
	p.t.Helper()
	p.start(order, args...)
	p.want("done")
}

func (p *player) want(answer string) {
	p.t.Helper()
	if got := p.Answer(); got != answer {
		p.t.Fatalf("%s: %s, want %s", p.name, got, answer)
	}
}

// waits fails the test if the player has answered.
func (p *player) waits() {
	p.t.Helper()
	select {
	case answer := <-p.Answers():
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
