package zktest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// A txn is one transaction on the tree: the operations of one request, under one zxid, by one session.
// Each operation checks, then changes; the order of the checks decides which error a client sees and is
// that of PrepRequestProcessor.
type txn struct {
	t       *tree
	zxid    int64
	now     int64 // milliseconds
	session int64
	ids     []identity
	changes []change
	undo    []func()
}

// A change is what watches are told of.
type change struct {
	typ    wire.EventType
	path   string
	bare   string     // path without the number of a sequential znode
	acl    []wire.ACL // of the znode
	parent []wire.ACL // of its parent, for creations and deletions
}

// begin starts a transaction. It takes a zxid, which is spent even if every operation fails.
func (t *tree) begin(now, session int64, ids []identity) *txn {
	t.zxid++
	return &txn{t: t, zxid: t.zxid, now: now, session: session, ids: ids}
}

// rollback takes back all that the transaction did.
func (x *txn) rollback() {
	for _, undo := range slices.Backward(x.undo) {
		undo()
	}
	x.undo, x.changes = nil, nil
}

// Flags of create (CreateMode.java).
const (
	flagPersistent    = 0
	flagEphemeral     = 1
	flagSequential    = 2
	flagEphemeralSeq  = 3
	flagContainer     = 4
	flagTTL           = 5
	flagTTLSequential = 6
)

// maxTTL is what fits beside the mark of a TTL node in its owner field (EphemeralType.TTL).
const maxTTL = 1<<40 - 1

// create makes a znode and returns its path, to which a sequential one has a number added. ttl is -1 for none.
func (x *txn) create(r *wire.CreateRequest, ttl int64) (string, *node, wire.Code) {
	if r.Flags < flagPersistent || r.Flags > x.t.d.maxFlags {
		return "", nil, wire.CodeBadArguments
	}
	isTTL := r.Flags == flagTTL || r.Flags == flagTTLSequential
	if isTTL && (ttl <= 0 || ttl > maxTTL) || !isTTL && ttl >= 0 {
		return "", nil, wire.CodeBadArguments
	}
	if !strings.Contains(r.Path, "/") || strings.Contains(r.Path, "\x00") {
		return "", nil, wire.CodeBadArguments
	}
	if x.t.d.closed(r.Path) {
		return "", nil, wire.CodeBadArguments
	}
	acl, code := x.t.d.acl.fix(&x.t.d.acl, r.ACL, x.ids)
	if code != wire.CodeOK {
		return "", nil, code
	}
	path := r.Path
	parentPath := path[:strings.LastIndexByte(path, '/')]
	parent := x.t.get(parentPath)
	if parent == nil {
		return "", nil, wire.CodeNoNode
	}
	if !allowed(parent.acl, permCreate, x.ids) {
		return "", nil, wire.CodeNoAuth
	}
	if r.Flags == flagSequential || r.Flags == flagEphemeralSeq || r.Flags == flagTTLSequential {
		path += fmt.Sprintf("%010d", parent.creates)
	}
	switch {
	case !x.t.d.path(path):
		return "", nil, wire.CodeBadArguments
	case x.t.get(path) != nil:
		return "", nil, wire.CodeNodeExists
	case parent.owner != 0:
		return "", nil, wire.CodeNoChildrenForEphemerals
	case x.t.d.barrenTTL && parent.ttl != 0:
		return "", nil, wire.CodeBadArguments
	}
	n := &node{
		data: x.t.kept(r.Data), acl: acl,
		czxid: x.zxid, mzxid: x.zxid, pzxid: x.zxid, ctime: x.now, mtime: x.now,
		container: r.Flags == flagContainer,
		ttl:       max(ttl, 0),
	}
	if r.Flags == flagEphemeral || r.Flags == flagEphemeralSeq {
		n.owner = x.session
	}
	x.insert(path, n, parent)
	x.changes[len(x.changes)-1].bare = r.Path
	return path, n, wire.CodeOK
}

func (x *txn) insert(path string, n, parent *node) {
	creates, pzxid := parent.creates, parent.pzxid
	x.undo = append(x.undo, func() {
		x.t.remove(path)
		parent.creates, parent.pzxid = creates, pzxid
	})
	x.t.insert(path, n)
	parent.creates++
	parent.pzxid = x.zxid
	x.changes = append(x.changes, change{wire.EventNodeCreated, path, path, n.acl, parent.acl})
}

