package fs

import (
	"context"

	"github.com/zkfs/zkfs/internal/acls"
	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/errno"
	"github.com/zkfs/zkfs/xattr"
)

// setType makes a file a directory, an ephemeral of this mount's session, or a permanent file
// again. A directory stays one, because a znode that had a child does.
func (s source) setType(value string) error {
	is, err := s.Type()
	ephemeral := value == xattr.TypeEphemeral
	switch {
	case err != nil:
		return err
	case ephemeral || is == xattr.TypeEphemeral && value == xattr.TypeFile:
		if s.file == nil || s.file.role != roleLeaf {
			return errno.ErrNotAllowed
		}
		return s.file.setEphemeral(s.ctx, ephemeral)
	case value == is:
		return nil
	case s.file == nil:
		return errno.ErrNotAllowed
	}
	defer s.fs.showChange(s.ctx, s.path, ensemble.ChildrenChanged)
	_, err = s.fs.ensemble.Do(s.ctx, ensemble.TypeChange{Path: s.path})
	return err
}

// setEphemeral puts an ephemeral of this mount's session in the place of the znode, or a permanent
// one, as it is at this moment. What was written before is committed first. The file stays the
// same, for processes that have it open too.
func (f *file) setEphemeral(ctx context.Context, ephemeral bool) error {
	if err := f.take(ctx); err != nil {
		return err
	}
	defer f.give()
	if err := f.commit(ctx, keepTrying); err != nil {
		return err
	}
	path := f.where()
	defer f.fs.showChange(ctx, path, ensemble.AttrChanged)
	return f.fs.ensemble.LookAgain(ctx, func() error {
		return f.changeOwner(ctx, path, ephemeral)
	}, path)
}

// changeOwner is one look at the znode, and the change if it still is so. Else it returns
// ensemble.ErrOvertaken. busy is held.
func (f *file) changeOwner(ctx context.Context, path string, ephemeral bool) error {
	e := f.fs.ensemble
	acl, st, err := e.ACLStat(ctx, path)
	if err != nil {
		return err
	}
	if st.NumChildren > 0 {
		return errno.ErrNotAllowed
	}
	s, err := f.load(ctx, true)
	switch {
	case err != nil:
		return err
	case !ensemble.SameIncarnation(st, s.Stat):
		return ensemble.ErrOvertaken
	case s.Stat.EphemeralOwner != 0 && s.Stat.EphemeralOwner != e.SessionID():
		return errno.ErrForeign
	case ephemeral == (s.Stat.EphemeralOwner != 0):
		return nil
	case acls.Masked(acl):
		return errno.ErrMaskedACL
	}
	f.freeze(true)
	f.disown()
	seen := ensemble.SeenACL{Path: path, ACL: acl, Stat: st}
	_, err = e.Do(ctx, ensemble.OwnerChange{Path: path, Seen: s, ACL: seen, Ephemeral: ephemeral})
	f.freeze(false)
	if err != nil {
		f.learn(s.Stat, f.isGone())
		return ensemble.Overtaken(err)
	}
	f.retarget(ctx)
	return nil
}
