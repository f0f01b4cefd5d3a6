package main

import (
	"errors"
	"path"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// setQuota changes the limits, by the version that it has seen.
func (e *errand) setQuota(c *cli.Context) error {
	for {
		limits, st, err := e.amounts(quotaLimits)
		missing := errors.Is(err, zk.ErrNoNode)
		if err != nil && !missing {
			return err
		}
		limits.change(c)
		none := limits == amounts{noLimit, noLimit, noLimit, noLimit}
		file := path.Join(quotaRoot, e.path, quotaLimits)
		switch {
		case none && missing:
			return nil
		case none:
			err = e.deleteQuota(st.Version)
		case missing:
			err = e.createQuota(limits)
		default:
			_, err = znode.Set(e.ctx, e.conn, file, []byte(limits.String()), st.Version)
		}
		if !errors.Is(err, zk.ErrBadVersion) && (!missing || !errors.Is(err, zk.ErrNodeExists)) {
			return err
		}
	}
}

// createQuota makes the znodes of a quota, by one transaction. The server fills in what is there.
func (e *errand) createQuota(limits amounts) error {
	if err := e.checkQuota(); err != nil {
		return err
	}
	dir := path.Join(quotaRoot, e.path)
	acl, err := newACL{}.under(e, quotaRoot)
	if err != nil {
		return err
	}
	if err := znode.Ensure(e.ctx, e.conn, dir, false, acl); err != nil {
		return err
	}
	create := func(name, data string) *zk.CreateRequest {
		return &zk.CreateRequest{Path: path.Join(dir, name), Data: []byte(data), Acl: acl}
	}
	return e.ask(func() error {
		_, err := e.conn.Multi(
			create(quotaLimits, limits.String()), create(quotaStats, "count=0,bytes=0"))
		return err
	})
}

// checkQuota refuses a quota for a missing znode, one above or below another, and one on servers
// that have none.
func (e *errand) checkQuota() error {
	var exists, known bool
	err := e.ask(func() (err error) {
		if exists, _, err = e.conn.Exists(e.path); err == nil {
			known, _, err = e.conn.Exists(quotaRoot)
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case !exists:
		return zk.ErrNoNode
	case !known:
		return failf(exitRefused, "%s: the servers have no quotas", e.name).
			hinting("those of ZooKeeper have the znode " + quotaRoot)
	}
	other := func(znode string) error {
		return failf(exitRefused, "%s: %s has a quota already, and counts what is here",
			e.name, strings.TrimPrefix(znode, quotaRoot))
	}
	for dir := path.Dir(e.path); dir != "/"; dir = path.Dir(dir) {
		file := path.Join(quotaRoot, dir, quotaLimits)
		err := e.ask(func() (err error) {
			exists, _, err = e.conn.Exists(file)
			return err
		})
		if err != nil {
			return err
		}
		if exists {
			return other(path.Dir(file))
		}
	}
	for n, err := range znode.Walk(e.ctx, e.conn, path.Join(quotaRoot, e.path)) {
		switch {
		case errors.Is(err, zk.ErrNoNode):
			return nil
		case err != nil:
			return err
		case path.Base(n.Path) == quotaLimits:
			return other(path.Dir(n.Path))
		}
	}
	return nil
}

// deleteQuota deletes the znodes of a quota, and those above that are then empty.
func (e *errand) deleteQuota(version int32) error {
	dir := path.Join(quotaRoot, e.path)
	err := e.ask(func() error {
		_, err := e.conn.Multi(
			&zk.DeleteRequest{Path: path.Join(dir, quotaLimits), Version: version},
			&zk.DeleteRequest{Path: path.Join(dir, quotaStats), Version: -1})
		return err
	})
	for ; err == nil && dir != quotaRoot; dir = path.Dir(dir) {
		err = znode.Delete(e.ctx, e.conn, dir, -1)
	}
	if errors.Is(err, zk.ErrNotEmpty) {
		return nil // another quota is below
	}
	return err
}
