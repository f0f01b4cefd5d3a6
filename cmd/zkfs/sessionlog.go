package main

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// awayPatience is how long a connection may be lost before that is a warning. A server that is
// started again is missed for less.
const awayPatience = 10 * time.Second

// A sessionLog tells the log what becomes of a session.
type sessionLog struct {
	log    *slog.Logger
	server func() string // that is connected

	mu    sync.Mutex  // guards the following
	since time.Time   // when the connection was lost; zero while it stands
	warn  *time.Timer // of a connection that is lost
}

// logSession begins to tell of the session of conn, which stands.
func logSession(conn *zk.Conn, log *slog.Logger) *sessionLog {
	l := &sessionLog{log: log, server: conn.Server}
	conn.OnEvent(func(e zk.Event) {
		if e.Type == zk.EventSession {
			l.hear(e)
		}
	})
	return l
}

func (l *sessionLog) hear(e zk.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch e.State {
	case zk.StateDisconnected:
		if errors.Is(e.Err, zk.ErrAuthFailed) {
			l.log.Error("authentication refused", "server", e.Server, "err", e.Err)
		}
		if l.since.IsZero() {
			l.since = time.Now()
			l.warn = time.AfterFunc(awayPatience, func() {
				l.log.Warn("connection lost, and no server takes the session", "for", awayPatience)
			})
		}
	case zk.StateHasSession, zk.StateConnectedReadOnly:
		if !l.since.IsZero() {
			l.log.Info("connected again", "after", time.Since(l.since).Round(time.Millisecond), "server", l.server())
		}
		l.stopLocked()
	case zk.StateExpired:
		l.log.Warn("session expired: its ephemerals and locks are gone")
	case zk.StateAuthFailed:
		l.log.Error("authentication refused for good: no server takes the credentials")
		l.stopLocked()
	}
}

// stop ends what is told: the session is closed on purpose.
func (l *sessionLog) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopLocked()
}

func (l *sessionLog) stopLocked() {
	l.since = time.Time{}
	if l.warn != nil {
		l.warn.Stop()
	}
}
