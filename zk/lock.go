package zk

import (
	"context"
	"errors"
	"sync"
	"time"
)

var (
	// ErrLockHeld is returned by TryLock when another contender holds the lock, or comes first.
	ErrLockHeld = errors.New("zk: lock is held by another")

	// ErrLockLost says that the lock's znode went away although nobody unlocked: the session has expired, or somebody deleted it.
	ErrLockLost = errors.New("zk: lock was lost")
)

// Lock is a distributed mutual exclusion lock: ZooKeeper's recipe. Each contender is an ephemeral sequential
// child of the lock's znode, the one with the lowest number holds the lock, each other watches the one before it alone. Every
// child whose name ends in a sequence number contends, so that the lock excludes Curator's
// InterProcessMutex and go-zookeeper's Lock on the same path. See [NewReadLock] for the shared form.
//
// A lock is only as safe as its session: when that may have ended, [Lock.Lost] tells. A holder that was frozen
// can not know in time; let what the lock protects refuse a smaller [Lock.Zxid] than it has seen.
//
// A Lock is one contender. Its methods may be called from several goroutines.
type Lock struct {
	c      *Conn
	path   string
	acl    []ACL
	shared bool

	mu        sync.Mutex // guards the following
	data      []byte
	container bool
	busy      bool  // held, or being acquired
	held      *hold // nil if not held
}

// hold is one time of holding a lock.
type hold struct {
	path    string
	session int64
	zxid    int64
	lost    chan struct{} // closed by lose
	once    sync.Once     // of lose
	release chan struct{} // closed by Unlock, ends guard

	mu      sync.Mutex // guards the following
	leaving bool       // Unlock has asked for the znode to be deleted, and has no answer
	deleted bool       // the znode was deleted meanwhile
}

// NewLock returns a lock that is not held yet. path is the lock's znode, which is created when it is missing, with its parents and acl.
func NewLock(c *Conn, path string, acl []ACL) *Lock {
	return &Lock{c: c, path: path, acl: acl, data: []byte{}}
}

// NewReadLock returns the shared form of the lock at path: any number of them hold it together, and exclude the
// Locks of [NewLock] as these exclude them. First come, first served: those that come behind a waiting NewLock wait too.
func NewReadLock(c *Conn, path string, acl []ACL) *Lock {
	l := NewLock(c, path, acl)
	l.shared = true
	return l
}

// SetData sets what the contender's znode holds from the next Lock on, for those who look who holds the lock.
func (l *Lock) SetData(data []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.data = data
}

// SetContainer makes the lock's znode a container if it has to be created: the server deletes it some time after the last contender has gone.
// Servers before 3.5 have none, there it is an ordinary one.
func (l *Lock) SetContainer() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.container = true
}

// Lock waits until it holds the lock. ErrDeadlock says that this Lock holds it, or waits for it, already. After any
// error the lock is not held, and the znode of the contender is deleted, as soon as a server can be reached.
func (l *Lock) Lock() error { return l.LockContext(l.c.ctx) }

// LockWithData is Lock with data in the contender's znode.
func (l *Lock) LockWithData(data []byte) error {
	l.SetData(data)
	return l.Lock()
}

// LockContext is Lock until ctx ends, which it reports as an [InterruptedError].
func (l *Lock) LockContext(ctx context.Context) error { return l.acquire(ctx, true) }

// TryLock takes the lock if nobody else holds it or comes first, else it returns [ErrLockHeld] without waiting.
func (l *Lock) TryLock() error { return l.acquire(l.c.ctx, false) }

// TryLockContext is TryLock that gives up when ctx ends, with an [InterruptedError].
func (l *Lock) TryLockContext(ctx context.Context) error { return l.acquire(ctx, false) }

func (l *Lock) acquire(ctx context.Context, wait bool) error {
	l.mu.Lock()
	if l.busy {
		l.mu.Unlock()
		return ErrDeadlock
	}
	l.busy = true
	a := attempt{
		c: l.c.WithContext(ctx), path: l.path, acl: l.acl, shared: l.shared,
		data: l.data, container: l.container, wait: wait,
	}
	l.mu.Unlock()
	held, err := a.run()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held, l.busy = held, err == nil
	return err
}

// Unlock releases the lock, or returns ErrNotLocked. [ErrLockLost] says that it was released
// before, against the holder's will. ErrNoAuth says that the ACL of the lock's znode does not let
// this session delete its contender: the lock is still held. If no server can be reached the znode
// is deleted later, or with the session.
//
// While Unlock waits for its answer the lock is still held: another Lock of it returns ErrDeadlock,
// another Unlock ErrNotLocked. Unlock waits as long as the session may live without an answer; see
// [Lock.UnlockContext] for less.
func (l *Lock) Unlock() error {
	err := l.unlock(l.c.ctx, false)
	if errors.Is(err, ErrNotLocked) || errors.Is(err, ErrLockLost) || errors.Is(err, ErrNoAuth) {
		return err
	}
	return nil
}

