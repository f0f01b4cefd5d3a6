package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"log/syslog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"

	"github.com/zkfs/zkfs/internal/printable"
)

// logSettings says where the log of a mount goes, and how much of it.
type logSettings struct {
	file  string // "" for syslog, or standard error in the foreground
	level slog.Level
	json  bool
}

// open returns the log, and the file that it is written to, nil if it is none.
func (l logSettings) open(foreground bool, stderr io.Writer) (log *slog.Logger, file *logFile, err error) {
	opts := &slog.HandlerOptions{Level: l.level}
	newHandler := func(w io.Writer) slog.Handler {
		if l.json {
			return slog.NewJSONHandler(printable.JSON(w), opts)
		}
		return slog.NewTextHandler(w, opts)
	}
	switch {
	case l.file != "":
		if file, err = openLogFile(l.file); err != nil {
			return nil, nil, err
		}
		return slog.New(newHandler(file)), file, nil
	case foreground:
		return slog.New(newHandler(stderr)), nil, nil
	}
	opts.ReplaceAttr = withoutTimeAndLevel
	return slog.New(newSyslogHandler(newHandler)), nil, nil
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

// syslogHandler sends records to the log of the system, which adds time and level itself.
type syslogHandler struct {
	slog.Handler // writes to line
	out          *syslogOut
}

// syslogOut is shared by the handlers derived from one.
type syslogOut struct {
	mu   sync.Mutex // guards the following
	line bytes.Buffer
	log  *syslog.Writer
}

// newSyslogHandler returns a handler that discards everything on systems without a log.
func newSyslogHandler(newHandler func(io.Writer) slog.Handler) slog.Handler {
	log, err := syslog.New(syslog.LOG_DAEMON|syslog.LOG_INFO, "zkfs")
	if err != nil {
		return slog.DiscardHandler
	}
	out := &syslogOut{log: log}
	return syslogHandler{newHandler(&out.line), out}
}

// Handle implements slog.Handler. The connection to the log of the system is local: it does not block for long.
func (h syslogHandler) Handle(ctx context.Context, r slog.Record) error {
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	h.out.line.Reset()
	if err := h.Handler.Handle(ctx, r); err != nil {
		return err
	}
	text := strings.TrimSuffix(h.out.line.String(), "\n")
	switch {
	case r.Level >= slog.LevelError:
		return h.out.log.Err(text)
	case r.Level >= slog.LevelWarn:
		return h.out.log.Warning(text)
	case r.Level >= slog.LevelInfo:
		return h.out.log.Info(text)
	}
	return h.out.log.Debug(text)
}

func (h syslogHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return syslogHandler{h.Handler.WithAttrs(attrs), h.out}
}

func (h syslogHandler) WithGroup(name string) slog.Handler {
	return syslogHandler{h.Handler.WithGroup(name), h.out}
}

func withoutTimeAndLevel(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
		return slog.Attr{}
	}
	return a
}
