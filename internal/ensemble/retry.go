package ensemble

import (
	"context"
	"errors"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// pause is how long a request that a server refused for the moment waits before it is made again.
const pause = 50 * time.Millisecond

// again reports whether a request that failed with err and did not change anything should be made
// again: the connection broke or the server asked for patience. It waits a moment before it says
// yes, and says no once ctx is over, or when no server has answered for so long that no caller should
// be kept waiting for one.
func (w *watch) again(ctx context.Context, err error) bool {
	switch {
	case errors.Is(err, zk.ErrConnectionClosed),
		errors.Is(err, zk.ErrSessionExpired),
		errors.Is(err, zk.ErrSessionMoved),
		errors.Is(err, zk.ErrThrottled):
	case errors.Is(err, zk.ErrNoServer) && w.away() < w.conn.SessionTimeout():
	default:
		return false
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// away returns for how long there has been no connection, 0 if there is one.
func (w *watch) away() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lost.IsZero() {
		return 0
	}
	return time.Since(w.lost)
}
