package fs

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/zkfs/zkfs/zk"
)

// Changes of the tree. This file and attempt.go are the only door to them: no other calls a method
// of zk.Conn that changes something, and TestChangesGoThroughOneDoor says so. Each change is one
// call of [FS.change]: with an attempt, which may be made several times, and with what tells from
// the znode whether an attempt whose reply was lost was made. An attempt announces itself to the
// watch, so that its own event is no news to the kernel. It makes what was known stale, because
// without a watch no event does.

// errDone is the answer of a resolve that the attempt was made.
var errDone = errors.New("done")

// change makes one change of the znode at path, exactly once: attempt is called until a server has
// answered. When a reply is lost, resolve gets the znode as it is after a sync, without a Stat if
// there is none. It returns nil if the attempt was not made, which then is made again; errDone if
// it was; errUnresolved if that cannot be told; or why the change cannot be made any more.
//
// A change that failed may have been overtaken by another, whose event was then taken for its own:
// the kernel is told.
func (f *FS) change(ctx context.Context, path string, attempt func() error, resolve func(snapshot) error) (err error) {
	defer func() {
		if err != nil {
			f.notify.tell(path, newsCreated|newsData)
		}
	}()
	for {
		err := attempt()
		switch {
		case err == nil:
			return nil
		case zk.MaybeApplied(err) && ctx.Err() == nil:
			err = f.resolved(ctx, path, resolve)
			if errors.Is(err, errDone) {
				return nil
			}
			if err != nil {
				return err
			}
		case !f.watch.again(ctx, err):
			return err
		}
	}
}

// resolved asks resolve about the znode at path once everything that was sent has taken effect or
// never will.
func (f *FS) resolved(ctx context.Context, path string, resolve func(snapshot) error) error {
	s, err := f.settled(ctx, path)
	if err != nil {
		return errUnresolved
	}
	return resolve(s)
}

// create makes the znode at path. A reply that was lost leaves errUnresolved if a znode is there
// that may be this one: whether this mount made it cannot be told, and programs use mkdir(2) and
// O_EXCL for locks.
func (f *FS) create(ctx context.Context, path string, data []byte, acl []zk.ACL) (st *zk.Stat, err error) {
	return f.created(ctx, path, func() (err error) {
		st, err = f.tryCreate(ctx, path, data, acl)
		return err
	}, &st)
}

// createEmpty is create for an empty file: a znode that was written once, because an untouched one
// is a directory.
func (f *FS) createEmpty(ctx context.Context, path string, acl []zk.ACL) (st *zk.Stat, err error) {
	return f.created(ctx, path, func() (err error) {
		st, err = f.tryCreateEmpty(ctx, path, acl)
		return err
	}, &st)
}

func (f *FS) created(ctx context.Context, path string, attempt func() error, st **zk.Stat) (*zk.Stat, error) {
	before := f.conn.LastZxid()
	err := f.change(ctx, path, attempt, func(s snapshot) error {
		switch {
		case s.stat == nil, f.isIdleLock(path, s.stat):
			return nil
		case s.stat.Czxid <= before:
			return zk.ErrNodeExists
		}
		return errUnresolved
	})
	return *st, err
}

// createLockDir is create for a directory with the name of a lock file; see isLockDir.
func (f *FS) createLockDir(ctx context.Context, path string, acl []zk.ACL) (st *zk.Stat, err error) {
	return f.created(ctx, path, func() (err error) {
		st, err = f.tryCreateLockDir(ctx, path, acl)
		return err
	}, &st)
}

// createLock makes the znode of a lock if it is missing. The server leaves a container alone that
// never had a child.
func (f *FS) createLock(ctx context.Context, path string, acl []zk.ACL) error {
	err := f.change(ctx, path, func() error {
		defer f.changing(path, created)()
		c := f.conn.WithContext(ctx)
		_, err := c.Create(path, nil, zk.FlagContainer, acl)
		if errors.Is(err, zk.ErrUnimplemented) { // ZooKeeper 3.4
			_, err = c.Create(path, nil, zk.FlagPersistent, acl)
		}
		return err
	}, func(s snapshot) error {
		if s.stat == nil {
			return nil
		}
		return errDone
	})
	if errors.Is(err, zk.ErrNodeExists) {
		return nil
	}
	return err
}

// delete removes the znode at path if it still is as in st.
func (f *FS) delete(ctx context.Context, path string, st *zk.Stat) error {
	return f.change(ctx, path, func() error {
		defer f.changing(path, deleted)()
		return f.conn.WithContext(ctx).Delete(path, st.Version)
	}, func(s snapshot) error {
		switch {
		case s.stat == nil || !sameIncarnation(s.stat, st):
			return errDone
		case sameVersion(s.stat, st):
			return nil
		}
		return zk.ErrBadVersion
	})
}

// setData replaces the data of the znode at path if its version is that of base, and returns its
// Stat.
func (f *FS) setData(ctx context.Context, path string, data []byte, base *zk.Stat, directory bool) (st *zk.Stat, err error) {
	err = f.change(ctx, path, func() (err error) {
		st, err = f.trySet(ctx, path, data, base, directory)
		return err
	}, func(s snapshot) error {
		st = s.stat
		return wasSet(s, base, data)
	})
	return st, err
}

// wasSet says what became of a Set of data on the version of base, as a resolve does:
// zk.ErrBadVersion if another won.
func wasSet(s snapshot, base *zk.Stat, data []byte) error {
	switch {
	case s.stat == nil, !sameIncarnation(s.stat, base):
		return errUnresolved // deleted, after this or before
	case s.stat.Version == base.Version:
		return nil
	case s.stat.Version != base.Version+1:
		return errUnresolved // other clients wrote since, on top of this or of something else
	case !bytes.Equal(s.data, data):
		return zk.ErrBadVersion
	}
	return errDone
}

