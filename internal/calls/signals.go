package calls

import (
	"context"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The kernel tells once that a signal has come for a thread that waits, and not which; from then on
// the thread waits whatever comes (kernel fact 38). An answer of EINTR makes the system call fail,
// with SA_RESTART too (kernel fact 39). What the thread was sent stands in /proc, and may become
// more.

// Grace is how long a request that a signal interrupted may still be answered. One that only asks
// may take as long as any other if the signal is not one that ends programs: those with timers or
// Go's scheduler get signals all the time, and do not expect open(2) or stat(2) to fail for it.
const Grace = time.Second

// A wish is what becomes of a request whose caller got a signal.
type wish int

const (
	wishAnswer wish = iota // the signal is one that programs get all the time, such as that of a timer
	wishEnd                // EINTR, if the answer does not come soon
	wishNone               // no program is left that could see an answer
)

// look is how often it is looked for what the thread was sent.
const look = 100 * time.Millisecond

// heed calls cancel when the caller of an interrupted request, a thread, has waited as long as its
// signals let it, unless ctx ends before.
func heed(ctx context.Context, cancel context.CancelFunc, thread uint32) {
	ticks := time.NewTicker(look)
	defer ticks.Stop()
	for left := Grace; ; left -= look {
		switch wishOf(thread) {
		case wishAnswer:
			left = Grace
		case wishNone:
			left = 0
		}
		if left <= 0 {
			cancel()
			return
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}

// wishOf returns what a thread wants that waits for an answer. Of one in another PID namespace,
// number 0, nothing is known.
func wishOf(thread uint32) wish {
	if thread == 0 {
		return wishEnd
	}
	status, err := os.ReadFile("/proc/" + strconv.FormatUint(uint64(thread), 10) + "/status")
	if err != nil {
		return wishEnd
	}
	return wishIn(string(status))
}

// signals is a set of signals.
type signals uint64

func setOf(all ...syscall.Signal) (s signals) {
	for _, one := range all {
		s |= 1 << (one - 1)
	}
	return s
}

var (
	// harmless are those that do not end a program which does nothing about them (signal(7)).
	harmless = setOf(syscall.SIGCHLD, syscall.SIGCONT, syscall.SIGURG, syscall.SIGWINCH,
		syscall.SIGSTOP, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU)
	// endings are those by which users and other programs ask a program to end.
	endings = setOf(syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM)
)

// wishIn is wishOf by the status of the thread (proc_pid_status(5)). One that does not wait any
// more needs no answer.
func wishIn(status string) wish {
	var pending, blocked, ignored, caught signals
	waits := false
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		set, _ := strconv.ParseUint(value, 16, 64) // 0 for other fields
		switch name {
		case "State":
			waits = strings.HasPrefix(value, "D")
		case "SigPnd", "ShdPnd":
			pending |= signals(set)
		case "SigBlk":
			blocked = signals(set)
		case "SigIgn":
			ignored = signals(set)
		case "SigCgt":
			caught = signals(set)
		}
	}
	pending &^= blocked | ignored
	switch {
	case pending&^(caught|harmless) != 0:
		return wishNone
	case !waits || pending&endings != 0:
		return wishEnd
	default:
		return wishAnswer
	}
}
