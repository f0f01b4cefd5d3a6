package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"time"
)

// A thread that waits for an answer of a mount can hold up the end of its process: once the mount
// has read the question, no signal ends the wait (fs/fuse/dev.c, request_wait_answer). So
// `zkfs status` runs in a process of its own, and ends when that one has told all.

const (
	// apartVariable is the environment variable that tells a process that it is apart: awaited, or
	// abandoned by the process that started it when that has no more time.
	apartVariable = "_ZKFS_APART"
	awaited       = "awaited"
	abandoned     = "abandoned"

	// codeFD is the descriptor on which one that is awaited tells its exit code.
	codeFD = 3
)

// apart are the commands that may wait for a mount.
var apart = []string{"status"}

// runApart runs the command that args name in another process, if it is one of apart and this
// process is not that one. It returns its exit code. Help asks no mount, and is as wide as the
// terminal, which the other process does not see.
func runApart(args []string) (code int, ok bool) {
	help := slices.Contains(args, "--help") || slices.Contains(args, "-h")
	if len(args) == 0 || !slices.Contains(apart, args[0]) || help || os.Getenv(apartVariable) != "" {
		return 0, false
	}
	code, err := waitApart(args)
	if err != nil {
		return report(os.Stderr, err), true
	}
	return code, true
}

func waitApart(args []string) (code int, err error) {
	exe, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(exe, args...)
	cmd.Args[0] = "zkfs"
	cmd.Env = append(withoutVariable(os.Environ(), authVariable), apartVariable+"="+awaited)
	cmd.Stdin = os.Stdin
	var ends [3]struct{ r, w *os.File } // of standard output, standard error and the exit code
	for i := range ends {
		if ends[i].r, ends[i].w, err = os.Pipe(); err != nil {
			return 0, err
		}
		defer ends[i].r.Close()
	}
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = ends[0].w, ends[1].w, []*os.File{ends[2].w}
	err = cmd.Start()
	for _, end := range ends {
		end.w.Close()
	}
	if err != nil {
		return 0, err
	}
	copied := make(chan error, 2)
	for i, to := range []io.Writer{os.Stdout, os.Stderr} {
		go func() { // ends with the process, or soon after it has told its exit code
			_, err := io.Copy(to, ends[i].r)
			copied <- err
		}()
	}
	answer := make([]byte, 1)
	_, err = ends[2].r.Read(answer)
	for i := range 2 { // what it has written is there, but it may not end
		ends[i].r.SetReadDeadline(time.Now().Add(time.Second))
	}
	for range 2 {
		<-copied
	}
	if err != nil { // it has ended otherwise
		return 0, outcomeApart(cmd.Wait())
	}
	return int(answer[0]), nil
}

func outcomeApart(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return told(exit.ExitCode())
	}
	return err
}

// tellApart tells the process that waits for this one, if there is one, the exit code.
func tellApart(code int) {
	if os.Getenv(apartVariable) != awaited {
		return
	}
	os.NewFile(codeFD, "exit code").Write([]byte{byte(code)}) // fails if it does not wait any more
}