// clearData sets the data of the directory at path to nothing.
func (f *FS) clearData(ctx context.Context, path string) error {
	return f.lookAgain(ctx, func() error {
		st, err := f.view.stat(ctx, path)
		if err != nil {
			return err
		}
		if st.DataLength <= 0 {
			return zk.ErrNoNode
		}
		_, err = f.setData(ctx, path, nil, st, true)
		return overtaken(err)
	}, path)
}

// setACL replaces the ACL that the znode at path has at this moment, whatever it is.
func (f *FS) setACL(ctx context.Context, path string, acl []zk.ACL) error {
	defer f.aclChanges.Add(1)
	return f.lookAgain(ctx, func() error {
		_, st, err := f.aclStat(ctx, path)
		if err != nil {
			return err
		}
		return f.change(ctx, path, func() error {
			_, err := f.conn.WithContext(ctx).SetACL(path, acl, st.Aversion)
			return overtaken(err)
		}, func(s snapshot) error {
			switch {
			case s.stat == nil:
				return zk.ErrNoNode
			case s.stat.Aversion == st.Aversion:
				return nil
			case s.stat.Aversion != st.Aversion+1:
				return errUnresolved
			}
			now, _, err := f.aclStat(ctx, path)
			switch {
			case err != nil: // which the new ACL may forbid
				return errUnresolved
			case !stored(acl, now):
				return errOvertaken
			}
			return errDone
		})
	}, path)
}

// stored reports whether a server that was given acl shows it as now: with the identities of the
// session in place of the scheme auth, and without digests to a session that may not administer the
// znode.
func stored(acl, now []zk.ACL) bool {
	return !slices.ContainsFunc(acl, func(a zk.ACL) bool {
		user, _, _ := strings.Cut(a.ID, ":")
		return !slices.ContainsFunc(now, func(b zk.ACL) bool {
			mask := zk.ACL{Perms: a.Perms, Scheme: "digest", ID: user + ":x"}
			return a == b || a.Scheme == "auth" && a.Perms == b.Perms || a.Scheme == "digest" && b == mask
		})
	})
}

// mark makes the znode at path one that had a child, which is a directory for ever.
func (f *FS) mark(ctx context.Context, path string) error {
	return f.change(ctx, path, func() error {
		_, err := f.conn.WithContext(ctx).Multi(marking(path)...)
		return err
	}, func(s snapshot) error {
		switch {
		case s.stat == nil:
			return zk.ErrNoNode
		case untouched(s.stat):
			return nil
		}
		return errDone
	})
}

// transact makes several changes at once, one of which is about path. resolve is as in change.
func (f *FS) transact(ctx context.Context, path string, ops []any, resolve func(snapshot) error) error {
	return f.change(ctx, path, func() error { return f.try(ctx, ops) }, resolve)
}

// setNote replaces what the holder of a lock says in its contender, which nobody else writes.
func (f *FS) setNote(ctx context.Context, path string, data []byte) error {
	return f.change(ctx, path, func() error {
		_, err := f.conn.WithContext(ctx).Set(path, data, -1)
		return err
	}, func(s snapshot) error {
		switch {
		case s.stat == nil:
			return zk.ErrNoNode
		case bytes.Equal(s.data, data):
			return errDone
		}
		return nil
	})
}

// looks is how often a change is prepared at most. The kernel holds the locks of directories
// meanwhile.
const looks = 50

// lookAgain makes a change that begins with a look at the znodes at paths, and prepares it anew,
// with a fresh look, as long as once returns errOvertaken.
func (f *FS) lookAgain(ctx context.Context, once func() error, paths ...string) error {
	for range looks {
		if err := once(); !errors.Is(err, errOvertaken) {
			return err
		}
		for _, path := range paths {
			if _, err := f.settled(ctx, path); err != nil && !errors.Is(err, zk.ErrNoAuth) {
				return err
			}
		}
	}
	return errOvertaken
}

// overtaken returns errOvertaken in place of an error that says that the znodes are not any more as
// they were seen.
func overtaken(err error) error {
	switch {
	case errors.Is(err, zk.ErrNoNode), errors.Is(err, zk.ErrNodeExists), errors.Is(err, zk.ErrBadVersion),
		errors.Is(err, zk.ErrNotEmpty):
		return errOvertaken
	}
	return err
}

// hasRoom returns zk.ErrQuotaExceeded if a quota refuses op, a request about the znode at path that
// leaves it with another version than wrong. It changes nothing: the transaction that asks has a
// part that fails. Any other answer is one for the change itself to get.
func (f *FS) hasRoom(ctx context.Context, op any, path string, wrong int32) error {
	for {
		_, err := f.conn.WithContext(ctx).Multi(op, &zk.CheckVersionRequest{Path: path, Version: wrong})
		switch {
		case errors.Is(err, zk.ErrQuotaExceeded):
			return err
		case !f.watch.again(ctx, err):
			return nil
		}
	}
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

// sync makes the next question about the znode at path one whose answer is as new as this call.
func (f *FS) sync(ctx context.Context, path string) error {
	for {
		_, err := f.conn.WithContext(ctx).Sync(path)
		if err == nil {
			f.view.forget(path)
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
	for {
		_, _, err := f.conn.WithContext(ctx).Exists("/")
		if err == nil || !f.watch.again(ctx, err) {
			return err
		}
	}
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
