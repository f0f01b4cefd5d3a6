package ensemble

import (
	"bytes"
	"context"

	"github.com/zkfs/zkfs/zk"
)

// Writing replaces the data of a znode if its version is that of Base. The data of a directory that
// nothing else marks as one is set together with a child that comes and goes, which does.
type Writing struct {
	Path      string
	Data      []byte
	Base      *zk.Stat
	Directory bool
	// Appends says that each client that writes the same on that version adds to it.
	Appends bool
	// Outlived reports whether the znode of Base is known to be deleted; it may be nil. A znode
	// that was created again can have the same version.
	Outlived func() bool
}

func (c Writing) about() string { return c.Path }

func (c Writing) attempt(ctx context.Context, e *Ensemble) (*zk.Stat, error) {
	switch {
	case c.Outlived != nil && c.Outlived():
		return nil, zk.ErrNoNode
	case c.Directory && c.Path != "/" && Untouched(c.Base) && len(c.Data) > 0:
		return c.mark(ctx, e)
	}
	done := e.learning(c.Path, nil, dataWatch)
	st, err := e.conn.WithContext(ctx).Set(c.Path, c.Data, c.Base.Version)
	if err != nil {
		st = nil // in place of an empty one
	}
	done(st)
	return st, err
}

func (c Writing) mark(ctx context.Context, e *Ensemble) (*zk.Stat, error) {
	defer e.changing(c.Path, dataWatch)()
	set := &zk.SetDataRequest{Path: c.Path, Data: c.Data, Version: c.Base.Version}
	replies, err := e.conn.WithContext(ctx).Multi(append(Marking(c.Path), set)...)
	if err != nil {
		return nil, err
	}
	return replies[len(replies)-1].Stat, nil
}

func (c Writing) outcome(_ context.Context, _ *Ensemble, after evidence) error {
	if after.Stat != nil && !SameIncarnation(after.Stat, c.Base) {
		return zk.ErrBadVersion
	}
	err := wasSet(after.Snapshot, c.Base, c.Data)
	if err == nil && c.Appends {
		return ErrUnresolved // another host may have appended the same
	}
	return err
}

// wasSet is the outcome of a Set of data on the version of base: zk.ErrBadVersion if another client
// won.
func wasSet(s Snapshot, base *zk.Stat, data []byte) error {
	switch {
	case s.Stat == nil, !SameIncarnation(s.Stat, base):
		return ErrUnresolved // deleted, after this or before
	case s.Stat.Version == base.Version:
		return errNotMade
	case s.Stat.Version != base.Version+1:
		return ErrUnresolved // other clients wrote since, on top of this or of something else
	case !bytes.Equal(s.Data, data):
		return zk.ErrBadVersion
	}
	return nil
}

// ClearData sets the data of the directory at path to nothing.
func (e *Ensemble) ClearData(ctx context.Context, path string) error {
	return e.LookAgain(ctx, func() error {
		st, err := e.Stat(ctx, path)
		if err != nil {
			return err
		}
		if st.DataLength <= 0 {
			return zk.ErrNoNode
		}
		_, err = e.Do(ctx, Writing{Path: path, Base: st, Directory: true})
		return Overtaken(err)
	}, path)
}

// Note replaces what the holder of a lock says in its contender, which no other client writes.
type Note struct {
	Path string
	Data []byte
}

func (c Note) about() string { return c.Path }

func (c Note) attempt(ctx context.Context, e *Ensemble) (*zk.Stat, error) {
	_, err := e.conn.WithContext(ctx).Set(c.Path, c.Data, -1)
	return nil, err
}

func (c Note) outcome(_ context.Context, _ *Ensemble, after evidence) error {
	switch {
	case after.Stat == nil:
		return zk.ErrNoNode
	case bytes.Equal(after.Data, c.Data):
		return nil
	}
	return errNotMade
}

// Deletion removes a znode if its version is that of Seen.
type Deletion struct {
	Path string
	Seen *zk.Stat
}

func (c Deletion) about() string { return c.Path }

func (c Deletion) attempt(ctx context.Context, e *Ensemble) (*zk.Stat, error) {
	defer e.changing(c.Path, deletionEvent)()
	return nil, e.conn.WithContext(ctx).Delete(c.Path, c.Seen.Version)
}

func (c Deletion) outcome(_ context.Context, _ *Ensemble, after evidence) error {
	switch {
	case after.Stat == nil || !SameIncarnation(after.Stat, c.Seen):
		return nil
	case SameVersion(after.Stat, c.Seen):
		return errNotMade
	}
	return zk.ErrBadVersion
}