// UnlockContext is Unlock that returns nil only when the contender's znode is deleted, also after a
// reconnect, and gives up when ctx ends, with an [InterruptedError]. The lock is not held then
// either: its znode is deleted in the background as soon as a server answers, or with the session,
// and until then nobody else gets the lock.
func (l *Lock) UnlockContext(ctx context.Context) error { return l.unlock(ctx, true) }

// unlock deletes the contender's znode, and goes on after a reconnect if it is patient. No mutex is
// held across the request.
func (l *Lock) unlock(ctx context.Context, patient bool) error {
	l.mu.Lock()
	h := l.held
	l.mu.Unlock()
	if h == nil || !h.leave() {
		return ErrNotLocked
	}
	err := h.discard(l.c.WithContext(ctx), patient)
	if errors.Is(err, ErrNoAuth) {
		h.stay()
		return err
	}
	if err != nil && !errors.Is(err, ErrLockLost) {
		go background(l.c).discard(h.path, h.session) // ends when the znode is gone or the session has ended
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	close(h.release)
	l.held, l.busy = nil, false
	return err
}

// discard deletes the znode of the hold.
func (h *hold) discard(c *Conn, patient bool) error {
	for sent := false; c.SessionID() == h.session; {
		err := c.Delete(h.path, -1)
		switch {
		case errors.Is(err, ErrNoNode) && sent:
			return nil // the reply was lost
		case errors.Is(err, ErrNoNode), errors.Is(err, ErrSessionExpired):
			return ErrLockLost
		case !patient || !retryable(err):
			return err
		}
		sent = sent || MaybeApplied(err)
	}
	return ErrLockLost
}

// Lost returns a channel that is closed when the lock, as held at present, is no longer certain: its znode is gone, or nothing
// that was sent in the last five sixths of the session timeout has been answered, so that the session may soon end elsewhere. A process that was
// stopped for that long finds the channel closed when it goes on. Unlock must follow all the same. It is nil while the lock is not held.
func (l *Lock) Lost() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		return nil
	}
	if l.c.SessionID() != l.held.session {
		return closed // whoever has an answer of the next session sees this
	}
	if l.held.certain(l.c) <= 0 {
		l.held.lose()
	}
	return l.held.lost
}

var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Zxid returns the fencing number of the present hold, larger than that of every hold before it; 0 while the lock
// is not held. It is the czxid of the contender's znode.
func (l *Lock) Zxid() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		return 0
	}
	return l.held.zxid
}

// Path returns the path of the contender's znode, "" while the lock is not held.
func (l *Lock) Path() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		return ""
	}
	return l.held.path
}

// background returns a view of the connection that ends with it alone.
func background(c *Conn) *Conn { return c.WithContext(c.life) }

// certain returns for how long the session lives at the servers at least, with a sixth of its timeout to spare.
func (h *hold) certain(c *Conn) time.Duration { return c.timeout()*5/6 - c.unproven() }

// lose says that the hold can no longer be trusted.
func (h *hold) lose() { h.once.Do(func() { close(h.lost) }) }

// leave notes that Unlock is about to delete the znode. It returns false if another Unlock is.
func (h *hold) leave() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	first := !h.leaving
	h.leaving = true
	return first
}

// stay notes that Unlock was refused.
func (h *hold) stay() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.leaving = false; h.deleted {
		h.lose()
	}
}

// vanish loses the hold because its znode is deleted, unless Unlock has asked for that.
func (h *hold) vanish() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.deleted = true; !h.leaving {
		h.lose()
	}
}

// guard loses the hold when it can no longer be trusted. It ends then, or when the hold is released.
func (h *hold) guard(c *Conn, events <-chan Event) {
	change := make(chan struct{}, 1)
	cancel := c.OnEvent(func(e Event) {
		if e.Type == EventSession {
			select {
			case change <- struct{}{}:
			default:
			}
		}
	})
	defer cancel()
	for c.SessionID() == h.session && c.life.Err() == nil {
		if state := c.State(); events == nil && (state == StateHasSession || state == StateConnectedReadOnly) {
			var found bool
			var err error
			if found, events, err = h.watch(c); err == nil && !found {
				break
			}
		}
		left := h.certain(c)
		if left <= 0 {
			break
		}
		select {
		case <-h.release:
			return
		case <-change:
		case <-time.After(left):
		case e := <-events:
			if events = nil; e.Type == EventNodeDeleted {
				h.vanish()
				return
			}
		}
	}
	h.lose()
}

// watch sets the watch on the contender's znode again, after a change of its data. It takes no longer than the hold is certain.
func (h *hold) watch(c *Conn) (found bool, events <-chan Event, err error) {
	ctx, cancel := context.WithTimeout(c.life, min(c.timeout()/3, h.certain(c)))
	defer cancel()
	found, _, events, err = c.WithContext(ctx).ExistsW(h.path)
	return found, events, err
}
