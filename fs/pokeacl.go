package fs

import (
	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/zk"
)

// aclSeen is the ACL that was learned last, by the znode that has it and by its version.
type aclSeen struct {
	czxid    int64
	aversion int32
	own      int // so many changes by this mount are under way, or were since
}

// learnACL tells programs that watch if another client has changed the ACL. No watch reports that:
// it is learned when something is asked for that shows it. node.mu is not held.
func (n *node) learnACL(st *zk.Stat) {
	if n.fs.pokes == nil || st == nil {
		return
	}
	n.mu.Lock()
	seen, path := n.acl, n.path
	changes := int(st.Aversion - seen.aversion)
	switch {
	case seen.czxid != st.Czxid:
		n.acl = aclSeen{czxid: st.Czxid, aversion: st.Aversion, own: seen.own}
	case changes > 0:
		n.acl.aversion = st.Aversion
		n.acl.own = max(0, seen.own-changes)
	}
	n.mu.Unlock()
	if seen.czxid == st.Czxid && changes > seen.own {
		n.fs.pokes.queue.add(path, passed{what: ensemble.AttrChanged, wasKnown: true})
	}
}

// ownACL notes changes of the ACL through this mount, of which the kernel has told programs, or takes
// back those that failed.
func (n *node) ownACL(changes int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.acl.own = max(0, n.acl.own+changes)
}
