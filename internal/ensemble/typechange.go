package ensemble

import (
	"context"

	"github.com/zkfs/zkfs/zk"
)

// TypeChange makes a znode one that had a child, which is a directory for ever.
type TypeChange struct{ Path string }

func (c TypeChange) about() string { return c.Path }

func (c TypeChange) attempt(ctx context.Context, e *Ensemble) (*zk.Stat, error) {
	_, err := e.conn.WithContext(ctx).Multi(Marking(c.Path)...)
	return nil, err
}

func (c TypeChange) outcome(_ context.Context, _ *Ensemble, after evidence) error {
	switch {
	case after.Stat == nil:
		return zk.ErrNoNode
	case Untouched(after.Stat):
		return errNotMade
	}
	return nil
}

// markName is the name of the child that marks a directory. It exists within one transaction only.
const markName = ".zkfs-directory"

// Marking returns what lets a child of the znode at path come and go.
func Marking(path string) []any {
	mark := Join(path, markName)
	return []any{
		&zk.CreateRequest{Path: mark, Acl: zk.WorldACL(zk.PermAll)},
		&zk.DeleteRequest{Path: mark, Version: 0},
	}
}
