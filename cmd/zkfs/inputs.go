package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

// inputs is what a command reads before it does anything else: the credentials of the environment,
// and the files that flags name. Such a file may be a pipe of the shell, as in --auth-file <(pass
// zk), which a daemon does not have and none can read twice. So a command hands its inputs to its
// daemon.
type inputs struct {
	Auth  []byte            // of ZKFS_AUTH
	Files map[string][]byte // by the flag, which has no dashes here
	Names map[string]string // of those of Files that can be read again, absolute; likewise

	handed bool // all that there is to read is in Files
}

// newInputs returns the inputs of a command whose environment holds the credentials auth.
func newInputs(auth string) *inputs {
	return &inputs{Auth: []byte(auth), Files: map[string][]byte{}, Names: map[string]string{}}
}

// receiveInputs returns the inputs that a command hands to its daemon by r.
func receiveInputs(r io.Reader) (*inputs, error) {
	in := newInputs("")
	if err := json.NewDecoder(r).Decode(in); err != nil {
		return nil, fmt.Errorf("from the command that waits: %w", err)
	}
	in.handed = true
	return in, nil
}

// hand returns what receiveInputs reads.
func (in *inputs) hand() ([]byte, error) { return json.Marshal(in) }

// again returns inputs that read once more what can be read again, and hold the rest.
func (in *inputs) again() *inputs {
	next := &inputs{Auth: in.Auth, Files: map[string][]byte{}, Names: in.Names}
	for flag, text := range in.Files {
		if in.Names[flag] == "" {
			next.Files[flag] = text
		}
	}
	return next
}

// file returns what is in the file that a flag names. check, unless it is nil, says what kind of
// file it must not be.
func (in *inputs) file(c *cli.Context, flag string, check func(flag, name string, info os.FileInfo) error) ([]byte, error) {
	if text, ok := in.Files[flag]; ok || in.handed {
		return text, nil
	}
	name := cmp.Or(in.Names[flag], c.String(flag))
	f, err := openInput(flag, name, check)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	patience := timeOf(c, "connect-timeout")
	if patience == 0 { // of a command that opens no session
		patience = timeOf(c, "timeout")
	}
	text, err := readInput(f, patience)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, usagef("--%s %s: its end did not come within %v", flag, name, patience).
			hinting("it is no regular file: does a program write to it?")
	case err != nil:
		return nil, usagef("--%s: %s", flag, plain(err))
	}
	in.Files[flag] = text
	if in.Names[flag] == "" && lasts(f) {
		in.Names[flag], err = absolute(name)
	}
	return text, err
}

// lasts reports whether the file will be found under its name by each process, and at each time.
func lasts(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular() &&
		!strings.HasPrefix(f.Name(), "/dev/") && !strings.HasPrefix(f.Name(), "/proc/")
}

// openInput opens the file that a flag names, without waiting for a writer of a pipe.
func openInput(flag, name string, check func(flag, name string, info os.FileInfo) error) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, usagef("--%s: %s", flag, plain(err))
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		err = usagef("--%s: %s", flag, plain(err))
	case check != nil:
		err = check(flag, name, info)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// isSecret is the check for a file that no other user may access.
func isSecret(flag, name string, info os.FileInfo) error {
	if info.Mode()&0o077 != 0 && !isShared(info) {
		return usagef("--%s %s: other users may access it (mode %04o)", flag, name, info.Mode().Perm()).
			hinting("chmod 600 " + name)
	}
	return nil
}

// isShared reports whether root has given a file to the members of a group to read, of which this
// process is one, or to root's. Kubernetes gives secrets to the group of a pod like that (fsGroup),
// and no user can make such a file.
func isShared(info os.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Uid != 0 || info.Mode()&0o037 != 0 {
		return false
	}
	groups, _ := os.Getgroups() // without them there is the group of the process
	return st.Gid == 0 || slices.Contains(append(groups, os.Getegid()), int(st.Gid))
}

// maxInput bounds what is read from a file. The authorities of a system take a quarter of a
// megabyte.
const maxInput = 4 << 20

// readInput reads to the end of the file, which must come in time.
func readInput(f *os.File, patience time.Duration) ([]byte, error) {
	deadline := time.Now().Add(patience)
	f.SetReadDeadline(deadline) // fails if reads do not wait
	if err := awaitWriter(f, deadline); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxInput+1))
	if err == nil && len(text) > maxInput {
		err = fmt.Errorf("%s: more than %d bytes", f.Name(), maxInput)
	}
	return text, err
}

// awaitWriter returns when the file can be read. A named pipe that no process has yet opened for
// writing reads as if it had ended; but poll(2) waits for the first one.
func awaitWriter(f *os.File, deadline time.Time) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var waited error
	err = raw.Control(func(fd uintptr) {
		for waited = syscall.EINTR; errors.Is(waited, syscall.EINTR); {
			left := max(0, time.Until(deadline))
			var ready int
			ready, waited = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(left.Milliseconds())+1)
			if waited == nil && ready == 0 {
				waited = os.ErrDeadlineExceeded
			}
		}
	})
	return errors.Join(err, waited)
}
