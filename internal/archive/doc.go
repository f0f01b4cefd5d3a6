// Package archive keeps a tree of ZooKeeper in a tar file, which tar reads too.
//
//	.zkfs-archive    what the archive is: JSON, see [Header]
//	./               the znode at the root, with its attributes
//	.data            its data, if it has some
//	config/          a znode that is a directory on a mount
//	config/db        one that is a file
//	.zkfs-end        the count of znodes and their hash: without it the archive is cut short
//
// A member has the attributes that it has on a mount as records that tar --xattrs restores there:
// user.zk.acl and user.zk.stat. What a mount does not show is in attributes that tar leaves alone:
// zkfs.sequence is the number of the next sequential child, zkfs.ephemeral the session of an
// ephemeral, zkfs.null marks data that is null, and zkfs.path has the path where the name of the
// member is another. Znodes stand in the order of cut.Compare.
package archive

import (
	"errors"
	"time"
)

// Format is the version of the format that this package writes, and the only one that it reads.
const Format = 1

// The members that are no znodes.
const (
	headerName  = ".zkfs-archive"
	trailerName = ".zkfs-end"
)

// The records of members, as GNU tar and star name attributes.
const (
	attributes      = "SCHILY.xattr."
	aclRecord       = attributes + "user.zk.acl"
	statRecord      = attributes + "user.zk.stat"
	sequenceRecord  = attributes + "zkfs.sequence"
	ephemeralRecord = attributes + "zkfs.ephemeral"
	nullRecord      = attributes + "zkfs.null"
	pathRecord      = attributes + "zkfs.path"
)

// unknown is the number of the next sequential child where no Stat tells it.
const unknown = "unknown"

// A Header says what an archive is.
type Header struct {
	Format  int       `json:"format"`
	Source  string    `json:"source"` // as the command line named it
	Root    string    `json:"root"`   // the path that was exported, from the root of the ensemble
	Zxid    string    `json:"zxid"`   // the tree is as it was after this transaction
	Server  string    `json:"server"`
	Written time.Time `json:"written"`

	// ACLs is a remark: no server tells of their changes.
	ACLs string `json:"acls"`
	// Denied are the znodes that the session was not allowed to read, at most [MaxDenied] of them.
	Denied      []string `json:"denied,omitempty"`
	DeniedCount int      `json:"denied_count"`
	Ephemerals  bool     `json:"ephemerals"` // are in the archive too
}

// MaxDenied bounds the list of a header.
const MaxDenied = 1000

// trailer ends an archive.
type trailer struct {
	Znodes int    `json:"znodes"`
	SHA256 string `json:"sha256"`
}

// Errors of [Reader].
var (
	ErrNotArchive = errors.New("not an archive of zkfs export")
	ErrCutShort   = errors.New("the archive is cut short or damaged")
)
