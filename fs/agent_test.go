package fs

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/zkfs/zkfs/internal/child"
)

// agentVariable names the program of agents, see internal/orders. The processes that the test
// binary starts of itself take it from their environment.
const agentVariable = "ZKFS_TEST_AGENT"

func TestMain(m *testing.M) {
	if value := os.Getenv(PokerVariable); value != "" {
		RunPoker(value, os.Stdin, os.Stdout)
		os.Exit(0)
	}
	if dir := os.Getenv(deafVariable); dir != "" {
		fmt.Println(askSelf(dir))
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// run compiles the agent, unless a parent has, runs the tests and searches for leaks.
func run(m *testing.M) (code int, err error) {
	if signal.Ignored(os.Interrupt) { // as in the background of a script: the processes of tests heed it
		signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	}
	if os.Getenv(agentVariable) == "" {
		dir, err := os.MkdirTemp("", "zkfs-agent-")
		if err != nil {
			return 1, err
		}
		defer os.RemoveAll(dir)
		path := filepath.Join(dir, "agent")
		build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path,
			"./testdata/agent")
		// As make compiles the command, so that what they share is in Go's cache.
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return 1, fmt.Errorf("%s: %w\n%s", build, err, out)
		}
		if err := os.Setenv(agentVariable, path); err != nil {
			return 1, err
		}
	}
	code = m.Run()
	return code, goleak.Find()
}

// agentPatience is how long the agent may take for a call: a hung mount must fail the test, not
// hang it.
const agentPatience = child.Patience

// agent is a child process that works in a mount.
type agent struct {
	t   *testing.T
	cmd *exec.Cmd
	*child.Process
}

// newAgent starts an agent in the directory dir.
func newAgent(t *testing.T, dir string) *agent {
	t.Helper()
	// The shell enters the mount, not this process between fork and exec: those two share what the
	// kernel would wait for.
	cmd := exec.Command("/bin/sh", "-c", `cd "$1" && exec "$2"`, "sh", dir, os.Getenv(agentVariable))
	// Else its own runtime interrupts calls.
	cmd.Env = append(os.Environ(), "GODEBUG=asyncpreemptoff=1")
	return &agent{t, cmd, child.Start(t, "the agent", cmd)}
}

// start sends a call without waiting for the answer.
func (a *agent) start(words ...string) {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.Quote(w)
	}
	a.Send(strings.Join(quoted, " "))
}

// answer waits for the answer to the call that was started first.
func (a *agent) answer() string {
	a.t.Helper()
	return a.Answer()
}

// end ends the agent, and with it what it has open.
func (a *agent) end() { a.End() }

// do makes a call and returns what it answers: "ok", possibly with a value, or the name of an
// error.
func (a *agent) do(words ...string) string {
	a.t.Helper()
	a.start(words...)
	return a.answer()
}

// want makes a call and fails the test if the answer is another.
func (a *agent) want(answer string, words ...string) {
	a.t.Helper()
	call := strings.Join(words, " ")
	if got := a.do(words...); got != answer {
		a.t.Errorf("%s: %s, want %s", call, got, answer)
	}
}
