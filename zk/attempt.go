package zk

import (
	"errors"
	"strings"
	"time"
)

// attempt is one way to a lock.
type attempt struct {
	c         *Conn
	path      string
	acl       []ACL
	shared    bool
	data      []byte
	container bool
	wait      bool
	session   int64
}

func (a *attempt) run() (*hold, error) {
	if !a.wait {
		if err := a.free(); err != nil {
			return nil, err
		}
	}
	own, err := a.enter()
	if err != nil {
		return nil, err
	}
	h, err := a.queue(own)
	if err != nil {
		a.leave(own)
		return nil, err
	}
	return h, nil
}

// name begins the name of a contender, behind its protection; plain and shared contenders order each other by what follows.
func (a *attempt) name() string {
	if a.shared {
		return "read-lock-"
	}
	return "lock-"
}

// free returns ErrLockHeld if a contender that comes now would have to wait, so that asking costs no write.
func (a *attempt) free() error {
	names, _, err := a.c.Children(a.path)
	if errors.Is(err, ErrNoNode) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, before := range LockQueue(names) {
		if !a.shared || !before.Shared {
			return ErrLockHeld
		}
	}
	return nil
}

// enter creates the contender, and the lock's znode where it is missing.
func (a *attempt) enter() (own string, err error) {
	for {
		own, err = a.c.CreateProtectedEphemeralSequential(join(a.path, a.name()), a.data, a.acl)
		a.session = a.c.SessionID()
		if !errors.Is(err, ErrNoNode) {
			return own, err
		}
		if err := a.createParents(); err != nil {
			return "", err
		}
	}
}

func (a *attempt) createParents() error {
	for i := 1; i <= len(a.path); i++ {
		if i < len(a.path) && a.path[i] != '/' {
			continue
		}
		var flags int32
		if a.container && i == len(a.path) {
			flags = FlagContainer
		}
		if found, _, err := a.c.Exists(a.path[:i]); err != nil {
			return err
		} else if found {
			continue
		}
		_, err := a.c.Create(a.path[:i], nil, flags, a.acl)
		if flags == FlagContainer && lacks(err) {
			_, err = a.c.Create(a.path[:i], nil, FlagPersistent, a.acl)
		}
		if err != nil && !errors.Is(err, ErrNodeExists) {
			return err
		}
	}
	return nil
}

// queue waits until own comes first.
func (a *attempt) queue(own string) (*hold, error) {
	name := own[strings.LastIndexByte(own, '/')+1:]
	for {
		names, _, err := a.c.Children(a.path)
		if retryable(err) {
			continue
		} else if err != nil {
			return nil, err
		}
		before, ok := predecessor(LockQueue(names), name, a.shared)
		switch {
		case !ok:
			return nil, ErrLockLost
		case before == "":
			return a.hold(own)
		case !a.wait:
			return nil, ErrLockHeld
		}
		if err := a.await(join(a.path, before)); err != nil {
			return nil, err
		}
	}
}

// await returns when the znode at path, or its data, has changed.
func (a *attempt) await(path string) error {
	found, _, events, err := a.c.ExistsW(path)
	switch {
	case retryable(err):
		return nil
	case err != nil:
		return err
	case !found:
		return nil
	}
	select {
	case e := <-events:
		return e.Err
	case <-a.c.ctx.Done():
		return &InterruptedError{Sent: true, Err: a.c.ctx.Err()}
	}
}

// hold takes the lock, which is own's.
func (a *attempt) hold(own string) (*hold, error) {
	for {
		found, stat, events, err := a.c.ExistsW(own)
		switch {
		case retryable(err):
			continue
		case err != nil:
			return nil, err
		case !found:
			return nil, ErrLockLost
		}
		h := &hold{path: own, session: stat.EphemeralOwner, zxid: stat.Czxid,
			lost: make(chan struct{}), release: make(chan struct{})}
		go h.guard(a.c, events) // ends when the lock is lost or released
		return h, nil
	}
}

// leaveWait is how long a contender that gives up waits for its znode to be deleted.
const leaveWait = 200 * time.Millisecond

// leave deletes the contender, in the background if no server is at hand.
func (a *attempt) leave(own string) {
	done := make(chan struct{})
	go func() { // ends when the znode is gone or the session has ended
		defer close(done)
		background(a.c).discard(own, a.session)
	}()
	patience := time.NewTimer(leaveWait)
	defer patience.Stop()
	select {
	case <-done:
	case <-patience.C:
	}
}

// retryable tells the errors of a read after which the session may still live.
func retryable(err error) bool {
	return errors.Is(err, ErrConnectionClosed) || errors.Is(err, ErrNoServer)
}
