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

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/zkfs/zkfs/internal/child"
)

// agentVariable makes the test binary an agent, which makes one system call for each order that it
// gets. A process that uses files of a mount which it serves itself can wait for itself for ever,
// so all tests on a mount have an agent.
const agentVariable = "ZKFS_TEST_AGENT"

func TestMain(m *testing.M) {
	if value := os.Getenv(PokerVariable); value != "" {
		RunPoker(value, os.Stdin, os.Stdout)
		os.Exit(0)
	}
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
	// The shell enters the mount, not this process between fork and exec: those two share what the kernel would wait for.
	cmd := exec.Command("/bin/sh", "-c", `cd "$1" && exec "$2"`, "sh", dir, os.Args[0])
	// Without the first of the two each agent ends a second late. Without the second its own
	// runtime interrupts calls.
	cmd.Env = append(os.Environ(), agentVariable+"=1", "GORACE=atexit_sleep_ms=0", "GODEBUG=asyncpreemptoff=1")
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
		fmt.Fprintln(out, agentAnswer(files, words))
	}
}

// agentAnswer makes a call and returns the answer: "ok", possibly with a value, the name of an
// error of the kernel, or "error" with what is wrong. A call whose words are unknown, malformed or
// missing panics, which is an answer of that kind.
func agentAnswer(files map[string]*os.File, words []string) (answer string) {
	defer func() {
		if wrong := recover(); wrong != nil {
			answer = fmt.Sprint("error ", wrong)
		}
	}()
	value, err := agentCall(files, words[0], words[1:])
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
		return unix.ErrnoName(errno)
	case err != nil:
		return fmt.Sprint("error ", err)
	case value == "":
		return "ok"
	}
	return "ok " + value
}

// pick returns what the table has for the word.
func pick[T any](table map[string]T, word string) T {
	value, ok := table[word]
	if !ok {
		panic(fmt.Sprintf("unknown word %q", word))
	}
	return value
}

// number reads a number in decimal.
func number(word string) int64 {
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// octal reads the mode of a file.
func octal(word string) uint32 {
	n, err := strconv.ParseUint(word, 8, 32)
	if err != nil {
		panic(err)
	}
	return uint32(n)
}

var agentFlags = map[string]int{
	"r": os.O_RDONLY, "w": os.O_WRONLY, "rw": os.O_RDWR, "creat": os.O_CREATE, "excl": os.O_EXCL, "trunc": os.O_TRUNC, "append": os.O_APPEND,
	"directory": unix.O_DIRECTORY, "nofollow": unix.O_NOFOLLOW, "nonblock": unix.O_NONBLOCK, "sync": unix.O_SYNC, "direct": unix.O_DIRECT,
}

// openFlags reads FLAG+FLAG...
func openFlags(names string) (flags int) {
	for _, name := range strings.Split(names, "+") {
		flags |= pick(agentFlags, name)
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
		_, err := f.Write(make([]byte, number(args[1])))
		return "", err
	case "read":
		data, err := io.ReadAll(f)
		return strconv.Quote(string(data)), err
	case "pread": // ID OFFSET LENGTH
		buf := make([]byte, number(args[2]))
		n, err := f.ReadAt(buf, number(args[1]))
		if err == io.EOF {
			err = nil
		}
		return strconv.Quote(string(buf[:n])), err
	case "seek":
		_, err := f.Seek(number(args[1]), io.SeekStart)
		return "", err
	case "ftruncate":
		return "", f.Truncate(number(args[1]))
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
			flags |= pick(how, name)
		}
		return "", unix.Flock(int(f.Fd()), flags)
	case "lend": // ID FIFO: to a child that lives until the FIFO is written to
		child := exec.Command("/bin/sh", "-c", `read x < "$1"`, "sh", args[1])
		child.ExtraFiles = []*os.File{f}
		return "", child.Start()
	case "setlk": // ID TYPE START LENGTH
		types := map[string]int16{"r": unix.F_RDLCK, "w": unix.F_WRLCK, "u": unix.F_UNLCK}
		return "", unix.FcntlFlock(f.Fd(), unix.F_SETLK, &unix.Flock_t{Type: pick(types, args[1]), Start: number(args[2]), Len: number(args[3])})
	case "setlkw": // ID r|w
		types := map[string]int16{"r": unix.F_RDLCK, "w": unix.F_WRLCK}
		return "", unix.FcntlFlock(f.Fd(), unix.F_SETLKW, &unix.Flock_t{Type: pick(types, args[1])})
	case "getlk": // ID r|w
		types := map[string]int16{"r": unix.F_RDLCK, "w": unix.F_WRLCK}
		lk := unix.Flock_t{Type: pick(types, args[1])}
		err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, &lk)
		return fmt.Sprintf("%s pid=%d", map[int16]string{unix.F_RDLCK: "r", unix.F_WRLCK: "w", unix.F_UNLCK: "u"}[lk.Type], lk.Pid), err
	}
	if value, err, ok := agentPageCall(files, call, args); ok {
		return value, err
	}
	if value, err, ok := agentWatchCall(call, args); ok {
		return value, err
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
		return "", unix.Access(args[0], pick(how, args[1]))
	case "setuid":
		id := int(number(args[0]))
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
	case "rename2": // OLD NEW noreplace|exchange|whiteout, joined by +
		how := map[string]uint{"noreplace": unix.RENAME_NOREPLACE, "exchange": unix.RENAME_EXCHANGE, "whiteout": unix.RENAME_WHITEOUT}
		flags := uint(0)
		for _, name := range strings.Split(args[2], "+") {
			flags |= pick(how, name)
		}
		return "", unix.Renameat2(unix.AT_FDCWD, args[0], unix.AT_FDCWD, args[1], flags)
	case "truncate":
		return "", unix.Truncate(args[0], number(args[1]))
	case "touch":
		return "", unix.UtimesNanoAt(unix.AT_FDCWD, args[0], nil, 0)
	case "chmod":
		mode := uint32(0o600)
		if len(args) > 1 {
			mode = octal(args[1])
		}
		return "", unix.Chmod(args[0], mode)
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
