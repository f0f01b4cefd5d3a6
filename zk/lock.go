package zk

import (
	"context"
	"errors"
	"strings"
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
	lost    chan struct{} // closed by guard
	release chan struct{} // closed by Unlock, ends guard
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

// Unlock releases the lock, or returns ErrNotLocked. [ErrLockLost] says that it was released before, against the
// holder's will. If no server can be reached the znode is deleted later, or with the session.
func (l *Lock) Unlock() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		return ErrNotLocked
	}
	h := l.held
	if l.c.SessionID() != h.session {
		l.let()
		return ErrLockLost
	}
	switch err := l.c.Delete(h.path, -1); {
	case err == nil:
	case errors.Is(err, ErrNoNode):
		l.let()
		return ErrLockLost
	case errors.Is(err, ErrNoAuth):
		return err
	default:
		go background(l.c).discard(h.path, h.session) // ends when the znode is gone or the session has ended
	}
	l.let()
	return nil
}

// let forgets the hold. The caller holds mu.
func (l *Lock) let() {
	close(l.held.release)
	l.held, l.busy = nil, false
}

// Lost returns a channel that is closed when the lock, as held at present, is no longer certain: its znode is gone, or no
// server has been heard for five sixths of the session timeout, so that the session may soon end elsewhere. Unlock must
// follow all the same. It is nil while the lock is not held.
func (l *Lock) Lost() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		return nil
	}
	return l.held.lost
}

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
func background(c *Conn) *Conn { return &Conn{c.client, c.life} }

// guard closes lost when the hold can no longer be trusted. It ends then, or when the hold is released.
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
		var expiry <-chan time.Time
		if state := c.State(); state != StateHasSession && state != StateConnectedReadOnly {
			left := c.timeout()*5/6 - c.silence()
			if left <= 0 {
				break
			}
			expiry = time.After(left)
		} else if events == nil {
			var found bool
			var err error
			if found, events, err = h.watch(c); err == nil && !found {
				break
			}
		}
		select {
		case <-h.release:
			return
		case <-change:
		case <-expiry:
		case e := <-events:
			if events = nil; e.Type == EventNodeDeleted {
				close(h.lost)
				return
			}
		}
	}
	close(h.lost)
}

// watch sets the watch on the contender's znode again, after a change of its data.
func (h *hold) watch(c *Conn) (found bool, events <-chan Event, err error) {
	ctx, cancel := context.WithTimeout(c.life, c.timeout()/3)
	defer cancel()
	found, _, events, err = c.WithContext(ctx).ExistsW(h.path)
	return found, events, err
}

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
	for _, name := range Contenders(names) {
		if !a.shared || !IsSharedContender(name) {
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
		if flags == FlagContainer && errors.Is(err, ErrUnimplemented) {
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
		before, ok := predecessor(Contenders(names), name, a.shared)
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
