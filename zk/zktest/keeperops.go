package zktest

import (
	"slices"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// keeperRead does the reads that ClickHouse Keeper has beside ZooKeeper's.
func (q *call) keeperRead() (wire.Record, wire.Code) {
	x := &txn{t: &q.s.tree, ids: q.c.ids}
	switch q.h.Op {
	case wire.OpCheck:
		return with(q, func(r *wire.CheckVersionRequest) (wire.Record, wire.Code) {
			return nil, x.check(r.Path, r.Version)
		})
	case wire.OpCheckNotExists:
		return with(q, func(r *wire.CheckVersionRequest) (wire.Record, wire.Code) {
			return nil, x.checkNotExists(r.Path, r.Version)
		})
	case wire.OpCheckStat:
		return with(q, func(r *wire.CheckStatRequest) (wire.Record, wire.Code) {
			return nil, x.checkStat(r)
		})
	case wire.OpFilteredList:
		return with(q, q.filteredList)
	case wire.OpFilteredListWithData:
		return with(q, q.filteredListWithData)
	case wire.OpListRecursive:
		return with(q, q.listRecursive)
	}
	return q.watch()
}

// filtered returns the sorted names of the children that a filter lets through, and the znode. What
// the filter looks at is a secret: it needs READ on every child.
func (q *call) filtered(path string, watch bool, filter int8, looks bool) (
	[]string, *node, wire.Code,
) {
	n, code := q.children(&wire.GetChildrenRequest{Path: path, Watch: watch})
	if code != wire.CodeOK {
		return nil, nil, code
	}
	names := n.names()
	slices.Sort(names)
	if filter == wire.ListAll && !looks {
		return names, n, wire.CodeOK
	}
	for _, name := range names {
		if !allowed(q.s.tree.child(path, name).acl, permRead, q.c.ids) {
			return nil, nil, wire.CodeNoAuth
		}
	}
	return slices.DeleteFunc(names, func(name string) bool {
		ephemeral := q.s.tree.child(path, name).owner != 0
		return ephemeral && filter == wire.ListPersistent || !ephemeral && filter == wire.ListEphemeral
	}), n, wire.CodeOK
}

func (q *call) filteredList(r *wire.FilteredListRequest) (wire.Record, wire.Code) {
	names, n, code := q.filtered(r.Path, r.Watch, r.Type, false)
	if code != wire.CodeOK {
		return nil, code
	}
	return &wire.GetChildren2Response{Children: names, Stat: q.s.tree.stat(n)}, code
}

func (q *call) filteredListWithData(r *wire.FilteredListWithDataRequest) (wire.Record, wire.Code) {
	names, n, code := q.filtered(r.Path, r.Watch, r.Type, r.WithStats || r.WithData)
	if code != wire.CodeOK {
		return nil, code
	}
	answer := &wire.FilteredListWithDataResponse{Children: names, Stat: q.s.tree.stat(n)}
	for _, name := range names {
		child := q.s.tree.child(r.Path, name)
		if r.WithStats {
			answer.Stats = append(answer.Stats, q.s.tree.stat(child))
		}
		if r.WithData {
			answer.Data = append(answer.Data, wire.Data{Data: child.data})
		}
	}
	return answer, code
}

// listRecursive goes breadth first. It leaves out what the session may not read, and what is below,
// and says nothing of what the limit cut off.
func (q *call) listRecursive(r *wire.LimitedRequest) (wire.Record, wire.Code) {
	if _, code := q.readable(r.Path, permRead); code != wire.CodeOK {
		return nil, code
	}
	paths := []string{r.Path}
	for i := 0; i < len(paths); i++ {
		names := q.s.tree.get(paths[i]).names()
		slices.Sort(names)
		for _, name := range names {
			if !allowed(q.s.tree.child(paths[i], name).acl, permRead, q.c.ids) {
				continue
			}
			if uint32(len(paths)-1) >= uint32(r.Limit) {
				return &wire.GetChildrenResponse{Children: paths[1:]}, wire.CodeOK
			}
			paths = append(paths, join(paths[i], name))
		}
	}
	return &wire.GetChildrenResponse{Children: paths[1:]}, wire.CodeOK
}

// keeperWrites may stand in a multi of ClickHouse Keeper beside ZooKeeper's.
var keeperWrites = opSet([]wire.Op{
	wire.OpCreateIfNotExists, wire.OpTryRemove, wire.OpRemoveRecursive,
	wire.OpCheckNotExists, wire.OpCheckStat,
})

// keeperWrite does one of keeperWrites.
func (x *txn) keeperWrite(op wire.MultiOp) (wire.Record, wire.Code) {
	switch r := op.Record.(type) {
	case *wire.CreateRequest:
		return x.createIfNotExists(r)
	case *wire.DeleteRequest:
		return nil, x.tryRemove(r)
	case *wire.LimitedRequest:
		return nil, x.removeRecursive(r)
	case *wire.CheckVersionRequest:
		return nil, x.checkNotExists(r.Path, r.Version)
	case *wire.CheckStatRequest:
		return nil, x.checkStat(r)
	}
	return nil, wire.CodeMarshallingError
}

// createIfNotExists tells watches of a creation that has not taken place too.
func (x *txn) createIfNotExists(r *wire.CreateRequest) (wire.Record, wire.Code) {
	if r.Flags&flagSequential != 0 {
		return nil, wire.CodeBadArguments
	}
	path, _, code := x.create(r, -1)
	if code == wire.CodeNodeExists {
		path, code = r.Path, wire.CodeOK
		x.changes = append(x.changes, change{typ: wire.EventNodeCreated, path: path, bare: path})
	}
	if code != wire.CodeOK {
		return nil, code
	}
	return &wire.CreateResponse{Path: path}, code
}

// tryRemove removes the znode if nothing but a lacking right stands against it.
func (x *txn) tryRemove(r *wire.DeleteRequest) wire.Code {
	switch code := x.delete(r.Path, r.Version); code {
	case wire.CodeNoNode, wire.CodeBadVersion, wire.CodeNotEmpty:
		return wire.CodeOK
	default:
		return code
	}
}

// removeRecursive removes the znode with all below it, children before parents, unless there are
// more than the limit. Every one of them needs DELETE.
func (x *txn) removeRecursive(r *wire.LimitedRequest) wire.Code {
	if r.Path == "/" || x.t.d.closed(r.Path) {
		return wire.CodeBadArguments
	}
	parent := x.parent(r.Path)
	if parent == nil {
		return wire.CodeOK
	}
	if !allowed(parent.acl, permDelete, x.ids) {
		return wire.CodeNoAuth
	}
	if x.t.get(r.Path) == nil {
		return wire.CodeOK
	}
	paths := []string{r.Path}
	for i := 0; i < len(paths); i++ {
		n := x.t.get(paths[i])
		switch {
		case uint32(len(paths)) > uint32(r.Limit):
			return wire.CodeNotEmpty
		case !allowed(n.acl, permDelete, x.ids):
			return wire.CodeNoAuth
		}
		for name := range n.children {
			paths = append(paths, join(paths[i], name))
		}
	}
	for _, path := range slices.Backward(paths) {
		x.remove(path, x.t.get(path), x.parent(path))
	}
	return wire.CodeOK
}

// checkNotExists fails if there is a znode of the version, -1 for any.
func (x *txn) checkNotExists(path string, version int32) wire.Code {
	n := x.t.get(path)
	switch {
	case n == nil:
		return wire.CodeOK
	case !allowed(n.acl, permRead, x.ids):
		return wire.CodeNoAuth
	case version == -1 || version == n.version:
		return wire.CodeNodeExists
	}
	return wire.CodeOK
}

// checkStat fails unless every field of the Stat that is not -1 is the znode's.
func (x *txn) checkStat(r *wire.CheckStatRequest) wire.Code {
	if code := x.check(r.Path, r.Version); code != wire.CodeOK {
		return code
	}
	has, want := x.t.stat(x.t.get(r.Path)), r.Stat
	for _, pair := range [][2]int64{
		{has.Czxid, want.Czxid}, {has.Mzxid, want.Mzxid},
		{has.Ctime, want.Ctime}, {has.Mtime, want.Mtime},
		{int64(has.Version), int64(want.Version)}, {int64(has.Cversion), int64(want.Cversion)},
		{int64(has.Aversion), int64(want.Aversion)}, {has.EphemeralOwner, want.EphemeralOwner},
		{int64(has.DataLength), int64(want.DataLength)},
		{int64(has.NumChildren), int64(want.NumChildren)},
		{has.Pzxid, want.Pzxid},
	} {
		if pair[1] != -1 && pair[0] != pair[1] {
			return wire.CodeBadVersion
		}
	}
	return wire.CodeOK
}
