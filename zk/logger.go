package zk

import (
	"fmt"
	"log"
	"log/slog"
	"sync/atomic"
)

// Logger is what the client writes its log to.
type Logger interface {
	Printf(string, ...interface{})
}

// DefaultLogger writes with the standard library's log package.
var DefaultLogger Logger = defaultLogger{}

type defaultLogger struct{}

func (defaultLogger) Printf(format string, args ...interface{}) { log.Printf(format, args...) }

// slogLogger is a Logger on top of a slog.Logger.
type slogLogger struct{ l *slog.Logger }

func (s slogLogger) Printf(format string, args ...interface{}) {
	s.l.Info(fmt.Sprintf(format, args...))
}

// logger is the current Logger; it may be exchanged at any time.
type logger struct {
	to   atomic.Pointer[Logger]
	info atomic.Bool
}

func (l *logger) set(to Logger) { l.to.Store(&to) }

// errorf logs a failure.
func (l *logger) errorf(format string, args ...any) { (*l.to.Load()).Printf(format, args...) }

// infof logs what is normal.
func (l *logger) infof(format string, args ...any) {
	if l.info.Load() {
		l.errorf(format, args...)
	}
}
