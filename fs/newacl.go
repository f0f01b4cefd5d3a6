package fs

import (
	"context"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// lately is an answer of acls.In for a directory: something can be created there, with this ACL. It
// is trusted for as long as a list of children that no watch stands for. That nothing can be
// created is asked anew each time.
type lately struct {
	acl     []zk.ACL
	asked   time.Time
	epoch   uint32 // of the cache, before the servers were asked
	changes uint64 // of ACLs by this mount, likewise
}

// newACL returns the ACL for something created in d, or why nothing can be.
func (d *dir) newACL(ctx context.Context) ([]zk.ACL, error) {
	if d.isGone() {
		return nil, zk.ErrNoNode
	}
	epoch, trust := d.fs.ensemble.Trust()
	now := lately{asked: time.Now(), epoch: epoch, changes: d.fs.ensemble.ACLChanges()}
	d.mu.Lock()
	last := d.lately
	d.mu.Unlock()
	if last != nil && now.asked.Sub(last.asked) < trust && now.epoch == last.epoch && now.changes == last.changes {
		d.fs.ensemble.Glimpse(ctx, d.where()) // a program that creates many looks for each name first
		return last.acl, nil
	}
	acl, err := d.fs.acls.In(ctx, d.where())
	if err != nil {
		return nil, err
	}
	now.acl = acl
	d.mu.Lock()
	d.lately = &now
	d.mu.Unlock()
	return acl, nil
}
