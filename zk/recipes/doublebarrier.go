package recipes

import (
	"context"
	"errors"
	"slices"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// DoubleBarrier lets processes begin a work together and end it together: Enter waits for a number
// of processes, Leave until all have left. The number is a threshold: more may enter. A process
// that dies inside leaves when its session expires, so that the others do not learn whether it had
// done its work.
//
// Both go on after a reconnect. If the session expires in Enter, that returns [ErrLost]: the others
// may have counted this process and begun. If it expires inside, Leave returns ErrLost when all
// have left. When the context of Enter ends, the process does not wait any more, and is not inside.
//
// It is Curator's DistributedDoubleBarrier and kazoo's DoubleBarrier.
type DoubleBarrier struct {
	c    *zk.Conn
	path string
	n    int
	acl  []zk.ACL
	name string // of the own znode, "" outside
	left bool   // the own znode was deleted by a Leave that has not ended well
}

// ready is the znode that lets all in.
const ready = "ready"

// NewDoubleBarrier returns the barrier at path, which lets n processes in. Each process needs one
// of its own, and uses it in one goroutine at a time.
func NewDoubleBarrier(c *zk.Conn, path string, n int, acl []zk.ACL) *DoubleBarrier {
	return &DoubleBarrier{c: c, path: path, n: n, acl: acl}
}

// Enter returns when enough processes have entered. [zk.ErrDeadlock] says that this one is inside.
func (b *DoubleBarrier) Enter(ctx context.Context) error {
	if b.name != "" {
		return zk.ErrDeadlock
	}
	b.name = newID()
	err := b.enter(ctx)
	if err != nil {
		znode.Discard(ctx, b.c, znode.Join(b.path, b.name))
		b.name = ""
	}
	return err
}

func (b *DoubleBarrier) enter(ctx context.Context) error {
	err := znode.CreateAll(ctx, b.c, znode.Join(b.path, b.name), nil, zk.FlagEphemeral, b.acl)
	for err == nil {
		var in bool
		var watches []watch
		err = znode.Retry(ctx, func(bool) (err error) {
			in, watches, err = b.look(ctx)
			return err
		})
		if err != nil || in {
			unwatch(b.c, watches)
			break
		}
		// The event of ready counts even if it has been deleted again by one that has left.
		var e zk.Event
		if e, err = await(ctx, b.c, watches); e.Type == zk.EventNodeCreated {
			break
		}
	}
	if errors.Is(err, zk.ErrSessionExpired) {
		return ErrLost
	}
	return err
}

// look returns whether enough are there. If not it returns watches for ready and for those that
// come and go.
func (b *DoubleBarrier) look(ctx context.Context) (in bool, watches []watch, err error) {
	c := b.c.WithContext(ctx)
	at := znode.Join(b.path, ready)
	found, _, created, err := c.ExistsW(at)
	if err != nil {
		return false, nil, err
	}
	watches = append(watches, watch{at, created})
	names, _, changed, err := c.ChildrenW(b.path)
	if err != nil {
		unwatch(b.c, watches)
		return false, nil, err
	}
	watches = append(watches, watch{b.path, changed})
	switch {
	case !slices.Contains(names, b.name):
		return false, watches, ErrLost
	case found || slices.Contains(names, ready):
		return true, watches, nil
	case len(without(names, ready)) >= b.n:
		return true, watches, znode.Ensure(ctx, b.c, at, false, b.acl)
	}
	return false, watches, nil
}

// Leave returns when all processes that are inside with this one have left. Those that enter
// meanwhile belong to the next round, and are not waited for. After an error it may be called
// again. [zk.ErrNotLocked] says that this process is not inside.
func (b *DoubleBarrier) Leave(ctx context.Context) error {
	if b.name == "" {
		return zk.ErrNotLocked
	}
	inside, readyZxid, err := b.inside(ctx)
	if err != nil {
		return err
	}
	lost := !b.left && !slices.Contains(inside, b.name)
	if err := znode.Discard(ctx, b.c, znode.Join(b.path, b.name)); err != nil {
		return err
	}
	b.left = !lost
	for _, name := range inside {
		if err := znode.Wait(ctx, b.c, znode.Join(b.path, name), znode.Missing); err != nil {
			return err
		}
	}
	if err := b.close(ctx, readyZxid); err != nil {
		return err
	}
	b.name, b.left = "", false
	if lost {
		return ErrLost
	}
	return nil
}

// inside returns the names of the processes inside, and the czxid of ready, 0 if it is gone.
func (b *DoubleBarrier) inside(ctx context.Context) (names []string, readyZxid int64, err error) {
	c := b.c.WithContext(ctx)
	err = znode.Retry(ctx, func(bool) error {
		_, stat, err := c.Exists(znode.Join(b.path, ready))
		if err != nil {
			return err
		}
		readyZxid = stat.Czxid
		names, _, err = c.Children(b.path)
		names = without(names, ready)
		return err
	})
	return names, readyZxid, err
}

// close deletes ready, unless it is that of the next round.
func (b *DoubleBarrier) close(ctx context.Context, zxid int64) error {
	at := znode.Join(b.path, ready)
	found, stat, err := b.c.WithContext(ctx).Exists(at)
	if err != nil && !znode.Passing(err) {
		return err
	}
	if err == nil && (!found || stat.Czxid != zxid) {
		return nil
	}
	err = znode.Delete(ctx, b.c, at, -1)
	if errors.Is(err, zk.ErrNoNode) {
		return nil
	}
	return err
}

// without returns a copy of names without one.
func without(names []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == name })
}
