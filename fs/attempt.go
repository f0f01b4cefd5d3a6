package fs

import (
	"context"
	"errors"

	"github.com/zkfs/zkfs/zk"
)

// Attempts are what [FS.change] makes, each one request that changes something. They announce
// themselves to the watch. Beside change.go this file alone calls such methods of zk.Conn.

// tryCreate makes the znode at path.
func (f *FS) tryCreate(ctx context.Context, path string, data []byte, acl []zk.ACL) (st *zk.Stat, err error) {
	done := f.learning(path, acl, created)
	defer func() { done(st) }()
	st, err = f.tryCreateStat(ctx, path, data, acl)
	if !errors.Is(err, zk.ErrNodeExists) {
		return st, err
	}
	if _, err := f.replaceIdle(ctx, path, &zk.CreateRequest{Path: path, Data: data, Acl: acl}); err != nil {
		return nil, err
	}
	return f.made(ctx, path)
}

// tryCreateStat creates and returns the Stat. Servers before 3.5 have no operation that does both.
func (f *FS) tryCreateStat(ctx context.Context, path string, data []byte, acl []zk.ACL) (*zk.Stat, error) {
	c := f.conn.WithContext(ctx)
	if !f.lacksCreate2.Load() {
		_, st, err := c.CreateStat(path, data, zk.FlagPersistent, acl)
		if !errors.Is(err, zk.ErrUnimplemented) {
			return st, err
		}
		f.lacksCreate2.Store(true) // such a server closes the connection over it
	}
	if _, err := c.Create(path, data, zk.FlagPersistent, acl); err != nil {
		return nil, err
	}
	return f.made(ctx, path)
}

func (f *FS) tryCreateEmpty(ctx context.Context, path string, acl []zk.ACL) (st *zk.Stat, err error) {
	done := f.learning(path, acl, created, dataWatch)
	defer func() { done(st) }()
	return f.tryMake(ctx, path,
		&zk.CreateRequest{Path: path, Data: []byte{}, Acl: acl},
		&zk.SetDataRequest{Path: path, Data: []byte{}, Version: 0},
	)
}

// tryCreateLockDir makes a directory that is written once, so that it is not idle if it becomes a
// lock after all.
func (f *FS) tryCreateLockDir(ctx context.Context, path string, acl []zk.ACL) (*zk.Stat, error) {
	defer f.changing(path, created)()
	defer f.changing(path, dataWatch)()
	ops := append([]any{&zk.CreateRequest{Path: path, Acl: acl}}, marking(path)...)
	return f.tryMake(ctx, path, append(ops, &zk.SetDataRequest{Path: path, Version: 0})...)
}

// tryMake makes the znode at path by ops, the last of which sets its data. It returns the Stat.
func (f *FS) tryMake(ctx context.Context, path string, ops ...any) (*zk.Stat, error) {
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

// trySet replaces the data of the znode at path if its version is that of base. The data of a
// directory that nothing else marks as one is set together with a child that comes and goes, which
// does.
func (f *FS) trySet(ctx context.Context, path string, data []byte, base *zk.Stat, directory bool) (st *zk.Stat, err error) {
	if !directory || path == "/" || !untouched(base) || len(data) == 0 {
		done := f.learning(path, nil, dataWatch)
		st, err = f.conn.WithContext(ctx).Set(path, data, base.Version)
		if err != nil {
			st = nil // in place of an empty one
		}
		done(st)
		return st, err
	}
	defer f.changing(path, dataWatch)()
	set := &zk.SetDataRequest{Path: path, Data: data, Version: base.Version}
	replies, err := f.conn.WithContext(ctx).Multi(append(marking(path), set)...)
	if err != nil {
		return nil, err
	}
	return replies[len(replies)-1].Stat, nil
}

// tryReplace puts another znode in the place of the one at path, if the version of that is the one
// of base.
func (f *FS) tryReplace(ctx context.Context, path string, data []byte, acl []zk.ACL, base *zk.Stat) (*zk.Stat, error) {
	err := f.try(ctx, []any{
		&zk.DeleteRequest{Path: path, Version: base.Version},
		&zk.CreateRequest{Path: path, Data: data, Acl: acl},
	})
	if err != nil {
		return nil, err
	}
	return f.made(ctx, path)
}

// try makes a transaction.
func (f *FS) try(ctx context.Context, ops []any) error {
	for _, op := range ops {
		switch op := op.(type) {
		case *zk.CreateRequest:
			defer f.changing(op.Path, created)()
		case *zk.DeleteRequest:
			defer f.changing(op.Path, deleted)()
		case *zk.SetDataRequest:
			defer f.changing(op.Path, dataWatch)()
		}
	}
	_, err := f.conn.WithContext(ctx).Multi(ops...)
	return err
}

// markName is the name of the child that marks a directory. It exists within one transaction only.
const markName = ".zkfs-directory"

// marking returns what lets a child of the znode at path come and go.
func marking(path string) []any {
	mark := join(path, markName)
	return []any{
		&zk.CreateRequest{Path: mark, Acl: zk.WorldACL(zk.PermAll)},
		&zk.DeleteRequest{Path: mark, Version: 0},
	}
}
