package fs

import (
	"context"
	"errors"

	"github.com/zkfs/zkfs/zk"
)

// sync makes the next question about the znode at path one whose answer is as new as this call.
func (f *FS) sync(ctx context.Context, path string) error {
	for {
		_, err := f.conn.WithContext(ctx).Sync(path)
		if err == nil {
			f.view.forget(path)
			return nil
		}
		if !f.watch.again(ctx, err) {
			return err
		}
	}
}

// connected waits until there is a session, so that a write that has no chance fails while the
// program looks.
func (f *FS) connected(ctx context.Context) error {
	if f.conn.State() == zk.StateHasSession {
		return nil
	}
	for {
		_, _, err := f.conn.WithContext(ctx).Exists("/")
		if err == nil || !f.watch.again(ctx, err) {
			return err
		}
	}
}

// afterSync returns the znode at path as it is once everything that was sent before has taken
// effect or never will. It has no Stat if there is none.
func (f *FS) afterSync(ctx context.Context, path string) (snapshot, error) {
	c := f.conn.WithContext(ctx)
	for {
		_, err := c.Sync(path)
		if err == nil || errors.Is(err, zk.ErrNoNode) {
			break
		}
		if !f.watch.again(ctx, err) {
			return snapshot{}, err
		}
	}
	f.view.fresh(path)
	s, err := f.view.get(ctx, path)
	if errors.Is(err, zk.ErrNoNode) {
		return snapshot{}, nil
	}
	return s, err
}
