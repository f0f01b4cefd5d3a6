package fs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// A process that uses files of a mount which it serves itself can wait for itself for ever. So the tests have an agent: this
// test binary once more, which makes one system call for each line that it reads, and answers with a line.
const agentVariable = "ZKFS_TEST_AGENT"

func TestMain(m *testing.M) {
	if os.Getenv(agentVariable) != "" {
		runAgent(os.Stdin, os.Stdout)
		os.Exit(0)
	}
	code := m.Run()
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// agent is a child process that works in a mount.
type agent struct {
	t       *testing.T
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers chan string
}

// patience is how long the agent may take for a call: a hung mount must fail the test, not hang it.
const agentPatience = 20 * time.Second

// newAgent starts an agent in the directory dir.
func newAgent(t *testing.T, dir string) *agent {
	t.Helper()
	// The shell enters the mount, not this process between fork and exec: those two share what the kernel would wait for.
	cmd := exec.Command("/bin/sh", "-c", `cd "$1" && exec "$2"`, "sh", dir, os.Args[0])
	cmd.Env = append(os.Environ(), agentVariable+"=1", "GORACE=atexit_sleep_ms=0") // else each agent ends a second late
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
	a := &agent{t: t, cmd: cmd, in: in, answers: make(chan string, 100)}
	go func() { // ends with the agent
		defer close(a.answers)
		for s := bufio.NewScanner(out); s.Scan(); {
			a.answers <- s.Text()
		}
	}()
	t.Cleanup(a.end)
	return a
}

// end ends the agent, and with it what it has open.
func (a *agent) end() {
	a.in.Close()
	for range a.answers {
	}
	a.cmd.Wait()
}

// start sends a call without waiting for the answer.
func (a *agent) start(words ...string) {
	a.t.Helper()
	for i, w := range words {
		words[i] = strconv.Quote(w)
	}
	if _, err := io.WriteString(a.in, strings.Join(words, " ")+"\n"); err != nil {
		a.t.Fatal(err)
	}
}

// answer waits for the answer to the call that was started first.
func (a *agent) answer() string {
	a.t.Helper()
	select {
	case s, ok := <-a.answers:
		if !ok {
			a.t.Fatal("the agent is dead")
		}
		return s
	case <-time.After(agentPatience):
		a.cmd.Process.Kill()
		a.t.Fatal("the agent hangs")
	}
	return ""
}

// do makes a call and returns what it answers: "ok", possibly with a value, or the name of an error.
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

// runAgent is the life of an agent.
func runAgent(in io.Reader, out io.Writer) {
	files := map[string]*os.File{}
	s := bufio.NewScanner(in)
	s.Buffer(nil, 8<<20)
	for s.Scan() {
		var words []string
		for rest := s.Text(); rest != ""; {
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				panic(err)
			}
			word, _ := strconv.Unquote(quoted)
			words = append(words, word)
			rest = strings.TrimPrefix(rest[len(quoted):], " ")
		}
		value, err := agentCall(files, words[0], words[1:])
		var errno syscall.Errno
		switch {
		case errors.As(err, &errno):
			fmt.Fprintln(out, unix.ErrnoName(errno))
		case err != nil:
			fmt.Fprintln(out, "error", err)
		case value == "":
			fmt.Fprintln(out, "ok")
		default:
			fmt.Fprintln(out, "ok", value)
		}
	}
}

var agentFlags = map[string]int{
	"r": os.O_RDONLY, "w": os.O_WRONLY, "rw": os.O_RDWR, "creat": os.O_CREATE, "excl": os.O_EXCL, "trunc": os.O_TRUNC, "append": os.O_APPEND,
	"directory": unix.O_DIRECTORY, "nofollow": unix.O_NOFOLLOW, "nonblock": unix.O_NONBLOCK, "sync": unix.O_SYNC,
}

// openFlags reads FLAG+FLAG...
func openFlags(names string) (flags int) {
	for _, name := range strings.Split(names, "+") {
		flags |= agentFlags[name]
	}
	return flags
}

