package fs

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// grace is how long a request that a signal interrupted may still be answered. One that only asks
// may take as long as any other if the signal is not one that ends programs: those with timers or
// Go's scheduler get signals all the time, and do not expect open(2) or stat(2) to fail for it.
const grace = time.Second

// hopeless is how long a request waits while the servers are silent. It need not be long: they are heard again by the client itself, whoever
// asks.
const hopeless = 250 * time.Millisecond

// silence is what is known about servers that do not answer. The kernel lets those who use one directory wait for each other, whatever
// signal comes; so once a request has waited in vain, those behind it must not all do the same.
type silence struct {
	conn   *zk.Conn
	since  atomic.Pointer[time.Time] // when a request began for which the time was over at last; nil: there was none
	change atomic.Pointer[vain]      // the last that was to change something; nil: there was none
}

// vain is a request for a change that was not answered in time. Servers that have lost count of their proposals come to a stand: they take
// connections, resume sessions, and answer reads until a change stands before them on the connection, but commit nothing.
type vain struct {
	zxid int64     // the last that was known when it began
	over time.Time // when the time was over
}

// patience returns how long a request that begins now may take.
func (s *silence) patience(timeout time.Duration) time.Duration {
	since, change := s.since.Load(), s.change.Load()
	if since != nil && s.conn.Silence() > time.Since(*since) ||
		change != nil && s.conn.LastZxid() == change.zxid && time.Since(change.over) < timeout {
		return min(timeout, hopeless)
	}
	return timeout
}

// bound returns the context of all that one request of the kernel asks of ZooKeeper: it ends after
// Options.Timeout, sooner while the servers are known to be silent, and when a signal ends the
// caller. cancel must be called when the request is answered.
func (f *FS) bound(request context.Context) (context.Context, context.CancelFunc) {
	b := &bounded{request: request, timeout: f.o.Timeout, silence: &f.silence}
	return b, b.end
}

// boundChange is bound for a request that changes something. Any signal ends it, after a time of
// grace.
func (f *FS) boundChange(request context.Context) (context.Context, context.CancelFunc) {
	b := &bounded{request: request, timeout: f.o.Timeout, silence: &f.silence, changes: true}
	return b, b.end
}

// bounded is such a context. Most requests are answered from memory, so the timer and what else it takes are made
// when somebody is about to wait. The timeout begins then.
type bounded struct {
	request context.Context
	timeout time.Duration
	silence *silence
	changes bool

	mu     sync.Mutex // guards the following
	begun  time.Time  // when ctx was made
	zxid   int64      // the last that was known then
	ctx    context.Context
	cancel context.CancelFunc
	stop   func() bool // of request's influence
	ended  bool
}

func (b *bounded) Deadline() (time.Time, bool) { return b.real().Deadline() }
func (b *bounded) Done() <-chan struct{}       { return b.real().Done() }
func (b *bounded) Value(any) any               { return nil }

func (b *bounded) Err() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.ctx != nil:
		return b.ctx.Err()
	case b.ended:
		return context.Canceled
	}
	return nil
}

// real returns the context that ends.
func (b *bounded) real() context.Context {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctx != nil {
		return b.ctx
	}
	b.begun, b.zxid = time.Now(), b.silence.conn.LastZxid()
	b.ctx, b.cancel = context.WithTimeout(context.Background(), b.silence.patience(b.timeout))
	switch {
	case b.ended:
		b.cancel()
	case b.request.Done() != nil:
		// A goroutine that ends when stop is called.
		b.stop = context.AfterFunc(b.request, b.interrupted)
	}
	return b.ctx
}

// interrupted is called when a signal has come for the caller. It returns before ctx ends, or ends
// it.
func (b *bounded) interrupted() {
	if b.changes {
		time.AfterFunc(grace, b.cancel)
		return
	}
	heed(b.ctx, b.cancel, callerOf(b.request))
}

// end ends it.
func (b *bounded) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	if b.stop != nil {
		b.stop()
	}
	if b.cancel == nil {
		return
	}
	if errors.Is(b.ctx.Err(), context.DeadlineExceeded) {
		begun := b.begun
		b.silence.since.Store(&begun)
		if b.changes {
			b.silence.change.Store(&vain{b.zxid, time.Now()})
		}
	}
	b.cancel()
}
