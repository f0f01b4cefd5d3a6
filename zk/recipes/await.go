package recipes

import (
	"context"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// watch is a one-shot watch and the path on which it was set.
type watch struct {
	path   string
	events <-chan zk.Event
}

func unwatch(c *zk.Conn, watches []watch) {
	for _, w := range watches {
		znode.Unwatch(c, w.path, w.events)
	}
}

// await returns the event of the first of one or two watches that fires, and ends both. The end of
// the session is an event too.
func await(ctx context.Context, c *zk.Conn, watches []watch) (zk.Event, error) {
	defer unwatch(c, watches)
	var second <-chan zk.Event
	if len(watches) > 1 {
		second = watches[1].events
	}
	select {
	case e := <-watches[0].events:
		return e, nil
	case e := <-second:
		return e, nil
	case <-ctx.Done():
		return zk.Event{}, &zk.InterruptedError{Sent: true, Err: ctx.Err()}
	}
}
