package ensemble

import (
	"bytes"
	"context"
	"errors"

	"github.com/zkfs/zkfs/zk"
)

// Creation makes a znode.
type Creation struct {
	Path string
	Data []byte
	ACL  []zk.ACL
	Claim
}

func (c Creation) about() string { return c.Path }

func (c Creation) attempt(ctx context.Context, e *Ensemble) (st *zk.Stat, err error) {
	done := e.learning(c.Path, c.ACL, creationEvent)
	defer func() { done(st) }()
	_, st, err = e.conn.WithContext(ctx).CreateStat(c.Path, c.Data, zk.FlagPersistent, c.ACL)
	if !errors.Is(err, zk.ErrNodeExists) {
		return st, err
	}
	request := &zk.CreateRequest{Path: c.Path, Data: c.Data, Acl: c.ACL}
	if _, err := e.replaceIdle(ctx, c.Path, request); err != nil {
		return nil, err
	}
	return e.made(ctx, c.Path)
}

func (c Creation) outcome(_ context.Context, e *Ensemble, after evidence) error {
	return c.Claim.judge(e, c.Path, c.Data, after)
}

// made returns the Stat of a znode that was just made.
func (e *Ensemble) made(ctx context.Context, path string) (*zk.Stat, error) {
	for {
		found, st, err := e.conn.WithContext(ctx).Exists(path)
		switch {
		case err == nil && !found:
			return nil, zk.ErrNoNode // another client has removed it
		case err == nil:
			return st, nil
		case !e.watch.again(ctx, err):
			return nil, err
		}
	}
}

// EmptyCreation makes the znode of an empty file: one that was written once, because an untouched
// one is a directory.
type EmptyCreation struct {
	Path string
	ACL  []zk.ACL
	Claim
}

func (c EmptyCreation) about() string { return c.Path }

func (c EmptyCreation) attempt(ctx context.Context, e *Ensemble) (st *zk.Stat, err error) {
	done := e.learning(c.Path, c.ACL, creationEvent, dataWatch)
	defer func() { done(st) }()
	return e.createBy(ctx, c.Path,
		&zk.CreateRequest{Path: c.Path, Data: []byte{}, Acl: c.ACL},
		&zk.SetDataRequest{Path: c.Path, Data: []byte{}, Version: 0},
	)
}

func (c EmptyCreation) outcome(_ context.Context, e *Ensemble, after evidence) error {
	err := c.Claim.judge(e, c.Path, nil, after)
	if err == nil && after.Stat.Version == 0 {
		return zk.ErrNodeExists // a directory, which another client has made
	}
	return err
}

// LockDirCreation makes a directory with the name of a lock file. A child of it comes and goes, as
// no contender of a lock does. It is written once, so that it is not idle if it becomes a lock
// after all.
type LockDirCreation struct {
	Path string
	ACL  []zk.ACL
}

func (c LockDirCreation) about() string { return c.Path }

func (c LockDirCreation) attempt(ctx context.Context, e *Ensemble) (*zk.Stat, error) {
	defer e.changing(c.Path, creationEvent)()
	defer e.changing(c.Path, dataWatch)()
	ops := append([]any{&zk.CreateRequest{Path: c.Path, Acl: c.ACL}}, Marking(c.Path)...)
	return e.createBy(ctx, c.Path, append(ops, &zk.SetDataRequest{Path: c.Path, Version: 0})...)
}

func (c LockDirCreation) outcome(_ context.Context, e *Ensemble, after evidence) error {
	return Claim{Exclusive: true}.judge(e, c.Path, nil, after)
}

// LockCreation makes the znode of a lock. The server leaves a container alone that never had a
// child.
type LockCreation struct {
	Path string
	ACL  []zk.ACL
}

func (c LockCreation) about() string { return c.Path }

