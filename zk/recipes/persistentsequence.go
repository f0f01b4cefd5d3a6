package recipes

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// PersistSequence is [Persist] for an ephemeral with a number: servers append ten digits to path.
// The znode of the next session has another number. It is made in the transaction that deletes what
// is left of earlier sessions of the PersistentNode, so that there are never two.
//
// The znodes of a session that begin with path are those of one PersistentNode: a program that
// keeps two of them by one zk.Conn gives them different paths.
func PersistSequence(
	ctx context.Context, c *zk.Conn, path string, data []byte, acl []zk.ACL,
) *PersistentNode {
	ctx, cancel := context.WithCancel(ctx)
	p := newPersistentNode(c.WithContext(ctx), "", data, acl, cancel)
	p.prefix = path
	go p.run(ctx) // ends with ctx, with c, or with an error that stays
	return p
}

// numberDigits is the length of the number that servers append.
const numberDigits = 10

// numbered is a znode with a number of a session of this PersistentNode.
type numbered struct {
	path    string
	owner   int64
	version int32
}

// findNumbered returns the znodes of all sessions of this PersistentNode. A create that lost its
// reply has either made one of them or never will: the sync comes after it.
func (p *PersistentNode) findNumbered(c *zk.Conn) (found []numbered, err error) {
	parent, prefix := znode.Split(p.prefix)
	if _, err := c.Sync(parent); err != nil {
		return nil, err
	}
	if len(p.sessions) == 0 { // none was made yet, and the session is known now
		return nil, nil
	}
	names, _, err := c.Children(parent)
	if err != nil && !errors.Is(err, zk.ErrNoNode) {
		return nil, err
	}
	var ops []any
	for _, name := range names {
		number, ok := strings.CutPrefix(name, prefix)
		if ok && len(number) == numberDigits && strings.Trim(number, "0123456789") == "" {
			ops = append(ops, &zk.ExistsRequest{Path: znode.Join(parent, name)})
		}
	}
	for i, r := range c.Pipeline(ops...) {
		switch {
		case errors.Is(r.Err, zk.ErrNoNode):
		case r.Err != nil:
			return nil, r.Err
		case p.sessions[r.Stat.EphemeralOwner] || r.Stat.EphemeralOwner == p.c.SessionID():
			path := ops[i].(*zk.ExistsRequest).Path
			found = append(found, numbered{path, r.Stat.EphemeralOwner, r.Stat.Version})
		}
	}
	return found, nil
}

// establishNumbered is establish for a znode with a number.
func (p *PersistentNode) establishNumbered(
	ctx context.Context,
) (own bool, changed <-chan zk.Event, err error) {
	for {
		found, err := p.findNumbered(p.c)
		if err != nil {
			return false, nil, err
		}
		session := p.c.SessionID()
		var mine *numbered
		for i, n := range found {
			if n.owner == session && session != 0 {
				mine = &found[i]
			}
		}
		if mine == nil {
			err = p.makeNumbered(ctx, found)
		} else {
			changed, err = p.watchNumbered(*mine)
		}
		if err != nil || changed != nil {
			return err == nil, changed, err
		}
	}
}

// watchNumbered returns a watch for the next change of the znode, nil if that has come or the znode
// was given the data: then look again.
func (p *PersistentNode) watchNumbered(n numbered) (<-chan zk.Event, error) {
	found, stat, changed, err := p.c.ExistsW(n.path)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.path = n.path
	p.mu.Unlock()
	data, version, written := p.content()
	if found && written {
		return changed, nil
	}
	znode.Unwatch(p.c, n.path, changed)
	if !found {
		return nil, nil
	}
	_, err = p.c.Set(n.path, data, stat.Version)
	switch {
	case err == nil:
		p.setWritten(version)
	case errors.Is(err, zk.ErrBadVersion), errors.Is(err, zk.ErrNoNode):
		return nil, nil
	}
	return nil, err
}

// makeNumbered creates a znode in the place of those of earlier sessions.
func (p *PersistentNode) makeNumbered(ctx context.Context, earlier []numbered) error {
	if id := p.c.SessionID(); id != 0 {
		p.sessions[id] = true
	}
	p.setWritten(0)
	data, version, _ := p.content()
	var ops []any
	for _, n := range earlier {
		ops = append(ops, &zk.DeleteRequest{Path: n.path, Version: n.version})
	}
	flags := int32(zk.FlagEphemeral | zk.FlagSequence)
	ops = append(ops, &zk.CreateRequest{Path: p.prefix, Data: data, Acl: p.acl, Flags: flags})
	_, err := p.c.Multi(ops...)
	switch {
	case err == nil:
		p.setWritten(version)
	case errors.Is(err, zk.ErrNoNode) && len(earlier) == 0:
		parent, _ := znode.Split(p.prefix)
		return znode.Ensure(ctx, p.c, parent, false, p.acl)
	case errors.Is(err, zk.ErrBadVersion), errors.Is(err, zk.ErrNoNode):
		return nil // one of them has changed or is gone: look again
	}
	return err
}

// removeNumbered is remove for a znode with a number.
func (p *PersistentNode) removeNumbered(ctx context.Context) {
	c := p.c.WithContext(ctx)
	for {
		found, err := p.findNumbered(c)
		for _, n := range found {
			if gone := c.Delete(n.path, -1); gone != nil && !errors.Is(gone, zk.ErrNoNode) {
				err = gone
			}
		}
		if err == nil || !znode.Passing(err) {
			return
		}
		time.Sleep(removePause)
	}
}
