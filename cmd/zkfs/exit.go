package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"
)

// The exit codes. They are a contract with scripts: docs/exit-codes.md describes them, and testdata/script has a
// script named after each.
const (
	exitOK         = 0
	exitUsage      = 1  // the command line, or a file that it names, is not understood
	exitMountpoint = 10 // the mount point can not be used
	exitMounted    = 11 // something of zkfs is mounted there already, dead or alive
	exitConnect    = 12 // no server takes the session within --connect-timeout
	exitAuth       = 13 // the servers refuse the credentials, or the access without them
	exitChroot     = 14 // the znode does not exist, or that of the source
	exitFUSE       = 15 // the system lacks FUSE, or does not allow it
	exitLost       = 16 // the mount ended without having been unmounted
	exitNotLocked  = 17 // the lock is not free, or was not in time
	exitLockLost   = 18 // the lock was lost while the command ran
	exitExists     = 19 // the znode exists already
	exitVersion    = 20 // the znode has another version than the one given
	exitNotEmpty   = 21 // the znode has children
	exitRefused    = 22 // the servers refuse the request for another reason
	exitNotDone    = 23 // a tree could not be read or written, or not whole

	// As shells have them, for a command that `zkfs lock` or `zkfs register` is to run.
	exitNotRunnable = 126
	exitNotFound    = 127
	exitUnread      = 128 + int(syscall.SIGPIPE) // no process reads what the command prints
)

// failure ends a command with an exit code of its own.
type failure struct {
	code int
	err  error
	hint string // the way out
}

func failf(code int, format string, args ...any) *failure {
	return &failure{code: code, err: fmt.Errorf(format, args...)}
}

func usagef(format string, args ...any) *failure { return failf(exitUsage, format, args...) }

// hinting adds the way out.
func (f *failure) hinting(hint string) *failure {
	f.hint = hint
	return f
}

// about puts before the text of a failure what it is about.
func about(name string, err error) error {
	f, ok := errors.AsType[*failure](err)
	if !ok {
		return err
	}
	return failf(f.code, "%s: %w", name, f.err).hinting(f.hint)
}

func (f *failure) Error() string { return f.err.Error() }

func (f *failure) Unwrap() error { return f.err }

// told ends a command whose error another process has told already.
type told int

func (t told) Error() string { return fmt.Sprintf("exit code %d", int(t)) }

// report tells the user why the command failed and returns its exit code.
func report(w io.Writer, err error) int {
	var t told
	var f *failure
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &t):
		return int(t)
	case unread(err):
		return exitUnread
	}
	if isJournal(w) {
		w = journalErrors{w}
	}
	for _, err := range separate(err) {
		say(w, "%v", err)
	}
	if !errors.As(err, &f) {
		return exitUsage
	}
	if f.hint != "" {
		say(w, "hint: %s", f.hint)
	}
	return f.code
}

// unread reports whether err is that of a write to a pipe without readers. One of a connection to a
// server is of another type.
func unread(err error) bool {
	f, ok := errors.AsType[*fs.PathError](err)
	return ok && f.Op == "write" && errors.Is(f.Err, syscall.EPIPE)
}

// separate returns the errors that errors.Join has made one, also one of several, or err alone.
func separate(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var texts []string
	for _, e := range joined.Unwrap() {
		texts = append(texts, e.Error())
	}
	if strings.Join(texts, "\n") != err.Error() { // a text of its own, around several errors
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, separate(e)...)
	}
	return all
}