// agentCall makes one call. Files are named by the second word of open.
func agentCall(files map[string]*os.File, call string, args []string) (string, error) {
	var f *os.File
	if len(args) > 0 {
		f = files[args[0]]
	}
	switch call {
	case "open": // ID PATH FLAG+FLAG...
		opened, err := os.OpenFile(args[1], openFlags(args[2]), 0o666)
		files[args[0]] = opened
		return "", err
	case "write":
		_, err := f.WriteString(args[1])
		return "", err
	case "fill": // ID BYTES
		n, _ := strconv.Atoi(args[1])
		_, err := f.Write(make([]byte, n))
		return "", err
	case "read":
		data, err := io.ReadAll(f)
		return strconv.Quote(string(data)), err
	case "pread": // ID OFFSET LENGTH
		off, _ := strconv.Atoi(args[1])
		n, _ := strconv.Atoi(args[2])
		buf := make([]byte, n)
		n, err := f.ReadAt(buf, int64(off))
		if err == io.EOF {
			err = nil
		}
		return strconv.Quote(string(buf[:n])), err
	case "seek":
		off, _ := strconv.Atoi(args[1])
		_, err := f.Seek(int64(off), io.SeekStart)
		return "", err
	case "ftruncate":
		n, _ := strconv.Atoi(args[1])
		return "", f.Truncate(int64(n))
	case "fsync":
		return "", f.Sync()
	case "fstat":
		info, err := f.Stat()
		if err != nil {
			return "", err
		}
		st := info.Sys().(*syscall.Stat_t)
		return fmt.Sprintf("size=%d nlink=%d", st.Size, st.Nlink), nil
	case "readdir": // of an open directory
		names, err := f.Readdirnames(-1)
		sort.Strings(names)
		return strings.Join(names, " "), err
	case "close":
		return "", f.Close()
	case "dupclose": // what a shell does before it writes
		fd, err := unix.Dup(int(f.Fd()))
		if err != nil {
			return "", err
		}
		return "", unix.Close(fd)
	case "flock": // ID sh|ex|un|sh+nb|ex+nb
		how := map[string]int{"sh": unix.LOCK_SH, "ex": unix.LOCK_EX, "un": unix.LOCK_UN, "nb": unix.LOCK_NB}
		flags := 0
		for _, name := range strings.Split(args[1], "+") {
			flags |= how[name]
		}
		return "", unix.Flock(int(f.Fd()), flags)
	case "setlk": // ID TYPE START LENGTH
		start, _ := strconv.Atoi(args[2])
		length, _ := strconv.Atoi(args[3])
		types := map[string]int16{"r": unix.F_RDLCK, "w": unix.F_WRLCK, "u": unix.F_UNLCK}
		return "", unix.FcntlFlock(f.Fd(), unix.F_SETLK, &unix.Flock_t{Type: types[args[1]], Start: int64(start), Len: int64(length)})
	}
	return agentPathCall(files, call, args)
}

