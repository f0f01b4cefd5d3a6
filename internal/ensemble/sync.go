package ensemble

import (
	"context"
	"errors"

	"github.com/zkfs/zkfs/zk"
)

// Sync makes the next question about the znode at path one whose answer is as new as this call.
func (e *Ensemble) Sync(ctx context.Context, path string) error {
	for {
		_, err := e.conn.WithContext(ctx).Sync(path)
		if err == nil {
			e.forget(path)
			return nil
		}
		if !e.watch.again(ctx, err) {
			return err
		}
	}
}

// Connected waits until there is a session, so that a write that has no chance fails while the
// program looks.
func (e *Ensemble) Connected(ctx context.Context) error {
	if e.conn.State() == zk.StateHasSession {
		return nil
	}
	for {
		_, _, err := e.conn.WithContext(ctx).Exists("/")
		if err == nil || !e.watch.again(ctx, err) {
			return err
		}
	}
}

// AfterSync returns the znode at path as it is once everything that was sent before has taken
// effect or never will. It has no Stat if there is none.
func (e *Ensemble) AfterSync(ctx context.Context, path string) (Snapshot, error) {
	c := e.conn.WithContext(ctx)
	for {
		_, err := c.Sync(path)
		if err == nil || errors.Is(err, zk.ErrNoNode) {
			break
		}
		if !e.watch.again(ctx, err) {
			return Snapshot{}, err
		}
	}
	e.AskAnew(path)
	s, err := e.Get(ctx, path)
	if errors.Is(err, zk.ErrNoNode) {
		return Snapshot{}, nil
	}
	return s, err
}
