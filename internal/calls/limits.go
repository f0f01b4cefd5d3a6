package calls

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/zkfs/zkfs/internal/ensemble"
)

// Limits say how long the requests of a mount wait for the servers.
type Limits struct {
	Timeout  time.Duration
	Ensemble *ensemble.Ensemble
}

// Bound returns the context of all that one request of the kernel asks of ZooKeeper: it ends after
// Timeout, sooner while the servers are known to be silent, and when a signal ends the caller.
// cancel must be called when the request is answered.
func (l Limits) Bound(request context.Context) (context.Context, context.CancelFunc) {
	b := &bounded{request: request, timeout: l.Timeout, ensemble: l.Ensemble}
	return b, b.end
}

// BoundChange is Bound for a request that changes something. Any signal ends it, after a time of
// Grace.
func (l Limits) BoundChange(request context.Context) (context.Context, context.CancelFunc) {
	b := &bounded{request: request, timeout: l.Timeout, ensemble: l.Ensemble, changes: true}
	return b, b.end
}

// bounded is such a context. Most requests are answered from memory, so the timer and what else it
// takes are made when a caller is about to wait. The timeout begins then.
type bounded struct {
	request  context.Context
	timeout  time.Duration
	ensemble *ensemble.Ensemble
	changes  bool

	mu     sync.Mutex    // guards the following
	wait   ensemble.Wait // began when ctx was made
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
	b.wait = b.ensemble.Wait(b.timeout)
	b.ctx, b.cancel = context.WithTimeout(context.Background(), b.wait.Patience)
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
		time.AfterFunc(Grace, b.cancel)
		return
	}
	heed(b.ctx, b.cancel, Caller(b.request))
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
		b.ensemble.WaitedInVain(b.wait, b.changes)
	}
	b.cancel()
}
