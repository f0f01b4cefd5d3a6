package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"log/syslog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/zkfs/zkfs/internal/printable"
)

// logSettings says where the log of a mount goes, and how much of it.
type logSettings struct {
	File       string // absolute; "" for syslog, or standard error in the foreground
	Foreground bool
	Level      slog.Level
	JSON       bool
}

// open returns the log, and the file that it is written to, nil if it is none. Lines that repeat are
// counted until flushRepeats.
func (l logSettings) open(stderr io.Writer) (*slog.Logger, *logFile, error) {
	handler, file, err := l.handler(stderr)
	if err != nil {
		return nil, nil, err
	}
	return slog.New(newRepeatHandler(handler)), file, nil
}

// handler returns what writes the log.
func (l logSettings) handler(stderr io.Writer) (h slog.Handler, file *logFile, err error) {
	opts := &slog.HandlerOptions{Level: l.Level}
	newHandler := func(w io.Writer) slog.Handler {
		if l.JSON {
			return slog.NewJSONHandler(printable.JSON(w), opts)
		}
		return slog.NewTextHandler(w, opts)
	}
	switch {
	case l.File != "":
		if file, err = openLogFile(l.File); err != nil {
			return nil, nil, err
		}
		return newHandler(file), file, nil
	case l.Foreground && isJournal(stderr):
		opts.ReplaceAttr = l.withoutTimeAndLevel
		return newSystemHandler(newHandler, toJournal(stderr)), nil, nil
	case l.Foreground:
		return newHandler(stderr), nil, nil
	}
	system, err := syslog.New(syslog.LOG_DAEMON|syslog.LOG_INFO, "zkfs")
	if err != nil { // there is none
		return slog.DiscardHandler, nil, nil
	}
	opts.ReplaceAttr = l.withoutTimeAndLevel
	return newSystemHandler(newHandler, toSyslog(system)), nil, nil
}

// withoutTimeAndLevel leaves out what the log of the system adds itself. A program that reads JSON
// finds the level in it all the same.
func (l logSettings) withoutTimeAndLevel(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey && !l.JSON) {
		return slog.Attr{}
	}
	return a
}

// logFile is a file that can be opened again under its name.
type logFile struct {
	path string

	mu sync.Mutex // guards f
	f  *os.File
}

func openLogFile(path string) (*logFile, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, usagef("--log-file: %s", plain(err))
	}
	l := &logFile{path: abs}
	if err := l.reopen(); err != nil {
		return nil, usagef("--log-file: %s", plain(err))
	}
	return l, nil
}

func (l *logFile) reopen() error {
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	l.mu.Lock()
	old := l.f
	l.f = f
	l.mu.Unlock()
	if old != nil {
		return old.Close()
	}
	return nil
}

// reopenOn opens the file again, after it was renamed by whoever rotates logs, at each signal until stop is called.
func (l *logFile) reopenOn(sig os.Signal, log *slog.Logger) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, sig)
	go func() { // ends when stop closes the channel
		for range signals {
			if err := l.reopen(); err != nil {
				log.Error("reopen the log", "err", err)
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
	}
}

func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	f := l.f
	l.mu.Unlock()
	return f.Write(p)
}

// systemHandler sends records to the log of the system, which adds time and level itself.
type systemHandler struct {
	slog.Handler // writes to line
	out          *systemOut
}

// systemOut is shared by the handlers derived from one.
type systemOut struct {
	mu   sync.Mutex // guards the following
	line bytes.Buffer
	send func(level slog.Level, line string) error
}

func newSystemHandler(newHandler func(io.Writer) slog.Handler, send func(slog.Level, string) error) slog.Handler {
	out := &systemOut{send: send}
	return systemHandler{newHandler(&out.line), out}
}

// Handle implements slog.Handler. The connection to the log of the system is local: it does not block for long.
func (h systemHandler) Handle(ctx context.Context, r slog.Record) error {
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	h.out.line.Reset()
	if err := h.Handler.Handle(ctx, r); err != nil {
		return err
	}
	return h.out.send(r.Level, strings.TrimSuffix(h.out.line.String(), "\n"))
}

func (h systemHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return systemHandler{h.Handler.WithAttrs(attrs), h.out}
}

func (h systemHandler) WithGroup(name string) slog.Handler {
	return systemHandler{h.Handler.WithGroup(name), h.out}
}

// toSyslog writes lines to the log of the system.
func toSyslog(log *syslog.Writer) func(slog.Level, string) error {
	return func(level slog.Level, line string) error {
		switch severity(level) {
		case syslog.LOG_ERR:
			return log.Err(line)
		case syslog.LOG_WARNING:
			return log.Warning(line)
		case syslog.LOG_INFO:
			return log.Info(line)
		}
		return log.Debug(line)
	}
}

// toJournal writes lines to standard error as the journal reads them, with their severity before
// (sd-daemon(3)).
func toJournal(stderr io.Writer) func(slog.Level, string) error {
	return func(level slog.Level, line string) error {
		_, err := fmt.Fprintf(stderr, "<%d>%s\n", severity(level), line)
		return err
	}
}

// journalErrors marks lines as errors. Each call of Write gets a whole one.
type journalErrors struct{ stderr io.Writer }

func (j journalErrors) Write(line []byte) (int, error) {
	err := toJournal(j.stderr)(slog.LevelError, strings.TrimSuffix(string(line), "\n"))
	return len(line), err
}

func severity(level slog.Level) syslog.Priority {
	switch {
	case level >= slog.LevelError:
		return syslog.LOG_ERR
	case level >= slog.LevelWarn:
		return syslog.LOG_WARNING
	case level >= slog.LevelInfo:
		return syslog.LOG_INFO
	}
	return syslog.LOG_DEBUG
}

// journalVariable names, by device and inode, the stream that systemd has connected to the journal
// (systemd.exec(5)).
const journalVariable = "JOURNAL_STREAM"

// isJournal reports whether standard error is that stream.
func isJournal(stderr io.Writer) bool {
	f, ok := stderr.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && os.Getenv(journalVariable) == fmt.Sprintf("%d:%d", st.Dev, st.Ino)
}
