package recipes

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// held is an ephemeral znode that stands for something held. It closes lost when that is no longer
// certain.
type held struct {
	c       *zk.Conn // whose calls do not end with the context of the one that acquired
	path    string
	session int64
	lost    chan struct{}
	release chan struct{} // closed to end the guard
	dropped atomic.Bool
}

// hold guards the znode at path, which was created in the session.
func hold(c *zk.Conn, path string, session int64) *held {
	h := &held{c: c, path: path, session: session}
	h.lost, h.release = make(chan struct{}), make(chan struct{})
	go h.guard() // ends when the znode is lost or released
	return h
}

// certain returns for how long the session lives at the servers at least. A third of its timeout is
// left for the way of a ping and its answer.
func (h *held) certain() time.Duration {
	if h.c.SessionID() != h.session {
		return 0
	}
	return h.c.SessionTimeout()*2/3 - h.c.Silence()
}

func (h *held) guard() {
	defer close(h.lost)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var changed <-chan zk.Event
	for {
		left := h.certain()
		if left <= 0 {
			return
		}
		if changed == nil {
			var found bool
			var err error
			if found, changed, err = h.look(ctx, left); err == nil && !found {
				return
			}
			if err != nil {
				changed = nil
			}
		}
		select {
		case <-h.release:
			return
		case e := <-changed:
			if changed = nil; e.Type != zk.EventNodeDataChanged {
				return // deleted, or the session is over
			}
		case <-time.After(h.wait(changed != nil)):
		}
	}
}

// wait returns when to look again.
func (h *held) wait(watched bool) time.Duration {
	if watched {
		return h.certain()
	}
	return min(h.certain(), time.Second)
}

// look sets the watch, for which it takes no longer than is left.
func (h *held) look(
	ctx context.Context, left time.Duration,
) (found bool, changed <-chan zk.Event, err error) {
	ctx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	found, _, changed, err = h.c.WithContext(ctx).ExistsW(h.path)
	return found, changed, err
}

// drop deletes the znode, in the background if ctx ends first. It may be called once.
func (h *held) drop(ctx context.Context) error {
	if !h.stop() {
		return ErrLost
	}
	if h.c.SessionID() != h.session {
		return ErrLost
	}
	err := znode.Delete(ctx, h.c, h.path, -1)
	switch {
	case errors.Is(err, zk.ErrNoNode):
		return ErrLost
	case ctx.Err() != nil:
		znode.Discard(ctx, h.c, h.path) // in the background
	}
	return err
}

// stop ends the guard. It reports whether this was the first call.
func (h *held) stop() bool {
	first := !h.dropped.Swap(true)
	if first {
		close(h.release)
	}
	return first
}

// detached returns a view of the connection that ends with it alone.
func detached(ctx context.Context, c *zk.Conn) *zk.Conn {
	return c.WithContext(context.WithoutCancel(ctx))
}
