package znode

import (
	"context"
	"errors"

	"github.com/zkfs/zkfs/zk"
)

// Wait returns when cond reports true of the znode at path: of its data and its Stat, which is nil
// while there is no such znode. cond is asked first for what there is now, and then after each
// change; several changes may show as one. See [Unwatch] for the watch that
// may be left.
func Wait(
	ctx context.Context, c *zk.Conn, path string, cond func(data []byte, stat *zk.Stat) bool,
) error {
	view := c.WithContext(ctx)
	for {
		var data []byte
		var stat *zk.Stat
		var changed <-chan zk.Event
		err := Retry(ctx, func(bool) (err error) {
			data, stat, changed, err = watch(view, path)
			return err
		})
		if err != nil {
			return err
		}
		if cond(data, stat) {
			Unwatch(c, path, changed)
			return nil
		}
		select {
		case <-changed: // or the session is over, which the next request tells
		case <-ctx.Done():
			Unwatch(c, path, changed)
			return &zk.InterruptedError{Sent: true, Err: ctx.Err()}
		}
	}
}

// watch returns a znode, whose Stat is nil if it is missing, and a watch for its next change.
func watch(c *zk.Conn, path string) ([]byte, *zk.Stat, <-chan zk.Event, error) {
	for {
		data, stat, changed, err := c.GetW(path)
		if !errors.Is(err, zk.ErrNoNode) {
			return data, stat, changed, err
		}
		found, _, created, err := c.ExistsW(path)
		if err != nil || !found {
			return nil, nil, created, err
		}
		Unwatch(c, path, created) // the znode has come meanwhile
	}
}

// Unwatch ends a one-shot watch in the client, as [zk.Conn.RemoveWatch] does, without a request:
// the server keeps its own until it fires, and then nothing hears of it. There is one at most for a
// connection and path.
func Unwatch(c *zk.Conn, path string, watch <-chan zk.Event) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	c.WithContext(ended).RemoveWatch(path, watch)
}

// Exists and Missing are conditions for [Wait].
func Exists(_ []byte, stat *zk.Stat) bool { return stat != nil }

// Missing reports whether there is no such znode.
func Missing(_ []byte, stat *zk.Stat) bool { return stat == nil }
