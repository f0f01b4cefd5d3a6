package fs

import (
	"context"
	"errors"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// A program that gives a lock back does not hold it from then on, whether or not the servers
// answer. The system call waits for them as long as any other. Then the contender is deleted in the
// background, until it is gone or its session has ended: /.status names the lock until then,
// because no other contender gets it.

// release gives the lock of key back, and returns when the servers have confirmed that, or the
// error of ctx when it ends before. A lock that the servers do not let go is held as before.
func (l *locks) release(ctx context.Context, key lockKey, held *heldLock) error {
	gone := l.startRelease(key, held)
	if gone == nil {
		return nil
	}
	select {
	case err := <-gone:
		return err
	case <-ctx.Done():
		l.log.Warn("lock: not given back yet: the servers do not answer", "path", held.path, "process", held.process)
		return ctx.Err()
	}
}

// startRelease begins to give the lock of key back, and returns where the outcome will be. It is
// nil if that has begun before, or if the process still has the lock in another way.
func (l *locks) startRelease(key lockKey, held *heldLock) (gone <-chan error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[key] != held {
		return nil
	}
	delete(l.held, key)
	if held.users--; held.users > 0 {
		return nil
	}
	if l.leaving == nil {
		l.leaving = map[*heldLock]time.Time{}
	}
	l.leaving[held] = time.Now()
	outcome := make(chan error, 1)
	go func() { // ends when the contender is gone, or with the session or the connection
		outcome <- l.giveBack(key, held)
	}()
	return outcome
}

// giveBack returns when the contender of a lock is gone. It is no error if the lock was lost
// before.
func (l *locks) giveBack(key lockKey, held *heldLock) error {
	held.release()
	err := held.lock.UnlockContext(context.Background())
	refused := errors.Is(err, zk.ErrNoAuth)
	l.left(key, held, refused)
	if !refused {
		return nil
	}
	l.log.Warn("lock: the servers do not let it go: the ACL of its znode lacks DELETE",
		"path", held.path, "process", held.process)
	return err
}

// left notes that a lock is not being given back any more. One that the servers do not let go is
// held again.
func (l *locks) left(key lockKey, held *heldLock, refused bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.leaving, held)
	if refused && l.held[key] == nil {
		l.putLocked(key, held)
	}
}

// releaseAll gives back all locks that match, those taken through a handle or those of a process on
// a file, and waits for the servers as one system call does.
func (l *locks) releaseAll(request context.Context, match func(lockKey, *heldLock) bool) {
	matching := l.matching(match)
	if len(matching) == 0 {
		return
	}
	ctx, cancel := l.limits.BoundChange(request)
	defer cancel()
	for key, held := range matching {
		l.release(ctx, key, held)
	}
}

// endsWith lets a lock end with the process that took it. It fails if the process cannot be seen
// from here.
func (l *locks) endsWith(process uint32, key lockKey, held *heldLock) error {
	ended, stop, err := ending(process)
	if err != nil {
		return err
	}
	go func() { // ends with the process, or when the lock is given back
		defer stop()
		select {
		case <-ended:
			l.releaseAll(context.Background(), func(k lockKey, h *heldLock) bool {
				return k == key && h == held
			})
		case <-held.released:
		}
	}()
	return nil
}
