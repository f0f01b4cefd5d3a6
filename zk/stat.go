package zk

import "github.com/zkfs/zkfs/zk/internal/wire"

// Stat is the metadata of a znode as the server reports it (org.apache.zookeeper.data.Stat).
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

// statOf copies s, which keeps the rest of its record in memory.
func statOf(s *wire.Stat) *Stat {
	stat := Stat(*s)
	return &stat
}
