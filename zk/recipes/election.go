package recipes

import (
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// ErrResigned is the cause of the end of a leader's context after [Election.Resign].
var ErrResigned = errors.New("recipes: the leader has resigned")

// Election lets one of the candidates lead at a time, in the order in which they came. By the
// servers' reckoning there are never two leaders. A leader that was stopped, or whose clock was,
// may take itself for one until it goes on and its context ends: let what it works on refuse a
// smaller fencing number than it has seen.
//
// A reconnect changes nothing. Leadership ends, and the leader's context with it, when the session
// has expired or may soon expire because no server is heard, and when its znode was deleted. Then
// the next candidate leads, not earlier than a sixth of the session timeout later, unless it was
// deleted. A candidate whose session expires while it waits must ask again: [zk.ErrLockLost] or
// [zk.ErrSessionExpired]; [Election.Run] does.
//
// It stands on the Lock recipe of [zk.Lock], as Curator's LeaderSelector and kazoo's Election do:
// those take part, kazoo's with extra_lock_patterns=["-lock-"] on its lock. Curator's LeaderLatch
// has znodes of another form and must not share the path.
type Election struct {
	c    *zk.Conn
	path string
	id   []byte
	acl  []zk.ACL

	mu     sync.Mutex // guards the following
	resign context.CancelCauseFunc
}

// NewElection returns a candidate for the election at path. Observers see id, such as
// its host and port. The znode of the election is made when it is missing, with its parents and
// acl.
func NewElection(c *zk.Conn, path string, id []byte, acl []zk.ACL) *Election {
	return &Election{c: c, path: path, id: id, acl: acl}
}

// Lead waits until this candidate leads, calls f, and hands over when f returns. The context of f
// ends when leadership is lost, with the cause [zk.ErrLockLost], or given up, with [ErrResigned];
// f must return then. fence is larger than that of every leader before.
//
// Lead returns the error of f, joined with zk.ErrLockLost if leadership was lost. It may be called
// again: the candidate then comes last. zk.ErrDeadlock says that another call is waiting or
// leading.
func (e *Election) Lead(ctx context.Context, f func(ctx context.Context, fence int64) error) error {
	e.mu.Lock()
	if e.resign != nil {
		e.mu.Unlock()
		return zk.ErrDeadlock
	}
	reign, resign := context.WithCancelCause(ctx)
	defer resign(nil)
	e.resign = resign
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.resign = nil
	}()
	l := zk.NewLock(e.c, e.path, e.acl)
	l.SetData(e.id)
	if err := l.LockContext(reign); err != nil {
		if cause := context.Cause(reign); cause != nil && ctx.Err() == nil {
			return cause
		}
		return err
	}
	lost, over := l.Lost(), make(chan struct{})
	var guard sync.WaitGroup
	guard.Go(func() { // ends with f
		select {
		case <-lost:
			resign(zk.ErrLockLost)
		case <-over:
		}
	})
	err := f(reign, l.Zxid())
	close(over)
	guard.Wait()
	unlockErr := l.UnlockContext(ctx)
	switch {
	case errors.Is(unlockErr, zk.ErrLockLost), errors.Is(context.Cause(reign), zk.ErrLockLost):
		return errors.Join(zk.ErrLockLost, err)
	case ctx.Err() != nil:
		return err // the znode is deleted in the background
	}
	return errors.Join(err, unlockErr)
}

// Run calls Lead again and again, also after leadership was lost and after a session has expired,
// until f returns an error while it leads, ctx ends, or no later call can succeed. When f returns
// nil the candidate comes last.
func (e *Election) Run(ctx context.Context, f func(ctx context.Context, fence int64) error) error {
	for {
		var failure error
		err := znode.Retry(ctx, func(bool) error {
			err := e.Lead(ctx, func(reign context.Context, fence int64) error {
				if err := f(reign, fence); reign.Err() == nil {
					failure = err
				}
				return nil
			})
			if errors.Is(err, zk.ErrLockLost) || errors.Is(err, ErrResigned) {
				return nil
			}
			return err
		})
		switch {
		case failure != nil:
			return failure
		case err != nil:
			return err
		case ctx.Err() != nil:
			return &zk.InterruptedError{Err: ctx.Err()}
		}
	}
}

// Resign ends the leader's context, or the wait of a candidate, of this Election: [ErrResigned].
// The next candidate leads when f has returned.
func (e *Election) Resign() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.resign != nil {
		e.resign(ErrResigned)
	}
}

// Leader is what an observer sees of a leader.
type Leader struct {
	ID    []byte // as given to NewElection
	Fence int64  // 0 says that there is no leader
}

// Observe returns the present leader, and then each change, until ctx ends or an error stays, which
// comes last. Leaders that follow each other quickly may be missed; the last one is seen. An
// observer is no candidate, and watches one znode, however many candidates there are.
func Observe(ctx context.Context, c *zk.Conn, path string) iter.Seq2[Leader, error] {
	return func(yield func(Leader, error) bool) {
		last := Leader{Fence: -1}
		for {
			var now Leader
			var w watch
			err := znode.Retry(ctx, func(bool) (err error) {
				now, w, err = observe(c.WithContext(ctx), path)
				return err
			})
			if err != nil {
				yield(Leader{}, err)
				return
			}
			if now.Fence != last.Fence || string(now.ID) != string(last.ID) {
				if last = now; !yield(now, nil) {
					unwatch(c, []watch{w})
					return
				}
			}
			if _, err := await(ctx, c, []watch{w}); err != nil {
				yield(Leader{}, err)
				return
			}
		}
	}
}

// observe returns the present leader, and a watch for the next change.
func observe(c *zk.Conn, path string) (Leader, watch, error) {
	for {
		names, _, changed, err := c.ChildrenW(path)
		if errors.Is(err, zk.ErrNoNode) {
			found, _, created, err := c.ExistsW(path)
			if err != nil || !found {
				return Leader{}, watch{path, created}, err
			}
			unwatch(c, []watch{{path, created}})
			continue
		}
		queue := zk.LockQueue(names)
		if err != nil || len(queue) == 0 {
			return Leader{}, watch{path, changed}, err
		}
		unwatch(c, []watch{{path, changed}})
		first := znode.Join(path, queue[0].Name)
		id, stat, changed, err := c.GetW(first)
		switch {
		case err == nil:
			return Leader{ID: id, Fence: stat.Czxid}, watch{first, changed}, nil
		case !errors.Is(err, zk.ErrNoNode):
			return Leader{}, watch{}, err
		}
	}
}
