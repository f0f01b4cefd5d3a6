package ensemble

import (
	"time"

	"github.com/zkfs/zkfs/zk"
)

// Snapshot is what is known about a znode, all from one version of it. What it points to must not
// be changed.
type Snapshot struct {
	Stat     *zk.Stat // nil: the znode does not exist
	Data     []byte
	HasData  bool
	Children *Children // their names; nil: not known
	Perms    int32     // what the session may do
	HasPerms bool      // perms is known
	Guarded  bool      // an event will come when it changes: the caller may keep it
	Until    time.Time // but no longer than this
	Removed  bool      // a caller's own mark: the znode is not there any more
	Denied   bool      // this session may not read the znode (from 3.9 on not even its Stat)
	Epoch    uint32    // of the cache when the servers were asked
}

// Before reports whether s is older than t, both of one znode. Zxids of one epoch never go back; in
// a later one they can, if other servers have taken the place of these.
func (s Snapshot) Before(t Snapshot) bool {
	if s.Stat == nil || t.Stat == nil {
		return false
	}
	return s.Epoch < t.Epoch || s.Epoch == t.Epoch && s.Stat.Mzxid < t.Stat.Mzxid
}
