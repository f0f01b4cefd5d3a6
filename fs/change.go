package fs

import (
	"context"
	"errors"

	"github.com/zkfs/zkfs/zk"
)

// Changes of the tree. Each announces itself to the watch, so that its own event is no news to the kernel, and makes
// what was known stale, because without a watch no event does.

// create makes the znode at path. A reply that was lost leaves errUnresolved: whether it was this mount that made the znode
// that is there cannot be told, and programs use mkdir(2) and O_EXCL for locks.
func (f *FS) create(ctx context.Context, path string, data []byte, acl []zk.ACL) (st *zk.Stat, err error) {
	done := f.learning(path, acl, created)
	defer func() { done(st) }()
	err = f.change(ctx, path, func(c *zk.Conn) (err error) {
		st, err = f.createStat(c, path, data, acl)
		return err
	}, func(s snapshot) error {
		if s.stat == nil {
			return nil
		}
		return errUnresolved
	})
	return st, err
}

// createStat is one attempt to make the znode at path. Servers before 3.5 have no operation that returns the Stat as well.
func (f *FS) createStat(c *zk.Conn, path string, data []byte, acl []zk.ACL) (*zk.Stat, error) {
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
	_, st, err := c.Exists(path)
	return st, err
}

// createEmpty makes an empty file at path: a znode that was written once, because an untouched one is a directory.
func (f *FS) createEmpty(ctx context.Context, path string, acl []zk.ACL) (st *zk.Stat, err error) {
	done := f.learning(path, acl, created, dataWatch)
	defer func() { done(st) }()
	err = f.change(ctx, path, func(c *zk.Conn) (err error) {
		st, err = tryCreateEmpty(c, path, acl)
		return err
	}, func(s snapshot) error {
		if s.stat == nil {
			return nil
		}
		return errUnresolved
	})
	return st, err
}

func tryCreateEmpty(c *zk.Conn, path string, acl []zk.ACL) (*zk.Stat, error) {
	replies, err := c.Multi(
		&zk.CreateRequest{Path: path, Data: []byte{}, Acl: acl},
		&zk.SetDataRequest{Path: path, Data: []byte{}, Version: 0},
	)
	if err != nil {
		return nil, err
	}
	return replies[1].Stat, nil
}

// delete removes the znode at path if it still is as in st.
func (f *FS) delete(ctx context.Context, path string, st *zk.Stat) error {
	defer f.changing(path, deleted)()
	err := f.change(ctx, path, func(c *zk.Conn) error {
		return c.Delete(path, st.Version)
	}, func(s snapshot) error {
		switch {
		case s.stat == nil:
			return errDone
		case sameVersion(s.stat, st):
			return nil
		default:
			return zk.ErrBadVersion
		}
	})
	if errors.Is(err, errDone) {
		return nil
	}
	return err
}

// errDone ends change: the lost reply was a success.
var errDone = errors.New("done")

// change sends a request that changes the znode at path. When the reply is lost it looks what became of it: resolve gets the
// znode as it is after a sync and returns nil if the request had no effect and may be sent again.
//
// A change that failed may have been overtaken by another, whose event was then taken for its own: the kernel is told.
func (f *FS) change(ctx context.Context, path string, request func(*zk.Conn) error, resolve func(snapshot) error) (err error) {
	defer func() {
		if err != nil && !errors.Is(err, errDone) {
			f.notify.tell(path, newsCreated)
		}
	}()
	c := f.conn.WithContext(ctx)
	for {
		err := request(c)
		switch {
		case err == nil:
			return nil
		case zk.MaybeApplied(err) && ctx.Err() == nil:
			s, err := f.settled(ctx, path)
			if err != nil {
				return errUnresolved
			}
			if err := resolve(s); err != nil {
				return err
			}
		case !f.watch.again(ctx, err):
			return err
		}
	}
}

// sync makes the next question about the znode at path one whose answer is as new as this call.
func (f *FS) sync(ctx context.Context, path string) error {
	for {
		_, err := f.conn.WithContext(ctx).Sync(path)
		if err == nil {
			f.view.fresh(path)
			return nil
		}
		if !f.watch.again(ctx, err) {
			return err
		}
	}
}

// connected waits until there is a session, so that a write that has no chance fails while the program looks.
func (f *FS) connected(ctx context.Context) error {
	if f.conn.State() == zk.StateHasSession {
		return nil
	}
	_, _, err := f.conn.WithContext(ctx).Exists("/")
	return err
}

// settled returns the znode at path as it is once everything that was sent before has taken effect or never will.
func (f *FS) settled(ctx context.Context, path string) (snapshot, error) {
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

// changing announces a change of the znode at path. The function that it returns must be called when the reply is there.
func (f *FS) changing(path string, kind watchKind) (done func()) {
	expected := f.watch.expect(path, kind)
	return func() {
		expected()
		f.view.fresh(path)
		if kind != dataWatch && path != "/" {
			dir, _ := split(path)
			f.view.fresh(dir)
		}
	}
}

// setData replaces the data of the znode at path if its version is that of base, and returns its Stat.
// The data of a directory that nothing else marks as one is set together with a child that comes and goes, which does.
func (f *FS) setData(ctx context.Context, path string, data []byte, base *zk.Stat, directory bool) (st *zk.Stat, err error) {
	c := f.conn.WithContext(ctx)
	if !directory || path == "/" || !untouched(base) || len(data) == 0 {
		done := f.learning(path, nil, dataWatch)
		defer func() { done(st) }()
		return c.Set(path, data, base.Version)
	}
	defer f.changing(path, dataWatch)()
	mark := join(path, markName)
	replies, err := c.Multi(
		&zk.CreateRequest{Path: mark, Acl: zk.WorldACL(zk.PermAll)},
		&zk.DeleteRequest{Path: mark, Version: 0},
		&zk.SetDataRequest{Path: path, Data: data, Version: base.Version},
	)
	if err != nil {
		return nil, err
	}
	return replies[2].Stat, nil
}

// markName is the name of the child that marks a directory. It exists within one transaction only.
const markName = ".zkfs-directory"

// clearData sets the data of the directory at path to nothing.
func (f *FS) clearData(ctx context.Context, path string) error {
	st, err := f.view.stat(ctx, path)
	if err != nil {
		return err
	}
	if st.DataLength <= 0 {
		return zk.ErrNoNode
	}
	_, err = f.setData(ctx, path, nil, st, true)
	return err
}
