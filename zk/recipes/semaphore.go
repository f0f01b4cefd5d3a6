package recipes

import (
	"context"
	"errors"
	"slices"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// Semaphore grants up to a number of leases at a time, first come, first served. By the servers'
// reckoning there are never more, as long as all processes name the same number: no znode says it.
// A process that was stopped may take itself for the holder of a lease until it goes on.
//
// A reconnect changes nothing. When the session of a holder has expired, or may soon expire because
// no server is heard, its [Lease.Lost] is closed and the lease goes to the next. A process whose
// session expires while it waits asks again, and comes last.
//
// It is Curator's InterProcessSemaphoreV2. kazoo's Semaphore has znodes of another form and must
// not share the path.
type Semaphore struct {
	c    *zk.Conn
	path string
	n    int
	acl  []zk.ACL
}

// NewSemaphore returns the semaphore at path with n leases. Missing znodes are made with acl.
func NewSemaphore(c *zk.Conn, path string, n int, acl []zk.ACL) *Semaphore {
	return &Semaphore{c: c, path: path, n: n, acl: acl}
}

// Lease is one that is held until Release.
type Lease struct{ held *held }

// Lost returns a channel that is closed when the lease is no longer certain to be held, and by
// Release.
func (l *Lease) Lost() <-chan struct{} { return l.held.lost }

// Path returns the path of the znode of the lease.
func (l *Lease) Path() string { return l.held.path }

// Release gives the lease back. When ctx ends first, that goes on until a server has answered.
// [ErrLost] says that it was lost or released before.
func (l *Lease) Release(ctx context.Context) error { return l.held.drop(ctx) }

// Acquire waits for a lease. Other clients see data in its znode. When ctx ends first, no znode is
// left as soon as a server can be reached.
func (s *Semaphore) Acquire(ctx context.Context, data []byte) (*Lease, error) {
	for {
		lease, err := s.acquire(ctx, data)
		if !errors.Is(err, errAgain) {
			return lease, err
		}
	}
}

// errAgain says that the session of an attempt has ended.
var errAgain = errors.New("recipes: again")

// acquire makes one attempt. Those that wait for a lease queue for the lock, whose holder waits for
// the next lease that is given back.
func (s *Semaphore) acquire(ctx context.Context, data []byte) (*Lease, error) {
	turn := zk.NewLock(s.c, znode.Join(s.path, "locks"), s.acl)
	err := znode.Retry(ctx, func(bool) error { return turn.LockContext(ctx) })
	if errors.Is(err, zk.ErrLockLost) {
		return nil, errAgain
	}
	if err != nil {
		return nil, err
	}
	defer turn.UnlockContext(ctx)
	session := s.c.SessionID()
	path, err := s.create(ctx, data)
	if err != nil {
		return nil, err
	}
	if err := s.wait(ctx, path, turn); err != nil {
		znode.Discard(ctx, s.c, path)
		return nil, err
	}
	return &Lease{hold(detached(ctx, s.c), path, session)}, nil
}

// create makes the znode of a lease.
func (s *Semaphore) create(ctx context.Context, data []byte) (string, error) {
	leases := znode.Join(s.path, "leases")
	for {
		c, prefix := s.c.WithContext(ctx), znode.Join(leases, "lease-")
		path, err := c.CreateProtectedEphemeralSequential(prefix, data, s.acl)
		switch {
		case errors.Is(err, zk.ErrNoNode):
			if err := znode.Ensure(ctx, s.c, leases, false, s.acl); err != nil {
				return "", err
			}
		case znode.Passing(err):
			return "", errAgain
		default:
			return path, err
		}
	}
}

// wait returns when there are no more leases than may be.
func (s *Semaphore) wait(ctx context.Context, own string, turn *zk.Lock) error {
	leases, name := znode.Split(own)
	for {
		var names []string
		var changed <-chan zk.Event
		err := znode.Retry(ctx, func(bool) (err error) {
			names, _, changed, err = s.c.WithContext(ctx).ChildrenW(leases)
			return err
		})
		if err != nil {
			return err
		}
		watches := []watch{{leases, changed}}
		if !slices.Contains(names, name) {
			unwatch(s.c, watches)
			return errAgain
		}
		if len(names) <= s.n {
			unwatch(s.c, watches)
			return nil
		}
		select {
		case <-turn.Lost():
			unwatch(s.c, watches)
			return errAgain
		case <-changed:
		case <-ctx.Done():
			unwatch(s.c, watches)
			return &zk.InterruptedError{Sent: true, Err: ctx.Err()}
		}
	}
}
