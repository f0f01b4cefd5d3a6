package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/zkfs/zkfs/internal/printable"
)

// errNoPassword is the error of a standard input that ends before a password.
var errNoPassword = errors.New("it ended before the password")

// passwords asks for passwords: people at a terminal, where they are not shown, and a program by a
// line of standard input each. No password is ever part of a command line, which all users see.
type passwords struct {
	z     *command
	lines *bufio.Reader
}

// of returns the password of a user.
func (p *passwords) of(user string) (string, error) {
	if !isTerminal(p.z.in) {
		if p.lines == nil {
			p.lines = bufio.NewReader(p.z.in)
		}
		text, err := passwordLine(p.lines)
		if err != nil {
			return "", usagef("standard input: %s", plain(err)).hinting("a line of it is the " +
				"password of digest:" + user)
		}
		return text, nil
	}
	first, err := p.prompt("password of digest:" + user + ": ")
	if err != nil {
		return "", err
	}
	again, err := p.prompt("once more: ")
	if err == nil && again != first {
		err = usagef("the two passwords differ")
	}
	return first, err
}

func passwordLine(r *bufio.Reader) (string, error) {
	text, err := r.ReadString('\n')
	if ended, ok := strings.CutSuffix(text, "\n"); ok {
		text = strings.TrimSuffix(ended, "\r")
	}
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return "", err
	case text == "":
		return "", errNoPassword
	}
	return text, nil
}

// prompt reads a line of the terminal without showing it. A signal ends that, and the terminal
// shows again what is typed.
func (p *passwords) prompt(text string) (string, error) {
	f := p.z.in.(*os.File)
	fd := int(f.Fd())
	old, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return "", usagef("standard input: %s", plain(err))
	}
	signals := catch()
	defer signals.stop()
	silent := *old
	silent.Lflag &^= unix.ECHO
	silent.Lflag |= unix.ECHONL | unix.ICANON | unix.ISIG
	if err := unix.IoctlSetTermios(fd, setTermios, &silent); err != nil {
		return "", usagef("standard input: %s", plain(err))
	}
	defer unix.IoctlSetTermios(fd, setTermios, old)
	io.WriteString(p.z.err, "zkfs: "+printable.Line(text))
	var line string
	read := make(chan error, 1)
	go func() { // ends with the line, or with the process
		var err error
		line, err = passwordLine(bufio.NewReaderSize(f, 16)) // the terminal gives one line at a time
		read <- err
	}()
	select {
	case err := <-read:
		if err != nil {
			return "", usagef("standard input: %s", plain(err))
		}
		return line, nil
	case s := <-signals.c:
		io.WriteString(p.z.err, "\n")
		return "", told(128 + int(s.(syscall.Signal)))
	}
}
