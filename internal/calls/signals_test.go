package calls

import (
	"fmt"
	"syscall"
	"testing"
)

func TestWishIn(t *testing.T) {
	const all = signals(1<<64 - 1)
	for name, test := range map[string]struct {
		state                                  string
		own, process, blocked, ignored, caught signals
		want                                   wish
	}{
		"timer":                        {state: "D", process: setOf(syscall.SIGALRM), caught: setOf(syscall.SIGALRM), want: wishAnswer},
		"Go's scheduler":               {state: "D", own: setOf(syscall.SIGURG), caught: all, want: wishAnswer},
		"a child has ended":            {state: "D", process: setOf(syscall.SIGCHLD), want: wishAnswer},
		"taken by another thread":      {state: "D", want: wishAnswer},
		"stop":                         {state: "D", process: setOf(syscall.SIGTSTP), want: wishAnswer},
		"Ctrl-C":                       {state: "D", own: setOf(syscall.SIGKILL), process: setOf(syscall.SIGINT), want: wishNone},
		"Ctrl-C that is caught":        {state: "D", process: setOf(syscall.SIGINT), caught: setOf(syscall.SIGINT), want: wishEnd},
		"Ctrl-C that is ignored":       {state: "D", process: setOf(syscall.SIGINT), ignored: setOf(syscall.SIGINT), want: wishAnswer},
		"Ctrl-C that is blocked":       {state: "D", process: setOf(syscall.SIGINT), blocked: setOf(syscall.SIGINT), want: wishAnswer},
		"Ctrl-\\":                      {state: "D", process: setOf(syscall.SIGQUIT), want: wishNone},
		"timer that is not caught":     {state: "D", process: setOf(syscall.SIGALRM), want: wishNone},
		"real time":                    {state: "D", process: 1 << 40, caught: 1 << 40, want: wishAnswer},
		"real time that is not caught": {state: "D", process: 1 << 40, want: wishNone},
		"killed, all blocked":          {state: "D", own: setOf(syscall.SIGKILL), blocked: all &^ setOf(syscall.SIGKILL, syscall.SIGSTOP), want: wishNone},
		"waits no more":                {state: "S", want: wishEnd},
	} {
		status := fmt.Sprintf("Name:\tState\nState:\t%s (somehow)\nTgid:\t1\nSigQ:\t0/1\nSigPnd:\t%016x\nShdPnd:\t%016x\nSigBlk:\t%016x\nSigIgn:\t%016x\nSigCgt:\t%016x\nCapInh:\t0\n",
			test.state, test.own, test.process, test.blocked, test.ignored, test.caught)
		if got := wishIn(status); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
	for thread, want := range map[uint32]wish{0: wishEnd, 1 << 30: wishEnd} {
		if got := wishOf(thread); got != want {
			t.Errorf("thread %d: %d, want %d", thread, got, want)
		}
	}
}
