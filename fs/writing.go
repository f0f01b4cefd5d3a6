package fs

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/zkfs/zkfs/zk"
)

// writing replaces the data of a znode if its version is that of Base. The data of a directory that
// nothing else marks as one is set together with a child that comes and goes, which does.
type writing struct {
	Path      string
	Data      []byte
	Base      *zk.Stat
	Directory bool
	// Appends says that each client that writes the same on that version adds to it.
	Appends bool
	// Outlived reports whether the znode of Base is known to be deleted; it may be nil. A znode that
	// was created again can have the same version.
	Outlived func() bool
}

func (c writing) about() string { return c.Path }

func (c writing) attempt(ctx context.Context, e *Ensemble) (*zk.Stat, error) {
	switch {
	case c.Outlived != nil && c.Outlived():
		return nil, zk.ErrNoNode
	case c.Directory && c.Path != "/" && untouched(c.Base) && len(c.Data) > 0:
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

func (c writing) mark(ctx context.Context, e *Ensemble) (*zk.Stat, error) {
	defer e.changing(c.Path, dataWatch)()
	set := &zk.SetDataRequest{Path: c.Path, Data: c.Data, Version: c.Base.Version}
	replies, err := e.conn.WithContext(ctx).Multi(append(marking(c.Path), set)...)
	if err != nil {
		return nil, err
	}
	return replies[len(replies)-1].Stat, nil
}

func (c writing) outcome(_ context.Context, _ *Ensemble, after evidence) error {
	if after.stat != nil && !sameIncarnation(after.stat, c.Base) {
		return zk.ErrBadVersion
	}
	err := wasSet(after.snapshot, c.Base, c.Data)
	if err == nil && c.Appends {
		return errUnresolved // another host may have appended the same
	}
	return err
}

// wasSet is the outcome of a Set of data on the version of base: zk.ErrBadVersion if another client
// won.
func wasSet(s snapshot, base *zk.Stat, data []byte) error {
	switch {
	case s.stat == nil, !sameIncarnation(s.stat, base):
		return errUnresolved // deleted, after this or before
	case s.stat.Version == base.Version:
		return errNotMade
	case s.stat.Version != base.Version+1:
		return errUnresolved // other clients wrote since, on top of this or of something else
	case !bytes.Equal(s.data, data):
		return zk.ErrBadVersion
	}
	return nil
}

// clearData sets the data of the directory at path to nothing.
func (e *Ensemble) clearData(ctx context.Context, path string) error {
	return e.lookAgain(ctx, func() error {
		st, err := e.stat(ctx, path)
		if err != nil {
			return err
		}
		if st.DataLength <= 0 {
			return zk.ErrNoNode
		}
		_, err = e.do(ctx, writing{Path: path, Base: st, Directory: true})
		return overtaken(err)
	}, path)
}

// note replaces what the holder of a lock says in its contender, which no other client writes.
type note struct {
	Path string
	Data []byte
}

func (c note) about() string { return c.Path }

func (c note) attempt(ctx context.Context, e *Ensemble) (*zk.Stat, error) {
	_, err := e.conn.WithContext(ctx).Set(c.Path, c.Data, -1)
	return nil, err
}

func (c note) outcome(_ context.Context, _ *Ensemble, after evidence) error {
	switch {
	case after.stat == nil:
		return zk.ErrNoNode
	case bytes.Equal(after.data, c.Data):
		return nil
	}
	return errNotMade
}

// deletion removes a znode if its version is that of Seen.
type deletion struct {
	Path string
	Seen *zk.Stat
}

func (c deletion) about() string { return c.Path }

func (c deletion) attempt(ctx context.Context, e *Ensemble) (*zk.Stat, error) {
	defer e.changing(c.Path, deleted)()
	return nil, e.conn.WithContext(ctx).Delete(c.Path, c.Seen.Version)
}

func (c deletion) outcome(_ context.Context, _ *Ensemble, after evidence) error {
	switch {
	case after.stat == nil || !sameIncarnation(after.stat, c.Seen):
		return nil
	case sameVersion(after.stat, c.Seen):
		return errNotMade
	}
	return zk.ErrBadVersion
}

// aclChange replaces the ACL of a znode if its version is that of Seen.
type aclChange struct {
	Path string
	ACL  []zk.ACL
	Seen *zk.Stat
}

func (c aclChange) about() string { return c.Path }

func (c aclChange) attempt(ctx context.Context, e *Ensemble) (*zk.Stat, error) {
	_, err := e.conn.WithContext(ctx).SetACL(c.Path, c.ACL, c.Seen.Aversion)
	return nil, err
}

func (c aclChange) outcome(ctx context.Context, e *Ensemble, after evidence) error {
	switch {
	case after.stat == nil:
		return zk.ErrNoNode
	case after.stat.Aversion == c.Seen.Aversion:
		return errNotMade
	case after.stat.Aversion != c.Seen.Aversion+1:
		return errUnresolved
	}
	now, _, err := e.aclStat(ctx, c.Path)
	switch {
	case err != nil: // which the new ACL may forbid
		return errUnresolved
	case !stored(c.ACL, now):
		return zk.ErrBadVersion
	}
	return nil
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

// setACL replaces the ACL that the znode at path has at this moment, whatever it is.
func (e *Ensemble) setACL(ctx context.Context, path string, acl []zk.ACL) error {
	defer e.aclChanges.Add(1)
	return e.lookAgain(ctx, func() error {
		_, st, err := e.aclStat(ctx, path)
		if err != nil {
			return err
		}
		_, err = e.do(ctx, aclChange{path, acl, st})
		return overtaken(err)
	}, path)
}

// typeChange makes a znode one that had a child, which is a directory for ever.
type typeChange struct{ Path string }

func (c typeChange) about() string { return c.Path }

func (c typeChange) attempt(ctx context.Context, e *Ensemble) (*zk.Stat, error) {
	_, err := e.conn.WithContext(ctx).Multi(marking(c.Path)...)
	return nil, err
}

func (c typeChange) outcome(_ context.Context, _ *Ensemble, after evidence) error {
	switch {
	case after.stat == nil:
		return zk.ErrNoNode
	case untouched(after.stat):
		return errNotMade
	}
	return nil
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

// quotaQuestion finds out whether a quota refuses Op, a request about the znode at Path that leaves
// it with another version than Wrong. It changes nothing: the transaction that asks has a part that
// fails. An answer other than zk.ErrQuotaExceeded is one for the change itself to get.
type quotaQuestion struct {
	Path  string
	Op    any
	Wrong int32
}

func (c quotaQuestion) about() string { return c.Path }

func (c quotaQuestion) attempt(ctx context.Context, e *Ensemble) (*zk.Stat, error) {
	check := &zk.CheckVersionRequest{Path: c.Path, Version: c.Wrong}
	_, err := e.conn.WithContext(ctx).Multi(c.Op, check)
	return nil, err
}

func (c quotaQuestion) outcome(context.Context, *Ensemble, evidence) error { return errNotMade }

// hasRoom returns zk.ErrQuotaExceeded if a quota refuses op; see quotaQuestion.
func (e *Ensemble) hasRoom(ctx context.Context, op any, path string, wrong int32) error {
	if _, err := e.do(ctx, quotaQuestion{path, op, wrong}); errors.Is(err, zk.ErrQuotaExceeded) {
		return err
	}
	return nil
}
