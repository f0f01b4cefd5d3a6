package recipes

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// Queue hands each item to one taker at a time, and keeps it until the taker says that it is done:
// an item whose taker dies is taken again. So the work on an item may be done in part or in whole
// before that; only Done happens once. A Put whose reply is lost returns an error for which
// [zk.MaybeApplied] reports true: the item may be there, and a second Put may make a second one.
// ZooKeeper holds all items in memory: a queue is for hundreds, not for millions.
//
// A reconnect changes nothing. When the session of a taker has expired, or may soon expire because
// no server is heard, [Item.Lost] is closed and the item is taken by the next. Items outlive all
// sessions.
//
// It is kazoo's LockingQueue, which takes part; a kazoo taker that is slow may end an item that has
// been taken again, because it looks and deletes in two requests. Curator's queues have znodes of
// another form.
type Queue struct {
	c    *zk.Conn
	path string
	acl  []zk.ACL
}

// DefaultPriority is that of Put, and of kazoo.
const DefaultPriority = 100

// NewQueue returns the queue at path. Missing znodes are made with acl.
func NewQueue(c *zk.Conn, path string, acl []zk.ACL) *Queue {
	return &Queue{c: c, path: path, acl: acl}
}

func (q *Queue) entries() string { return znode.Join(q.path, "entries") }
func (q *Queue) taken() string   { return znode.Join(q.path, "taken") }

// Put adds an item behind all others of [DefaultPriority].
func (q *Queue) Put(ctx context.Context, data []byte) error {
	return q.PutPriority(ctx, data, DefaultPriority)
}

// PutPriority adds an item behind all others of the priority, from 0 for the first to 999.
func (q *Queue) PutPriority(ctx context.Context, data []byte, priority int) error {
	if priority < 0 || priority > 999 {
		return zk.ErrBadArguments
	}
	prefix := znode.Join(q.entries(), fmt.Sprintf("entry-%03d-", priority))
	for {
		var err error
		retryErr := znode.Retry(ctx, func(bool) error {
			_, err = q.c.WithContext(ctx).Create(prefix, data, zk.FlagSequence, q.acl)
			if zk.MaybeApplied(err) {
				return nil
			}
			return err
		})
		if !errors.Is(retryErr, zk.ErrNoNode) {
			return errors.Join(err, retryErr)
		}
		if err := q.ensure(ctx); err != nil {
			return err
		}
	}
}

func (q *Queue) ensure(ctx context.Context) error {
	if err := znode.Ensure(ctx, q.c, q.entries(), false, q.acl); err != nil {
		return err
	}
	return znode.Ensure(ctx, q.c, q.taken(), false, q.acl)
}

// Len returns how many items there are, those that are taken included.
func (q *Queue) Len(ctx context.Context) (int, error) {
	names, err := q.list(ctx, q.entries())
	return len(names), err
}

// list returns children, none of a znode that is missing.
func (q *Queue) list(ctx context.Context, path string) (names []string, err error) {
	err = znode.Retry(ctx, func(bool) error {
		names, _, err = q.c.WithContext(ctx).Children(path)
		return err
	})
	if errors.Is(err, zk.ErrNoNode) {
		return nil, nil
	}
	return names, err
}

// Item is one that is taken until Done or Release. Another taker has it when it is lost. It is not
// for several goroutines at a time.
type Item struct {
	Data    []byte
	q       *Queue
	name    string
	token   string // the path of an ephemeral znode that no other taker has
	held    *held
	unknown error // of an end that may have been done
}

// Lost returns a channel that is closed when the item is no longer certain to be held, and by Done
// and Release.
func (i *Item) Lost() <-chan struct{} { return i.held.lost }

