package main

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// handedVariable is the environment variable that names the descriptor of a pipe with the credentials.
const handedVariable = "_ZKFS_AUTH_FD"

// hideSecrets takes the credentials of ZKFS_AUTH away from where others see them, and keeps the memory of this process from
// debuggers and out of core dumps, root's excepted.
//
// /proc/PID/environ shows the environment that a program was started with, whatever it does about it. So the program is started
// anew, in the same process, and finds the credentials in a pipe. Then os.Getenv knows them as before.
func hideSecrets() error {
	number, given := os.Getenv(handedVariable), os.Getenv(authVariable)
	switch {
	case number != "":
		if err := receiveCredentials(number); err != nil {
			return err
		}
	case given != "":
		return startAnew(given)
	}
	return hideMemory()
}

func receiveCredentials(number string) error {
	os.Unsetenv(handedVariable)
	fd, err := strconv.ParseUint(number, 10, 31)
	if err != nil {
		return usagef("the environment variable %s is not for users", handedVariable)
	}
	pipe := os.NewFile(uintptr(fd), "credentials")
	defer pipe.Close()
	text, err := io.ReadAll(pipe)
	if err != nil {
		return fmt.Errorf("credentials: %w", err)
	}
	return os.Setenv(authVariable, string(text))
}

// pipeSize is how much fits into a pipe before somebody reads (pipe(7)).
const pipeSize = 64 << 10

// startAnew runs this program from its beginning, and returns only if that fails.
func startAnew(credentials string) error {
	if len(credentials) > pipeSize {
		return usagef("%s has more than %d bytes", authVariable, pipeSize).hinting("use --auth-file")
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	if _, err := w.WriteString(credentials); err != nil {
		return err
	}
	w.Close() // the end of what there is to read
	fd := r.Fd()
	if _, err := unix.FcntlInt(fd, unix.F_SETFD, 0); err != nil { // stays open
		return err
	}
	environ := append(withoutVariable(os.Environ(), authVariable), fmt.Sprintf("%s=%d", handedVariable, fd))
	return fmt.Errorf("start %s: %w", exe, unix.Exec(exe, os.Args, environ))
}
