package fs

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// fifo returns a FIFO on which children wait until the test ends.
func fifo(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		file.WriteString("\n")
		file.Close()
	})
	return name
}

// An fcntl(2) lock ends with its process, although a child has the descriptor, and with the end of
// any descriptor of the file that the process closes. Also of one that was opened to be read only.
func TestFcntlLockThroughReadOnlyDescriptor(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f", "data")
	far := w.second()
	far.want("ok", "open", "1", "f", "rw")

	t.Run("ends with its process", func(t *testing.T) {
		for _, time := range []string{"first", "second"} {
			a := newAgent(t, w.dir)
			a.want("ok", "open", "1", "f", "r")
			a.want("ok", "setlk", "1", "r", "0", "0")
			far.want("EAGAIN", "setlk", "1", "w", "0", "0")
			a.want("ok", "lend", "1", fifo(t))
			a.cmd.Process.Kill()
			far.eventually(w, "ok", "setlk", "1", "w", "0", "0")
			far.want("ok", "setlk", "1", "u", "0", "0")
			if t.Failed() {
				t.Fatalf("the %s time", time)
			}
		}
	})
	t.Run("ends with another descriptor", func(t *testing.T) {
		a := newAgent(t, w.dir)
		a.want("ok", "open", "1", "f", "r")
		a.want("ok", "setlk", "1", "r", "0", "0")
		far.want("EAGAIN", "setlk", "1", "w", "0", "0")
		a.want("ok", "open", "2", "f", "r")
		a.want("ok", "close", "2")
		far.want("ok", "setlk", "1", "w", "0", "0")
		far.want("ok", "setlk", "1", "u", "0", "0")
	})
	t.Run("ends with the descriptor that a child has too", func(t *testing.T) {
		a := newAgent(t, w.dir)
		a.want("ok", "open", "1", "f", "r")
		a.want("ok", "setlk", "1", "r", "0", "0")
		a.want("ok", "lend", "1", fifo(t))
		a.want("ok", "close", "1")
		far.want("ok", "setlk", "1", "w", "0", "0")
		far.want("ok", "setlk", "1", "u", "0", "0")
	})
}

// What is only read costs no FLUSH, until a process asks for a lock.
func TestFlushOfWhatIsOnlyRead(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f", "data")
	flushes := func() int64 { return w.fs.Stats().Operations["FLUSH"].Count }
	w.want(`ok "data"`, "cat", "f")
	if n := flushes(); n != 0 {
		t.Errorf("%d FLUSH", n)
	}
	w.want("ok", "open", "1", "f", "r")
	w.want("ok", "setlk", "1", "r", "0", "0")
	w.want("ok", "close", "1")
	w.want(`ok "data"`, "cat", "f")
	if n := flushes(); n != 1 {
		t.Errorf("%d FLUSH after a lock", n)
	}
}