// Take waits for an item and takes it. When ctx ends first, nothing stays taken as soon as a server
// can be reached.
func (q *Queue) Take(ctx context.Context) (*Item, error) {
	for {
		var free []string
		var watches []watch
		err := znode.Retry(ctx, func(bool) (err error) {
			free, watches, err = q.free(ctx)
			return err
		})
		if errors.Is(err, zk.ErrNoNode) {
			if err = q.ensure(ctx); err == nil {
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		item, err := q.takeFirst(ctx, free)
		switch {
		case errors.Is(err, errAgain):
			unwatch(q.c, watches)
		case item != nil || err != nil:
			unwatch(q.c, watches)
			return item, err
		default:
			if _, err := await(ctx, q.c, watches); err != nil {
				return nil, err
			}
		}
	}
}

// free returns the items that are not taken, in their order, and watches for the next.
func (q *Queue) free(ctx context.Context) (names []string, watches []watch, err error) {
	c := q.c.WithContext(ctx)
	names, _, added, err := c.ChildrenW(q.entries())
	if err != nil {
		return nil, nil, err
	}
	taken, _, released, err := c.ChildrenW(q.taken())
	if err != nil {
		unwatch(q.c, []watch{{q.entries(), added}})
		return nil, nil, err
	}
	isTaken := func(n string) bool { return slices.Contains(taken, n) }
	names = slices.DeleteFunc(slices.Clone(names), isTaken)
	slices.Sort(names)
	return names, []watch{{q.entries(), added}, {q.taken(), released}}, nil
}

// takeFirst takes the first item for which no other taker is faster.
func (q *Queue) takeFirst(ctx context.Context, names []string) (*Item, error) {
	for _, name := range names {
		if item, err := q.take(ctx, name); item != nil || err != nil {
			return item, err
		}
	}
	return nil, nil
}

// take takes one item. It returns nil if another taker was faster, and errAgain if it was not done
// for want of a connection. Besides the znode that excludes
// other takers it makes a token: only its owner can end the item, whatever has become of the
// session meanwhile.
func (q *Queue) take(ctx context.Context, name string) (*Item, error) {
	i := &Item{q: q, name: name, token: znode.Join(q.taken(), "token-"+newID())}
	session := q.c.SessionID()
	_, err := q.c.WithContext(ctx).Multi(
		&zk.CheckVersionRequest{Path: znode.Join(q.entries(), name), Version: -1},
		&zk.CreateRequest{Path: znode.Join(q.taken(), name), Flags: zk.FlagEphemeral, Acl: q.acl},
		&zk.CreateRequest{Path: i.token, Flags: zk.FlagEphemeral, Acl: q.acl})
	if zk.MaybeApplied(err) || znode.Passing(err) {
		if err = q.resolve(ctx, i); errors.Is(err, zk.ErrNoNode) {
			return nil, errAgain
		}
	}
	if errors.Is(err, zk.ErrNodeExists) || errors.Is(err, zk.ErrNoNode) {
		return nil, nil
	}
	if err == nil {
		err = znode.Retry(ctx, func(bool) error {
			i.Data, _, err = q.c.WithContext(ctx).Get(znode.Join(q.entries(), name))
			return err
		})
	}
	i.held = hold(detached(ctx, q.c), i.token, session)
	switch {
	case err == nil:
		return i, nil
	case ctx.Err() != nil:
		go i.Release(context.WithoutCancel(ctx)) // ends when a server has answered
		return nil, err
	}
	i.Release(ctx)
	if errors.Is(err, zk.ErrNoNode) {
		return nil, nil // the session has ended, and another taker is done with it
	}
	return nil, err
}

// resolve returns nil if an item was taken although the reply was lost, ErrNoNode if not.
func (q *Queue) resolve(ctx context.Context, i *Item) error {
	c := q.c.WithContext(ctx)
	return znode.Retry(ctx, func(bool) error {
		if _, err := c.Sync(i.token); err != nil {
			return err
		}
		found, _, err := c.Exists(i.token)
		if err == nil && !found {
			return zk.ErrNoNode
		}
		return err
	})
}

// Done deletes the item. [ErrLost] says that it was lost before: another taker has it, or had. An
// error for which [zk.MaybeApplied] reports true says that the session has expired before the
// answer came. When ctx ends first, the item stays taken and Done may be called again.
func (i *Item) Done(ctx context.Context) error {
	return i.end(ctx, &zk.DeleteRequest{Path: znode.Join(i.q.entries(), i.name), Version: -1})
}

// Release gives the item back: it is the first again. Errors are those of Done.
func (i *Item) Release(ctx context.Context) error { return i.end(ctx) }

// end does ops in one transaction with giving up the item.
func (i *Item) end(ctx context.Context, ops ...any) error {
	if i.held.dropped.Load() {
		return ErrLost
	}
	ops = append([]any{&zk.DeleteRequest{Path: i.token, Version: -1}}, ops...)
	ops = append(ops, &zk.DeleteRequest{Path: znode.Join(i.q.taken(), i.name), Version: -1})
	err := znode.Retry(ctx, func(bool) error {
		if i.unknown == nil && i.q.c.SessionID() != i.held.session {
			return ErrLost // the token has gone with its session, in which nothing was sent
		}
		_, err := i.q.c.WithContext(ctx).Multi(ops...)
		if zk.MaybeApplied(err) {
			i.unknown = err
		}
		return err
	})
	var interrupted *zk.InterruptedError
	if errors.As(err, &interrupted) {
		return err
	}
	i.held.stop()
	if !errors.Is(err, zk.ErrNoNode) {
		return err
	}
	switch { // the token has gone with the session, or with the transaction
	case i.unknown == nil:
		return ErrLost
	case i.q.c.SessionID() != i.held.session:
		return i.unknown
	}
	return nil
}
