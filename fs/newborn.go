package fs

import (
	"context"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/life"
	"github.com/zkfs/zkfs/zk"
)

// A newborn file is one that this mount has created exclusively and not yet written to. Programs
// that restore files give them their ACL first, and then the data; cp does it between write and
// close. Until its data is there a newborn file can be written through this mount whatever its ACL,
// as on a disk, where it matters to the next open(2) only.

// newborn creates a znode exclusively and returns the file for it.
func (f *FS) newborn(ctx context.Context, path string, r role, acl []zk.ACL) (*file, error) {
	st, err := f.ensemble.Do(ctx, ensemble.EmptyCreation{Path: path, ACL: acl, Claim: ensemble.Claim{Exclusive: true}})
	if err != nil {
		return nil, err
	}
	n := f.newFile(path, r, life.Newborn)
	n.shown = content{stat: st, hasData: true}
	n.czxid = st.Czxid
	return n, nil
}

// inherit notes the ACL that the file was given, if it is a newborn one.
func (f *file) inherit(acl []zk.ACL) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.life == life.Newborn {
		f.given = &acl
	}
}

// inheritance returns the ACL that a newborn file was given, nil if there is none.
func (f *file) inheritance() []zk.ACL {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.given == nil {
		return nil
	}
	return *f.given
}

// growUp ends the first days of a file.
func (f *file) growUp() {
	f.mu.Lock()
	f.given = nil
	then := f.passLocked(life.OnGrowUp)
	f.mu.Unlock()
	then()
}
