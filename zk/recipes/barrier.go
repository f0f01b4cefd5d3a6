package recipes

import (
	"context"
	"errors"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// Barrier blocks processes as long as a znode exists. It has no owner: any process may set and
// remove it, and it outlives them all. A process that waits may miss that the barrier was removed
// and set again at once.
//
// Waiting goes on after a reconnect and in the next session. It is Curator's DistributedBarrier and
// kazoo's Barrier.
type Barrier struct {
	c    *zk.Conn
	path string
	acl  []zk.ACL
}

// NewBarrier returns the barrier whose znode is at path. Missing znodes above it are made with acl.
func NewBarrier(c *zk.Conn, path string, acl []zk.ACL) *Barrier {
	return &Barrier{c: c, path: path, acl: acl}
}

// Set sets the barrier, if it is not.
func (b *Barrier) Set(ctx context.Context) error {
	return znode.Ensure(ctx, b.c, b.path, false, b.acl)
}

// Remove removes the barrier, if it is set.
func (b *Barrier) Remove(ctx context.Context) error {
	err := znode.Delete(ctx, b.c, b.path, -1)
	if errors.Is(err, zk.ErrNoNode) {
		return nil
	}
	return err
}

// Wait returns when the barrier is not set.
func (b *Barrier) Wait(ctx context.Context) error {
	return znode.Wait(ctx, b.c, b.path, znode.Missing)
}
