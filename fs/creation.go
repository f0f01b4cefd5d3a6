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

func (c creation) attempt(ctx context.Context, f *FS) (st *zk.Stat, err error) {
	done := f.learning(c.Path, c.ACL, created)
	defer func() { done(st) }()
	st, err = f.createStat(ctx, c)
	if !errors.Is(err, zk.ErrNodeExists) {
		return st, err
	}
	request := &zk.CreateRequest{Path: c.Path, Data: c.Data, Acl: c.ACL}
	if _, err := f.replaceIdle(ctx, c.Path, request); err != nil {
		return nil, err
	}
	return f.made(ctx, c.Path)
}

func (c creation) outcome(_ context.Context, f *FS, e evidence) error {
	return c.claim.judge(f, c.Path, c.Data, e)
}

// createStat creates and returns the Stat. Servers before 3.5 have no operation that does both.
func (f *FS) createStat(ctx context.Context, c creation) (*zk.Stat, error) {
	conn := f.conn.WithContext(ctx)
	if !f.lacksCreate2.Load() {
		_, st, err := conn.CreateStat(c.Path, c.Data, zk.FlagPersistent, c.ACL)
		if !errors.Is(err, zk.ErrUnimplemented) {
			return st, err
		}
		f.lacksCreate2.Store(true) // such a server closes the connection over it
	}
	if _, err := conn.Create(c.Path, c.Data, zk.FlagPersistent, c.ACL); err != nil {
		return nil, err
	}
	return f.made(ctx, c.Path)
}

// made returns the Stat of a znode that this mount has just made.
func (f *FS) made(ctx context.Context, path string) (*zk.Stat, error) {
	for {
		found, st, err := f.conn.WithContext(ctx).Exists(path)
		switch {
		case err == nil && !found:
			return nil, zk.ErrNoNode // another client has removed it
		case err == nil:
			return st, nil
		case !f.watch.again(ctx, err):
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

func (c emptyCreation) attempt(ctx context.Context, f *FS) (st *zk.Stat, err error) {
	done := f.learning(c.Path, c.ACL, created, dataWatch)
	defer func() { done(st) }()
	return f.createBy(ctx, c.Path,
		&zk.CreateRequest{Path: c.Path, Data: []byte{}, Acl: c.ACL},
		&zk.SetDataRequest{Path: c.Path, Data: []byte{}, Version: 0},
	)
}

func (c emptyCreation) outcome(_ context.Context, f *FS, e evidence) error {
	return c.claim.judge(f, c.Path, nil, e)
}

// lockDirCreation makes a directory with the name of a lock file; see isLockDir. It is written once,
// so that it is not idle if it becomes a lock after all.
type lockDirCreation struct {
	Path string
	ACL  []zk.ACL
}

func (c lockDirCreation) about() string { return c.Path }

func (c lockDirCreation) attempt(ctx context.Context, f *FS) (*zk.Stat, error) {
	defer f.changing(c.Path, created)()
	defer f.changing(c.Path, dataWatch)()
	ops := append([]any{&zk.CreateRequest{Path: c.Path, Acl: c.ACL}}, marking(c.Path)...)
	return f.createBy(ctx, c.Path, append(ops, &zk.SetDataRequest{Path: c.Path, Version: 0})...)
}

func (c lockDirCreation) outcome(_ context.Context, f *FS, e evidence) error {
	return claim{Exclusive: true}.judge(f, c.Path, nil, e)
}

// lockCreation makes the znode of a lock. The server leaves a container alone that never had a
// child.
type lockCreation struct {
	Path string
	ACL  []zk.ACL
}

func (c lockCreation) about() string { return c.Path }

func (c lockCreation) attempt(ctx context.Context, f *FS) (*zk.Stat, error) {
	defer f.changing(c.Path, created)()
	conn := f.conn.WithContext(ctx)
	_, err := conn.Create(c.Path, nil, zk.FlagContainer, c.ACL)
	if errors.Is(err, zk.ErrUnimplemented) { // ZooKeeper 3.4
		_, err = conn.Create(c.Path, nil, zk.FlagPersistent, c.ACL)
	}
	return nil, err
}

func (c lockCreation) outcome(_ context.Context, _ *FS, e evidence) error {
	if e.stat == nil {
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
func (c claim) judge(f *FS, path string, data []byte, e evidence) error {
	same := e.stat != nil && bytes.Equal(e.data, data)
	switch {
	case e.stat == nil, f.isIdleLock(path, e.stat):
		return errNotMade
	case c.Exclusive && e.stat.Czxid <= e.before:
		return zk.ErrNodeExists
	case c.Exclusive:
		return errUnresolved
	case c.Appends && len(data) > 0 && (same || e.stat.Version > 0):
		return errUnresolved // another client may have created the same, or have appended to this
	case !same:
		return zk.ErrNodeExists
	}
	return nil
}

// createBy makes the znode at path by ops, the last of which sets its data. It returns the Stat.
func (f *FS) createBy(ctx context.Context, path string, ops ...any) (*zk.Stat, error) {
	replies, err := f.conn.WithContext(ctx).Multi(ops...)
	if errors.Is(err, zk.ErrNodeExists) {
		replies, err = f.replaceIdle(ctx, path, ops...)
	}
	if err != nil {
		return nil, err
	}
	return replies[len(replies)-1].Stat, nil
}

// replaceIdle makes the znode at path by ops, in the place of the idle lock of a file that is in
// their way. It returns the replies to ops, or zk.ErrNodeExists if something else is there.
func (f *FS) replaceIdle(ctx context.Context, path string, ops ...any) ([]zk.MultiResponse, error) {
	if !f.isLockPath(path) {
		return nil, zk.ErrNodeExists
	}
	c := f.conn.WithContext(ctx)
	locked := f.lockedBy(path)
	found := c.Pipeline(&zk.ExistsRequest{Path: path}, &zk.ExistsRequest{Path: locked})
	for _, r := range found {
		if r.Err != nil && !errors.Is(r.Err, zk.ErrNoNode) {
			return nil, r.Err
		}
	}
	lock, file := found[0].Stat, found[1].Stat
	if lock == nil || file == nil || !f.isIdleLock(path, lock) || f.kindOf(locked, file) != kindFile {
		return nil, zk.ErrNodeExists
	}
	defer f.changing(path, deleted)()
	replies, err := c.Multi(append([]any{&zk.DeleteRequest{Path: path, Version: lock.Version}}, ops...)...)
	switch {
	case errors.Is(err, zk.ErrNotEmpty), errors.Is(err, zk.ErrBadVersion), errors.Is(err, zk.ErrNoNode):
		return nil, zk.ErrNodeExists // a contender has come, or another process was first
	case err != nil:
		return nil, err
	}
	return replies[1:], nil
}
