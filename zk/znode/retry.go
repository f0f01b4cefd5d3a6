// Package znode has what programs do with znodes beyond a single request: change them although
// replies get lost, create them with their parents, delete and walk trees, and wait for one.
//
// All functions go on after a lost connection, with the next server or the next session, until ctx
// ends: they then return a [zk.InterruptedError]. A call without a deadline waits as long as no
// server answers. After [zk.Conn.Close] they return [zk.ErrClosing]. Other errors are the server's,
// for errors.Is.
package znode

import (
	"context"
	"errors"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// Retry waits so long between two attempts. The client paces its connections itself, so this
// matters only where a server answers with an error that passes.
const (
	firstPause   = 5 * time.Millisecond
	longestPause = time.Second
)

// passing are the errors that say nothing about the request: it may succeed on another connection.
var passing = []error{
	zk.ErrConnectionClosed, zk.ErrNoServer, zk.ErrSessionExpired, zk.ErrSessionMoved,
	zk.ErrOperationTimeout, zk.ErrRequestTimeout, zk.ErrThrottled,
}

// Passing reports whether err says only that a server could not be asked: the same request may
// succeed later. If [zk.MaybeApplied] reports true for it too, a write may have been done.
func Passing(err error) bool {
	for _, p := range passing {
		if errors.Is(err, p) {
			return true
		}
	}
	return false
}

// Retry calls f until it returns nil or an error that is not [Passing], which Retry returns.
// applied reports whether an earlier call may have taken effect although it failed: f must then
// look before it repeats a change that may not be made twice. [Create], [Set] and [Delete] do.
func Retry(ctx context.Context, f func(applied bool) error) error {
	applied := false
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := f(applied)
		if err == nil || !Passing(err) {
			return err
		}
		applied = applied || zk.MaybeApplied(err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return &zk.InterruptedError{Sent: applied, Err: ctx.Err()}
		}
	}
}
