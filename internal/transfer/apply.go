package transfer

import (
	"fmt"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

const (
	// maxOps and maxBytes bound a multi, below the server's packet limit of 1 MiB.
	maxOps   = 4000
	maxBytes = 512 << 10
	// opBytes is what an operation takes besides path, data and ACL.
	opBytes = 64
)

// raised is the name of the child that is created and deleted to raise the number of the next one.
const raised = "zkfs-raises-the-counter"

// A writer makes steps happen, in their order, many in one transaction.
type writer struct {
	c    *zk.Conn
	root string
	done func(*Step) // told of each step, before it happens

	ops   []any
	acls  []any // of those that come behind ops
	paths []string
	bytes int
}

func (w *writer) absolute(path string) string {
	if path == "/" {
		return w.root
	}
	return znode.Join(w.root, path[1:])
}

// do adds a step, and makes what has come together happen when it is much.
func (w *writer) do(s *Step) error {
	w.done(s)
	path := w.absolute(s.Path)
	switch s.Kind {
	case Create:
		return w.add(path, len(s.Record.Data)+aclBytes(s.acl),
			&zk.CreateRequest{Path: path, Data: s.Record.Data, Acl: s.acl})
	case Set:
		return w.add(path, len(s.Record.Data), &zk.SetDataRequest{Path: path, Data: s.Record.Data, Version: -1})
	case Delete:
		return w.add(path, 0, &zk.DeleteRequest{Path: path, Version: -1})
	case Raise:
		return w.raise(path, s.times)
	case Rewrite:
		return w.rewrite(path, s)
	default:
		w.acls = append(w.acls, &zk.SetACLRequest{Path: path, Acl: s.acl, Version: -1})
		w.paths = append(w.paths, path)
		if len(w.acls) < maxOps {
			return nil
		}
		return w.flush()
	}
}

func aclBytes(acl []zk.ACL) int {
	n := 0
	for _, a := range acl {
		n += len(a.Scheme) + len(a.ID) + 12
	}
	return n
}

// add adds operations that belong together.
func (w *writer) add(path string, more int, ops ...any) error {
	bytes := more + len(ops)*(len(path)+opBytes)
	// What follows an ACL may be forbidden by it.
	if len(w.ops) > 0 && (len(w.ops)+len(ops) > maxOps || w.bytes+bytes > maxBytes) || len(w.acls) > 0 {
		if err := w.flush(); err != nil {
			return err
		}
	}
	w.ops = append(w.ops, ops...)
	w.bytes += bytes
	return nil
}

func (w *writer) raise(path string, times int) error {
	child := znode.Join(path, raised)
	acl := zk.WorldACL(zk.PermAll)
	for range times {
		err := w.add(child, aclBytes(acl), &zk.CreateRequest{Path: child, Acl: acl},
			&zk.DeleteRequest{Path: child, Version: -1})
		if err != nil {
			return err
		}
	}
	return nil
}

// rewrite raises the version of data: each transaction ends with the data that is to stay.
func (w *writer) rewrite(path string, s *Step) error {
	for left := s.times; left > 0; {
		ops := []any{}
		for n := min(left, maxOps/2); n > 1; n-- {
			ops = append(ops, &zk.SetDataRequest{Path: path, Version: -1})
		}
		ops = append(ops, &zk.SetDataRequest{Path: path, Data: s.Record.Data, Version: -1})
		if err := w.add(path, len(s.Record.Data), ops...); err != nil {
			return err
		}
		left -= len(ops)
	}
	return nil
}

// flush makes what has come together happen.
func (w *writer) flush() error {
	ops, acls, paths := w.ops, w.acls, w.paths
	w.ops, w.acls, w.paths, w.bytes = nil, nil, nil, 0
	if len(ops) > 0 {
		responses, err := w.c.Multi(ops...)
		if err != nil {
			return znode.Fault(ops, responses, err)
		}
	}
	if len(acls) > 0 {
		for i, r := range w.c.Pipeline(acls...) {
			if r.Err != nil {
				return fmt.Errorf("set the ACL of %s: %w", paths[i], r.Err)
			}
		}
	}
	return nil
}
