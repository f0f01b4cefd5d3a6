package zk

import "github.com/zkfs/zkfs/zk/internal/wire"

// Stat is the metadata of a znode as the server reports it (org.apache.zookeeper.data.Stat).
// EphemeralOwner is 0 for containers and znodes with a time to live, as ZooKeeper reports it, on
// servers too that put a mark there.
type Stat struct {
	Czxid          int64 // The zxid of the change that caused this znode to be created.
	Mzxid          int64 // The zxid of the change that last modified this znode.
	Ctime          int64 // The time in milliseconds from epoch when this znode was created.
	Mtime          int64 // The time in milliseconds from epoch when this znode was last modified.
	Version        int32 // The number of changes to the data of this znode.
	Cversion       int32 // The number of changes to the children of this znode.
	Aversion       int32 // The number of changes to the ACL of this znode.
	EphemeralOwner int64 // The session id of the owner of this znode if the znode is an ephemeral node. If it is not an ephemeral node, it will be zero.
	DataLength     int32 // The length of the data field of this znode.
	NumChildren    int32 // The number of children of this znode.
	Pzxid          int64 // The zxid of the change that last added or removed a child.
}

// The marks of znodes that are no ephemeral ones in the place of their owner (EphemeralType.java).
// The first byte of a session's id may be that of the second mark too, then its time is in the next
// two.
const (
	containerOwner = -1 << 63
	ttlOwner       = 0xff0000
)

// statOf copies s, which keeps the rest of its record in memory.
func statOf(s *wire.Stat) *Stat {
	stat := Stat(*s)
	if owner := stat.EphemeralOwner; owner == containerOwner || uint64(owner)>>40 == ttlOwner {
		stat.EphemeralOwner = 0
	}
	return &stat
}
