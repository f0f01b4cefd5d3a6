package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// What a process says as it dies, and by which signal it was killed, it can not log itself, and in
// the background nothing reads its standard error. So its companion logs it, in its place.

// catchCrash makes what this process says in a panic, and the stacks of SIGQUIT, come out of r too.
// Only the runtime holds the other end, and only the reader this one: where no process reads it,
// dying does not wait.
func catchCrash() (r *os.File, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close() // the runtime has a descriptor of its own
	if err := debug.SetCrashOutput(w, debug.CrashOptions{}); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// moveStderr leaves descriptor 2 to the runtime, and gives os.Stderr another one.
func moveStderr() error {
	fd, err := unix.FcntlInt(2, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return err
	}
	os.Stderr = os.NewFile(uintptr(fd), os.Stderr.Name())
	log.SetOutput(os.Stderr)
	return nil
}

// muteRuntime ends what the runtime prints itself, because a companion writes it to the same
// stream: the runtime prints in pieces, between which whole lines of another process would come.
func muteRuntime() error {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	return unix.Dup2(int(null.Fd()), 2)
}

// crashPatience is how long the rest of what a dead process has said may take, and the kernel to
// tell how it died.
const crashPatience = 2 * time.Second

// A mourner logs the death of a process.
type mourner struct {
	log  func() *slog.Logger
	said chan struct{} // closed at the end of what it says
	any  bool          // it has said something; valid after said
}

// mourn begins to log what a process says as it dies. log is called when it does: a log file may
// have been rotated since the start.
func mourn(log func() *slog.Logger, last io.Reader) *mourner {
	m := &mourner{log: sync.OnceValue(log), said: make(chan struct{})}
	go func() { // ends with the other process, at the latest with this one
		defer close(m.said)
		for lines := bufio.NewScanner(last); lines.Scan(); {
			if text := lines.Text(); text != "" {
				m.any = true
				m.log().Error(text)
			}
		}
		io.Copy(io.Discard, last) // a line was too long, and the process must not wait
	}()
	return m
}

// died logs how the process has died, after what it has said. how is "" if the kernel does not tell.
func (m *mourner) died(how string) {
	select {
	case <-m.said:
		if m.any {
			how = cmp.Or(how, "it has crashed")
		}
	case <-time.After(crashPatience): // a child of the process holds the other end
	}
	m.log().Error("ended", "how", cmp.Or(how, "killed by a signal"))
}

// howEnded puts the status of wait(2) into words.
func howEnded(status int) string {
	if signal := status & 0x7f; signal != 0 {
		return fmt.Sprintf("killed by signal %d", signal)
	}
	return fmt.Sprintf("exit code %d", status>>8&0xff)
}
