package integration

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// terminal COMMAND TEXT KEY... runs a command in $A in a terminal of 80 columns and 24 lines, waits until the terminal shows the text,
// types the keys, and waits until the command has ended. Keys are those of tmux: Enter, Escape, C-x, or text as it is.
// A key of the form ?TEXT waits until the terminal shows that text.
func terminal(ts *testscript.TestScript, _ bool, args []string) {
	t := tmux{ts, filepath.Join(ts.Getenv("WORK"), "tmux")}
	command := `cd "$A" && ` + args[0] + ` 2>"$WORK/terminal.err"; echo $? > "$WORK/terminal.status"`
	// The server stays for the next command: one that is about to end takes no new session.
	ts.Defer(func() { t.run("kill-server") })
	ts.Check(t.run("-f", "/dev/null", "start-server", ";", "set-option", "-s", "exit-empty", "off", ";",
		"new-session", "-d", "-x", "80", "-y", "24", "timeout --foreground 180 bash -c '"+command+"'"))
	t.await(args[1])
	for _, key := range args[2:] {
		if text, ok := strings.CutPrefix(key, "?"); ok {
			t.await(text)
			continue
		}
		ts.Check(t.run("send-keys", key))
	}
	t.until("the command ends", func() bool { return t.run("has-session") != nil })
	if status := strings.TrimSpace(ts.ReadFile(filepath.Join(ts.Getenv("WORK"), "terminal.status"))); status != "0" {
		ts.Fatalf("%s: status %s", args[0], status)
	}
}

// tmux is a server of terminals.
type tmux struct {
	ts     *testscript.TestScript
	socket string
}

// run runs a command of tmux.
func (t tmux) run(args ...string) error {
	_, err := t.output(args...)
	return err
}

func (t tmux) output(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	cmd := exec.CommandContext(ctx, "tmux", append([]string{"-S", t.socket}, args...)...)
	cmd.Env = append(cmd.Environ(), "LC_ALL=C.UTF-8", "A="+t.ts.Getenv("A"), "WORK="+t.ts.Getenv("WORK"), "HOME="+t.ts.Getenv("HOME"), "TMPDIR="+t.ts.Getenv("TMPDIR"))
	out, err := cmd.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("tmux %s: %w: %s", args, err, failed.Stderr)
	}
	return string(out), err
}

// await waits until the terminal shows text.
func (t tmux) await(text string) {
	t.until("the terminal shows "+text, func() bool {
		screen, err := t.output("capture-pane", "-p")
		return err == nil && strings.Contains(screen, text)
	})
}

// until waits until done returns true.
func (t tmux) until(what string, done func() bool) {
	deadline := time.Now().Add(hang)
	for !done() {
		if time.Now().After(deadline) {
			screen, _ := t.output("capture-pane", "-p")
			t.ts.Fatalf("it takes too long until %s; the terminal shows\n%s", what, screen)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