// delete removes a znode.
func (x *txn) delete(path string, version int32) wire.Code {
	if !strings.Contains(path, "/") || strings.Contains(path, "\x00") || x.t.d.permanent(path) {
		return wire.CodeBadArguments
	}
	parent := x.t.get(path[:strings.LastIndexByte(path, '/')])
	if parent == nil {
		return wire.CodeNoNode
	}
	n := x.t.get(path)
	if !allowed(parent.acl, permDelete, x.ids) && !(n == nil && x.t.d.missingFirst) {
		return wire.CodeNoAuth
	}
	switch {
	case n == nil:
		return wire.CodeNoNode
	case version != -1 && version != n.version:
		return wire.CodeBadVersion
	case len(n.children) > 0:
		return wire.CodeNotEmpty
	}
	x.remove(path, n, parent)
	return wire.CodeOK
}

func (x *txn) remove(path string, n, parent *node) {
	pzxid := parent.pzxid
	x.undo = append(x.undo, func() {
		x.t.insert(path, n)
		parent.pzxid = pzxid
	})
	x.t.remove(path)
	if !x.t.d.stalePzxid {
		parent.pzxid = x.zxid
	}
	x.changes = append(x.changes, change{wire.EventNodeDeleted, path, path, n.acl, parent.acl})
}

// set replaces the data of a znode.
func (x *txn) set(path string, data []byte, version int32) (*node, wire.Code) {
	if !x.t.d.path(path) || x.t.d.closed(path) {
		return nil, wire.CodeBadArguments
	}
	n := x.t.get(path)
	switch {
	case n == nil:
		return nil, wire.CodeNoNode
	case !allowed(n.acl, permWrite, x.ids):
		return nil, wire.CodeNoAuth
	case version != -1 && version != n.version:
		return nil, wire.CodeBadVersion
	}
	old, parent := *n, x.parent(path)
	x.undo = append(x.undo, func() {
		x.t.bytes += len(old.data) - len(n.data)
		n.data, n.version, n.mzxid, n.mtime = old.data, old.version, old.mzxid, old.mtime
		if x.t.d.childSets && parent != nil {
			parent.sets--
		}
	})
	x.t.bytes += len(data) - len(n.data)
	n.data, n.mzxid, n.mtime = x.t.kept(data), x.zxid, x.now
	n.version++
	if x.t.d.childSets && parent != nil {
		parent.sets++
	}
	x.changes = append(x.changes,
		change{typ: wire.EventNodeDataChanged, path: path, bare: path, acl: n.acl})
	return n, wire.CodeOK
}

// parent returns the parent of the znode at path, nil for the root.
func (x *txn) parent(path string) *node {
	if path == "/" {
		return nil
	}
	parent, _ := split(path)
	return x.t.get(parent)
}

// kept returns a copy of data as a znode keeps it.
func (t *tree) kept(data []byte) []byte {
	if data == nil && t.d.noNull {
		return []byte{}
	}
	return slices.Clone(data)
}

// setACL replaces the ACL of a znode. It cannot stand in a multi, and no watch sees it.
func (x *txn) setACL(path string, acl []wire.ACL, version int32) (*node, wire.Code) {
	if !x.t.d.path(path) || x.t.d.closed(path) {
		return nil, wire.CodeBadArguments
	}
	acl, code := x.t.d.acl.fix(&x.t.d.acl, acl, x.ids)
	if code != wire.CodeOK {
		return nil, code
	}
	n := x.t.get(path)
	switch {
	case n == nil:
		return nil, wire.CodeNoNode
	case !allowed(n.acl, permAdmin, x.ids):
		return nil, wire.CodeNoAuth
	case version != -1 && version != n.aversion:
		return nil, wire.CodeBadVersion
	}
	n.acl = acl
	n.aversion++
	return n, wire.CodeOK
}

// check fails unless the znode has the version.
func (x *txn) check(path string, version int32) wire.Code {
	if !x.t.d.path(path) {
		return wire.CodeBadArguments
	}
	n := x.t.get(path)
	switch {
	case n == nil:
		return wire.CodeNoNode
	case !allowed(n.acl, permRead, x.ids):
		return wire.CodeNoAuth
	case version != -1 && version != n.version:
		return wire.CodeBadVersion
	}
	return wire.CodeOK
}
