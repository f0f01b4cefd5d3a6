package child

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo answers an order with what it is.
func echo() *exec.Cmd {
	return exec.Command("sh", "-c", `while read -r order; do echo "did $order"; done; echo end`)
}

func TestOrders(t *testing.T) {
	p := Start(t, "echo", echo())
	long := strings.Repeat("x", 1<<20)
	for _, order := range []string{"one", "two", long} {
		p.Send(order)
	}
	for _, want := range []string{"did one", "did two", "did " + long} {
		if got := p.Answer(); got != want {
			t.Errorf("%.20q, want %.20q", got, want)
		}
	}
	p.End()
	if err := syscall.Kill(p.cmd.Process.Pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("after the end: %v", err)
	}
	p.End()
	p.Kill()
	p.Send("three")
}

// A process that has ended or hangs fails the test that waits for an answer.
func TestNoAnswer(t *testing.T) {
	ended := Start(t, "it", exec.Command("true"))
	if got := failure(ended); got != "it has ended" {
		t.Error(got)
	}
	killed := Start(t, "it", echo())
	killed.Kill()
	if got := failure(killed); got != "it has ended" {
		t.Error(got)
	}
	hung := Start(t, "it", exec.Command("sleep", "infinity"))
	hung.patience = 0
	if got := failure(hung); got != "it hangs" {
		t.Error(got)
	}
	if answer, ok := <-hung.Answers(); ok {
		t.Errorf("%q, want it to be killed", answer)
	}
}

// failure returns what the test is told that waits for an answer.
func failure(p *Process) string {
	t := &fatal{TB: p.t}
	p.t = t
	ended := make(chan struct{})
	go func() { // ends with Answer
		defer close(ended)
		p.Answer()
	}()
	<-ended
	return t.text
}

// fatal is a test that notes why it fails, and does not.
type fatal struct {
	testing.TB
	text string
}

func (f *fatal) Helper() {}

func (f *fatal) Fatalf(format string, args ...any) {
	f.text = fmt.Sprintf(format, args...)
	runtime.Goexit()
}
