package zktest

import (
	"strings"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// read does the requests that change no znode.
func (q *call) read() (wire.Record, wire.Code) {
	switch q.h.Op {
	case wire.OpExists:
		return with(q, q.exists)
	case wire.OpGetData:
		return with(q, q.getData)
	case wire.OpGetChildren:
		return with(q, q.getChildren)
	case wire.OpGetChildren2:
		return with(q, q.getChildren2)
	case wire.OpGetACL:
		return with(q, q.getACL)
	case wire.OpGetAllChildrenNumber:
		return with(q, q.getAllChildrenNumber)
	case wire.OpGetEphemerals:
		return with(q, q.getEphemerals)
	case wire.OpMultiRead:
		return with(q, q.multiRead)
	case wire.OpSync:
		return with(q, q.sync)
	case wire.OpAuth:
		return with(q, q.auth)
	case wire.OpWhoAmI:
		return q.whoAmI()
	}
	return q.keeperRead()
}

// exists sets its watch whether the znode is there or not.
func (q *call) exists(r *wire.ExistsRequest) (wire.Record, wire.Code) {
	if strings.Contains(r.Path, "\x00") {
		return nil, wire.CodeBadArguments
	}
	n := q.s.tree.get(r.Path)
	if n != nil && q.s.dialect.readable && !allowed(n.acl, permRead, q.c.ids) {
		return nil, wire.CodeNoAuth
	}
	if r.Watch {
		q.s.watches.data.add(q.c, r.Path, oneShot)
	}
	if n == nil {
		return nil, wire.CodeNoNode
	}
	return &wire.ExistsResponse{Stat: q.s.tree.stat(n)}, wire.CodeOK
}

// readable returns the znode at path if the session may read it.
func (q *call) readable(path string, perm int32) (*node, wire.Code) {
	n := q.s.tree.get(path)
	switch {
	case n == nil:
		return nil, wire.CodeNoNode
	case !allowed(n.acl, perm, q.c.ids):
		return nil, wire.CodeNoAuth
	}
	return n, wire.CodeOK
}

func (q *call) getData(r *wire.GetDataRequest) (wire.Record, wire.Code) {
	n, code := q.readable(r.Path, permRead)
	if code != wire.CodeOK {
		return nil, code
	}
	if r.Watch {
		q.s.watches.data.add(q.c, r.Path, oneShot)
	}
	return &wire.GetDataResponse{Data: n.data, Stat: q.s.tree.stat(n)}, code
}

func (q *call) children(r *wire.GetChildrenRequest) (*node, wire.Code) {
	n, code := q.readable(r.Path, permRead)
	if code == wire.CodeOK && r.Watch {
		q.s.watches.child.add(q.c, r.Path, oneShot)
	}
	return n, code
}

func (q *call) getChildren(r *wire.GetChildrenRequest) (wire.Record, wire.Code) {
	n, code := q.children(r)
	if code != wire.CodeOK {
		return nil, code
	}
	return &wire.GetChildrenResponse{Children: n.names()}, code
}

func (q *call) getChildren2(r *wire.GetChildrenRequest) (wire.Record, wire.Code) {
	n, code := q.children(r)
	if code != wire.CodeOK {
		return nil, code
	}
	return &wire.GetChildren2Response{Children: n.names(), Stat: q.s.tree.stat(n)}, code
}

// getACL shows the digests of passwords only to those who may change the list.
func (q *call) getACL(r *wire.GetACLRequest) (wire.Record, wire.Code) {
	n, code := q.readable(r.Path, permRead|permAdmin)
	if code != wire.CodeOK {
		return nil, code
	}
	acl := n.acl
	if q.s.dialect.acl.masked && !allowed(acl, permAdmin, q.c.ids) {
		acl = masked(acl)
	}
	return &wire.GetACLResponse{ACL: acl, Stat: q.s.tree.stat(n)}, code
}

func (q *call) getAllChildrenNumber(r *wire.GetAllChildrenNumberRequest) (wire.Record, wire.Code) {
	if _, code := q.readable(r.Path, permRead); code != wire.CodeOK {
		return nil, code
	}
	return &wire.GetAllChildrenNumberResponse{TotalNumber: int32(q.s.tree.descendants(r.Path))}, wire.CodeOK
}

// getEphemerals lists the session's own. The prefix is one of characters, not of path elements.
func (q *call) getEphemerals(r *wire.GetEphemeralsRequest) (wire.Record, wire.Code) {
	list := []string{}
	for path := range q.s.tree.ephemerals[q.c.session.id] {
		if strings.HasPrefix(path, strings.TrimSpace(r.PrefixPath)) {
			list = append(list, path)
		}
	}
	return &wire.GetEphemeralsResponse{Ephemerals: list}, wire.CodeOK
}

// sync has nothing to wait for: there is one server. It does not look whether the znode exists.
func (q *call) sync(r *wire.SyncRequest) (wire.Record, wire.Code) {
	if q.s.readOnly {
		return nil, wire.CodeNotReadOnly
	}
	return &wire.SyncResponse{Path: r.Path}, wire.CodeOK
}

// auth adds identities to the connection. It has to be repeated on each.
func (q *call) auth(r *wire.AuthPacket) (wire.Record, wire.Code) {
	gained := q.s.authenticate(q.c, r)
	if gained == nil {
		return nil, wire.CodeAuthFailed
	}
	q.c.addIDs(gained)
	return nil, wire.CodeOK
}

func (q *call) whoAmI() (wire.Record, wire.Code) {
	r := &wire.WhoAmIResponse{ClientInfo: []wire.ClientInfo{}}
	for _, id := range q.c.ids {
		user := id.id
		if id.scheme == "digest" {
			user, _, _ = strings.Cut(user, ":")
		}
		r.ClientInfo = append(r.ClientInfo, wire.ClientInfo{AuthScheme: id.scheme, User: user})
	}
	return r, wire.CodeOK
}