// agentPathCall makes a call that names files.
func agentPathCall(files map[string]*os.File, call string, args []string) (string, error) {
	switch call {
	case "cat":
		data, err := os.ReadFile(args[0])
		return strconv.Quote(string(data)), err
	case "put": // PATH DATA, as a shell does
		return "", os.WriteFile(args[0], []byte(args[1]), 0o666)
	case "create": // PATH DATA
		f, err := os.OpenFile(args[0], os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if err != nil {
			return "", err
		}
		_, err = f.WriteString(args[1])
		return "", errors.Join(err, f.Close())
	case "append": // PATH DATA
		f, err := os.OpenFile(args[0], os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
		if err != nil {
			return "", err
		}
		_, err = f.WriteString(args[1])
		return "", errors.Join(err, f.Close())
	case "ls":
		d, err := os.Open(args[0])
		if err != nil {
			return "", err
		}
		defer d.Close()
		names, err := d.Readdirnames(-1)
		sort.Strings(names)
		return strings.Join(names, " "), err
	case "stat":
		var st unix.Stat_t
		if err := unix.Lstat(args[0], &st); err != nil {
			return "", err
		}
		kind := map[uint32]string{unix.S_IFREG: "file", unix.S_IFDIR: "dir"}[st.Mode&unix.S_IFMT]
		return fmt.Sprintf("%s %04o size=%d nlink=%d", kind, st.Mode&0o7777, st.Size, st.Nlink), nil
	case "modes": // DIRECTORY NAME..., listed and then asked for
		return agentModes(args[0], args[1:])
	case "access": // PATH r|w|x
		how := map[string]uint32{"r": unix.R_OK, "w": unix.W_OK, "x": unix.X_OK}
		return "", unix.Access(args[0], how[args[1]])
	case "setuid":
		id, _ := strconv.Atoi(args[0])
		return "", errors.Join(syscall.Setgroups(nil), syscall.Setgid(id), syscall.Setuid(id))
	case "born": // in milliseconds
		var st unix.Statx_t
		err := unix.Statx(unix.AT_FDCWD, args[0], 0, unix.STATX_BTIME, &st)
		return strconv.FormatInt(st.Btime.Sec*1000+int64(st.Btime.Nsec)/1e6, 10), err
	case "ino":
		var st unix.Stat_t
		err := unix.Lstat(args[0], &st)
		return strconv.FormatUint(st.Ino, 10), err
	case "mkdir":
		return "", unix.Mkdir(args[0], 0o777)
	case "rmdir":
		return "", unix.Rmdir(args[0])
	case "unlink":
		return "", unix.Unlink(args[0])
	case "rename":
		return "", unix.Rename(args[0], args[1])
	case "rename2": // OLD NEW noreplace|exchange
		flags := map[string]uint{"noreplace": unix.RENAME_NOREPLACE, "exchange": unix.RENAME_EXCHANGE}
		return "", unix.Renameat2(unix.AT_FDCWD, args[0], unix.AT_FDCWD, args[1], flags[args[2]])
	case "truncate":
		n, _ := strconv.Atoi(args[1])
		return "", unix.Truncate(args[0], int64(n))
	case "touch":
		return "", unix.UtimesNanoAt(unix.AT_FDCWD, args[0], nil, 0)
	case "chmod":
		mode := uint64(0o600)
		if len(args) > 1 {
			mode, _ = strconv.ParseUint(args[1], 8, 32)
		}
		return "", unix.Chmod(args[0], uint32(mode))
	case "symlink":
		return "", unix.Symlink(args[0], args[1])
	case "link":
		return "", unix.Link(args[0], args[1])
	case "mkfifo":
		return "", unix.Mkfifo(args[0], 0o666)
	case "getxattr":
		buf := make([]byte, 65536)
		n, err := unix.Lgetxattr(args[0], args[1], buf)
		return string(buf[:max(n, 0)]), err
	case "mknod":
		return "", unix.Mknod(args[0], unix.S_IFREG|0o666, 0)
	case "setxattr":
		return "", unix.Lsetxattr(args[0], args[1], []byte(args[2]), 0)
	case "removexattr":
		return "", unix.Lremovexattr(args[0], args[1])
	case "listxattr":
		buf := make([]byte, 65536)
		n, err := unix.Llistxattr(args[0], buf)
		return strings.ReplaceAll(strings.TrimRight(string(buf[:max(n, 0)]), "\x00"), "\x00", " "), err
	}
	return agentRuleCall(files, call, args)
}

// agentModes lists a directory and returns the modes of some of its entries.
func agentModes(dir string, names []string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var found []string
	for _, e := range entries {
		if !slices.Contains(names, e.Name()) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return "", err
		}
		found = append(found, fmt.Sprintf("%s=%04o", e.Name(), info.Mode().Perm()))
	}
	return strings.Join(found, " "), nil
}
