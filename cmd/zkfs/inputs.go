package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

// inputs is what a command reads once, before it does anything else: the credentials of the
// environment, and the files that flags name. Such a file may be a pipe of the shell, as in
// --auth-file <(pass zk), which a daemon does not have and none can read twice. So a command hands
// its inputs to its daemon.
type inputs struct {
	Auth  []byte            // of ZKFS_AUTH
	Files map[string][]byte // by the flag, which has no dashes here

	handed bool // all that there is to read is in Files
}

// newInputs returns the inputs of a command whose environment holds the credentials auth.
func newInputs(auth string) *inputs {
	return &inputs{Auth: []byte(auth), Files: map[string][]byte{}}
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

// file returns what is in the file that a flag names. check, unless it is nil, says what kind of
// file it must not be.
func (in *inputs) file(c *cli.Context, flag string, check func(flag, name string, info os.FileInfo) error) ([]byte, error) {
	if text, ok := in.Files[flag]; ok || in.handed {
		return text, nil
	}
	name := c.String(flag)
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
	return text, nil
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

// isSecret is the check for a file that nobody but its owner may access.
func isSecret(flag, name string, info os.FileInfo) error {
	if info.Mode()&0o077 != 0 {
		return usagef("--%s %s: other users may access it (mode %04o)", flag, name, info.Mode().Perm()).
			hinting("chmod 600 " + name)
	}
	return nil
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
