package fs

import (
	"bytes"
	"context"
	"errors"

	"github.com/zkfs/zkfs/zk"
)

// creation makes a znode.
type creation struct {
	Path string
	Data []byte
	ACL  []zk.ACL
	claim
}

func (c creation) about() string { return c.Path }

func (c creation) attempt(ctx context.Context, e *Ensemble) (st *zk.Stat, err error) {
	done := e.learning(c.Path, c.ACL, created)
	defer func() { done(st) }()
	st, err = e.createStat(ctx, c)
	if !errors.Is(err, zk.ErrNodeExists) {
		return st, err
	}
	request := &zk.CreateRequest{Path: c.Path, Data: c.Data, Acl: c.ACL}
	if _, err := e.replaceIdle(ctx, c.Path, request); err != nil {
		return nil, err
	}
	return e.made(ctx, c.Path)
}

func (c creation) outcome(_ context.Context, e *Ensemble, after evidence) error {
	return c.claim.judge(e, c.Path, c.Data, after)
}

// createStat creates and returns the Stat. Servers before 3.5 have no operation that does both.
func (e *Ensemble) createStat(ctx context.Context, c creation) (*zk.Stat, error) {
	conn := e.conn.WithContext(ctx)
	if !e.lacksCreate2.Load() {
		_, st, err := conn.CreateStat(c.Path, c.Data, zk.FlagPersistent, c.ACL)
		if !errors.Is(err, zk.ErrUnimplemented) {
			return st, err
		}
		e.lacksCreate2.Store(true) // such a server closes the connection over it
	}
	if _, err := conn.Create(c.Path, c.Data, zk.FlagPersistent, c.ACL); err != nil {
		return nil, err
	}
	return e.made(ctx, c.Path)
}

// made returns the Stat of a znode that this mount has just made.
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

// emptyCreation makes the znode of an empty file: one that was written once, because an untouched
// one is a directory.
type emptyCreation struct {
	Path string
	ACL  []zk.ACL
	claim
}

func (c emptyCreation) about() string { return c.Path }

func (c emptyCreation) attempt(ctx context.Context, e *Ensemble) (st *zk.Stat, err error) {
	done := e.learning(c.Path, c.ACL, created, dataWatch)
	defer func() { done(st) }()
	return e.createBy(ctx, c.Path,
		&zk.CreateRequest{Path: c.Path, Data: []byte{}, Acl: c.ACL},
		&zk.SetDataRequest{Path: c.Path, Data: []byte{}, Version: 0},
	)
}

func (c emptyCreation) outcome(_ context.Context, e *Ensemble, after evidence) error {
	return c.claim.judge(e, c.Path, nil, after)
}

// lockDirCreation makes a directory with the name of a lock file; see isLockDir. It is written once,
// so that it is not idle if it becomes a lock after all.
type lockDirCreation struct {
	Path string
	ACL  []zk.ACL
}

func (c lockDirCreation) about() string { return c.Path }

func (c lockDirCreation) attempt(ctx context.Context, e *Ensemble) (*zk.Stat, error) {
	defer e.changing(c.Path, created)()
	defer e.changing(c.Path, dataWatch)()
	ops := append([]any{&zk.CreateRequest{Path: c.Path, Acl: c.ACL}}, marking(c.Path)...)
	return e.createBy(ctx, c.Path, append(ops, &zk.SetDataRequest{Path: c.Path, Version: 0})...)
}

func (c lockDirCreation) outcome(_ context.Context, e *Ensemble, after evidence) error {
	return claim{Exclusive: true}.judge(e, c.Path, nil, after)
}

// lockCreation makes the znode of a lock. The server leaves a container alone that never had a
// child.
type lockCreation struct {
	Path string
	ACL  []zk.ACL
}

func (c lockCreation) about() string { return c.Path }

func (c lockCreation) attempt(ctx context.Context, e *Ensemble) (*zk.Stat, error) {
	defer e.changing(c.Path, created)()
	conn := e.conn.WithContext(ctx)
	_, err := conn.Create(c.Path, nil, zk.FlagContainer, c.ACL)
	if errors.Is(err, zk.ErrUnimplemented) { // ZooKeeper 3.4
		_, err = conn.Create(c.Path, nil, zk.FlagPersistent, c.ACL)
	}
	return nil, err
}

func (c lockCreation) outcome(_ context.Context, _ *Ensemble, after evidence) error {
	if after.stat == nil {
		return errNotMade
	}
	return nil
}

// claim says which znode counts as the created one when the reply is lost.
type claim struct {
	// Exclusive is for programs that use mkdir(2) and O_EXCL for locks. No znode counts: a server
	// must have confirmed that this mount made it.
	Exclusive bool
	// Appends says that each client that creates the same adds to it. Without it a znode with the
	// same data counts.
	Appends bool
}

// judge is the outcome of a creation with data.
func (c claim) judge(e *Ensemble, path string, data []byte, after evidence) error {
	same := after.stat != nil && bytes.Equal(after.data, data)
	switch {
	case after.stat == nil, e.o.Idle(path, after.stat):
		return errNotMade
	case c.Exclusive && after.stat.Czxid <= after.before:
		return zk.ErrNodeExists
	case c.Exclusive:
		return errUnresolved
	case c.Appends && len(data) > 0 && (same || after.stat.Version > 0):
		return errUnresolved // another client may have created the same, or have appended to this
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
// their way. It returns the replies to ops, or zk.ErrNodeExists if something else is there.
func (e *Ensemble) replaceIdle(ctx context.Context, path string, ops ...any) ([]zk.MultiResponse, error) {
	locked, named := e.o.LockOf(path)
	if !named {
		return nil, zk.ErrNodeExists
	}
	c := e.conn.WithContext(ctx)
	found := c.Pipeline(&zk.ExistsRequest{Path: path}, &zk.ExistsRequest{Path: locked})
	for _, r := range found {
		if r.Err != nil && !errors.Is(r.Err, zk.ErrNoNode) {
			return nil, r.Err
		}
	}
	lock, file := found[0].Stat, found[1].Stat
	if lock == nil || file == nil || !e.o.Idle(path, lock) || !e.o.IsFile(locked, file) {
		return nil, zk.ErrNodeExists
	}
	defer e.changing(path, deleted)()
	replies, err := c.Multi(append([]any{&zk.DeleteRequest{Path: path, Version: lock.Version}}, ops...)...)
	switch {
	case errors.Is(err, zk.ErrNotEmpty), errors.Is(err, zk.ErrBadVersion), errors.Is(err, zk.ErrNoNode):
		return nil, zk.ErrNodeExists // a contender has come, or another process was first
	case err != nil:
		return nil, err
	}
	return replies[1:], nil
}
