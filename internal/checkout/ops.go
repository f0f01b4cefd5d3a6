package checkout

import (
	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// What a request takes besides its operations, and an operation besides its path and data.
const (
	requestBytes = 32
	opBytes      = 9
)

// A part is what one transaction does.
type part struct {
	ops     []any
	changes []*Change
	checked int // of the first operations, which change nothing
	bytes   int64
}

// request makes the operations of a push.
type request struct {
	root   string // of the tree
	tree   *Tree
	limit  int64
	acl    func(path string, z *Znode) ([]zk.ACL, error) // for what is made in a znode
	grants map[string][]zk.ACL                           // of znodes that are made
}

func (r *request) absolute(path string) string {
	if path == "/" {
		return r.root
	}
	return znode.Join(r.root, path[1:])
}

// parts returns the transactions. If there is one, it checks the znodes that stay as they are too,
// and unchecked is 0, unless they do not fit it.
func (r *request) parts(p *plan, several bool) (parts []*part, unchecked int, err error) {
	now := &part{bytes: requestBytes}
	all := now.bytes
	for i := range p.changes {
		c := &p.changes[i]
		ops, bytes, err := r.ops(c)
		if err != nil {
			return nil, 0, err
		}
		if bytes+requestBytes > r.limit {
			return nil, 0, &TooLargeError{c.Path, bytes + requestBytes, r.limit}
		}
		if all += bytes; several && now.bytes+bytes > r.limit {
			parts = append(parts, now)
			now = &part{bytes: requestBytes}
		}
		now.ops, now.changes, now.bytes = append(now.ops, ops...), append(now.changes, c), now.bytes+bytes
	}
	if !several && all > r.limit {
		return nil, 0, &TooLargeError{"", all, r.limit}
	}
	if parts = append(parts, now); len(parts) > 1 || !r.check(now, p) {
		return parts, len(p.same), nil
	}
	return parts, 0, nil
}

// check lets a transaction check the znodes that stay as they are.
func (r *request) check(now *part, p *plan) bool {
	var checks []any
	bytes := now.bytes
	for _, path := range p.same {
		at := r.absolute(path)
		checks = append(checks, &zk.CheckVersionRequest{Path: at, Version: r.tree.Znodes[path].Stat.Version})
		bytes += int64(len(at)) + opBytes + 8
	}
	if bytes > r.limit {
		return false
	}
	now.ops, now.bytes, now.checked = append(checks, now.ops...), bytes, len(checks)
	return true
}

// ops returns the operations of a change, and their size.
func (r *request) ops(c *Change) (ops []any, bytes int64, err error) {
	path := r.absolute(c.Path)
	switch c.Kind {
	case Delete:
		ops = []any{&zk.DeleteRequest{Path: path, Version: c.Version}}
	case Set:
		if c.mark {
			ops = ensemble.Marking(path)
		}
		ops = append(ops, &zk.SetDataRequest{Path: path, Data: c.Data, Version: c.Version})
	default:
		acl, err := r.grant(c.Path)
		if err != nil {
			return nil, 0, err
		}
		data := c.Data
		if c.file {
			data = []byte{}
		}
		ops = []any{&zk.CreateRequest{Path: path, Data: data, Acl: acl}}
		if c.file { // so that it is a file on a mount
			ops = append(ops, &zk.SetDataRequest{Path: path, Data: data, Version: 0})
		}
		if c.mark {
			ops = append(ops, ensemble.Marking(path)...)
		}
	}
	for _, op := range ops {
		bytes += sizeOf(op)
	}
	return ops, bytes, nil
}

// grant returns the ACL of a znode that is made.
func (r *request) grant(path string) ([]zk.ACL, error) {
	parent, _ := znode.Split(path)
	acl, made := r.grants[parent]
	if !made {
		var err error
		if acl, err = r.acl(r.absolute(parent), r.tree.Znodes[parent]); err != nil {
			return nil, err
		}
	}
	r.grants[path] = acl
	return acl, nil
}

// sizeOf returns how long an operation is in a request.
func sizeOf(op any) int64 {
	n := opBytes
	switch op := op.(type) {
	case *zk.CreateRequest:
		n += len(op.Path) + len(op.Data) + 16
		for _, a := range op.Acl {
			n += len(a.Scheme) + len(a.ID) + 12
		}
	case *zk.SetDataRequest:
		n += len(op.Path) + len(op.Data) + 12
	case *zk.DeleteRequest:
		n += len(op.Path) + 8
	}
	return int64(n)
}