func (c LockCreation) attempt(ctx context.Context, e *Ensemble) (*zk.Stat, error) {
	defer e.changing(c.Path, creationEvent)()
	conn := e.conn.WithContext(ctx)
	_, err := conn.Create(c.Path, nil, zk.FlagContainer, c.ACL)
	if errors.Is(err, zk.ErrUnimplemented) { // ZooKeeper 3.4
		_, err = conn.Create(c.Path, nil, zk.FlagPersistent, c.ACL)
	}
	return nil, err
}

func (c LockCreation) outcome(_ context.Context, _ *Ensemble, after evidence) error {
	if after.Stat == nil {
		return errNotMade
	}
	return nil
}

// Claim says which znode counts as the created one when the reply is lost.
type Claim struct {
	// Exclusive is for programs that use mkdir(2) and O_EXCL for locks. No znode counts: a server
	// must have confirmed that the caller made it.
	Exclusive bool
	// Appends says that each client that creates the same adds to it. Without it a znode with the
	// same data counts.
	Appends bool
}

// judge is the outcome of a creation with data.
func (c Claim) judge(e *Ensemble, path string, data []byte, after evidence) error {
	same := after.Stat != nil && bytes.Equal(after.Data, data)
	switch {
	case after.Stat == nil, e.o.Idle(path, after.Stat):
		return errNotMade
	case c.Exclusive && after.Stat.Czxid <= after.before:
		return zk.ErrNodeExists
	case c.Exclusive:
		return ErrUnresolved
	case c.Appends && len(data) > 0 && (same || after.Stat.Version > 0):
		return ErrUnresolved // another client may have created the same, or have appended to this
	case !same:
		return zk.ErrNodeExists
	}
	return nil
}

// createBy makes the znode at path by ops, the last of which sets its data. It returns the Stat.
func (e *Ensemble) createBy(ctx context.Context, path string, ops ...any) (*zk.Stat, error) {
	replies, err := e.conn.WithContext(ctx).Multi(ops...)
	if errors.Is(err, zk.ErrNodeExists) {
		replies, err = e.replaceIdle(ctx, path, ops...)
	}
	if err != nil {
		return nil, err
	}
	return replies[len(replies)-1].Stat, nil
}

// replaceIdle makes the znode at path by ops, in the place of the idle lock of a file that is in
// their way. It returns the replies to ops, or zk.ErrNodeExists if something else is there. The
// servers may remove an idle lock at any moment: then nothing is in the way.
func (e *Ensemble) replaceIdle(ctx context.Context, path string, ops ...any) ([]zk.MultiResponse, error) {
	locked, named := e.o.LockOf(path)
	if !named {
		return nil, zk.ErrNodeExists
	}
	c := e.conn.WithContext(ctx)
	for range looks {
		found := c.Pipeline(&zk.ExistsRequest{Path: path}, &zk.ExistsRequest{Path: locked})
		for _, r := range found {
			if r.Err != nil && !errors.Is(r.Err, zk.ErrNoNode) {
				return nil, r.Err
			}
		}
		lock, file := found[0].Stat, found[1].Stat
		if lock == nil {
			replies, err := c.Multi(ops...)
			if errors.Is(err, zk.ErrNodeExists) {
				continue
			}
			return replies, err
		}
		if file == nil || !e.o.Idle(path, lock) || !e.o.IsFile(locked, file) {
			return nil, zk.ErrNodeExists
		}
		replies, err := e.replace(c, path, lock, ops)
		switch {
		case errors.Is(err, zk.ErrNotEmpty), errors.Is(err, zk.ErrBadVersion):
			return nil, zk.ErrNodeExists // a contender has come, or another process was first
		case len(replies) > 0 && errors.Is(replies[0].Error, zk.ErrNoNode):
			continue
		case err != nil:
			return nil, err
		}
		return replies[1:], nil
	}
	return nil, zk.ErrNodeExists
}

// replace makes a znode by ops in the place of the lock at path.
func (e *Ensemble) replace(c *zk.Conn, path string, lock *zk.Stat, ops []any) ([]zk.MultiResponse, error) {
	defer e.changing(path, deletionEvent)()
	return c.Multi(append([]any{&zk.DeleteRequest{Path: path, Version: lock.Version}}, ops...)...)
}
