package znode

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/zkfs/zkfs/zk"
)

// Join returns the path of the child of that name.
func Join(parent, name string) string {
	if parent == "/" {
		return parent + name
	}
	return parent + "/" + name
}

// Split returns the path of the znode above path, "/" for "/" itself, and the name of path below
// it.
func Split(path string) (parent, name string) {
	at := strings.LastIndexByte(path, '/')
	return path[:max(at, 1)], path[at+1:]
}

// Ensure makes a znode without data, and all that are missing above it. Those that exist stay as
// they are. acl is for all that it makes, container makes the last of them a container, where the
// server knows containers (3.5 on).
func Ensure(ctx context.Context, c *zk.Conn, path string, container bool, acl []zk.ACL) error {
	view := c.WithContext(ctx)
	return Retry(ctx, func(bool) error {
		found, _, err := view.Exists(path)
		if err != nil || found || path == "/" {
			return err
		}
		return ensure(view, path, container, acl)
	})
}

func ensure(c *zk.Conn, path string, container bool, acl []zk.ACL) error {
	flags := int32(zk.FlagPersistent)
	if container {
		flags = zk.FlagContainer
	}
	err := create(c, path, nil, flags, acl)
	if container && errors.Is(err, zk.ErrUnimplemented) {
		err = create(c, path, nil, zk.FlagPersistent, acl)
	}
	switch {
	case errors.Is(err, zk.ErrNodeExists):
		return nil
	case !errors.Is(err, zk.ErrNoNode):
		return err
	}
	parent, _ := Split(path)
	if err := ensure(c, parent, false, acl); err != nil {
		return err
	}
	return ensure(c, path, container, acl)
}

// CreateAll is [Create] that makes the missing znodes above path first, persistent, without data
// and with the same acl.
func CreateAll(
	ctx context.Context, c *zk.Conn, path string, data []byte, flags int32, acl []zk.ACL,
) error {
	for {
		err := Create(ctx, c, path, data, flags, acl)
		if !errors.Is(err, zk.ErrNoNode) {
			return err
		}
		parent, _ := Split(path)
		if err := Ensure(ctx, c, parent, false, acl); err != nil {
			return err
		}
	}
}

// A Node is a znode that [Walk] has met.
type Node struct {
	Path string
	Stat *zk.Stat
}

// walkBatch is how many znodes Walk asks for at a time.
const walkBatch = 500

// Walk goes through the znode at path and all below it, parents before their children. Each is
// shown as it was when its turn came: the tree may change meanwhile, and a znode that is deleted
// before its turn is left out. Walk holds the paths of two levels at a time.
//
// A znode with children that the session may not list comes with [zk.ErrNoAuth], and the walk goes
// on with the others if the loop does. Its Stat is nil where the servers do not show that either. A
// znode without children comes without an error. Any other error comes with a zero Node and ends
// the walk; [zk.ErrNoNode] says that path is missing.
func Walk(ctx context.Context, c *zk.Conn, path string) iter.Seq2[Node, error] {
	return func(yield func(Node, error) bool) {
		for level := []string{path}; len(level) > 0; {
			var below []string
			for batch := range slices.Chunk(level, walkBatch) {
				nodes, names, err := list(ctx, c, batch)
				if err == nil && len(nodes) == 0 && batch[0] == path {
					err = zk.ErrNoNode
				}
				if err != nil {
					yield(Node{}, err)
					return
				}
				below = append(below, names...)
				for _, n := range nodes {
					var err error
					if n.refused {
						err = zk.ErrNoAuth
					}
					if !yield(n.Node, err) {
						return
					}
				}
			}
			level = below
		}
	}
}

// A listed znode is one that list has found. refused says that it has children, or may have some,
// that the session may not list.
type listed struct {
	Node
	refused bool
}

// list returns those of the znodes that are there, and the paths of their children.
func list(
	ctx context.Context, c *zk.Conn, paths []string,
) (nodes []listed, below []string, err error) {
	ops := make([]any, len(paths))
	for i, p := range paths {
		ops[i] = &zk.GetChildrenRequest{Path: p}
	}
	err = Retry(ctx, func(bool) error {
		nodes, below = nil, nil
		for i, r := range c.WithContext(ctx).Pipeline(ops...) {
			if errors.Is(r.Err, zk.ErrNoNode) {
				continue
			}
			refused := errors.Is(r.Err, zk.ErrNoAuth)
			if r.Err != nil && !refused {
				return r.Err
			}
			n := Node{Path: paths[i]}
			if !refused {
				n.Stat = r.Stat
			}
			nodes = append(nodes, listed{n, refused})
			for _, name := range r.Children {
				below = append(below, Join(paths[i], name))
			}
		}
		return nil
	})
	if err == nil {
		nodes, err = statRefused(ctx, c, nodes)
	}
	return nodes, below, err
}

// statRefused completes the znodes that the session may not list by their Stats, which say whether
// there is anything to list. Those that are gone meanwhile are left out.
func statRefused(ctx context.Context, c *zk.Conn, nodes []listed) ([]listed, error) {
	var ops []any
	var at []int // the element of nodes that each of ops asks for
	for i, n := range nodes {
		if n.refused {
			ops = append(ops, &zk.ExistsRequest{Path: n.Path})
			at = append(at, i)
		}
	}
	if len(ops) == 0 {
		return nodes, nil
	}
	gone := map[string]bool{}
	err := Retry(ctx, func(bool) error {
		for i, r := range c.WithContext(ctx).Pipeline(ops...) {
			n := &nodes[at[i]]
			switch {
			case errors.Is(r.Err, zk.ErrNoNode):
				gone[n.Path] = true
			case errors.Is(r.Err, zk.ErrNoAuth):
			case r.Err != nil:
				return r.Err
			default:
				n.Stat, n.refused = r.Stat, r.Stat.NumChildren > 0
			}
		}
		return nil
	})
	return slices.DeleteFunc(nodes, func(n listed) bool { return gone[n.Path] }), err
}

// A PathError says at which znode of a tree an operation failed.
type PathError struct {
	Path string
	Err  error
}

func (e *PathError) Error() string { return e.Path + ": " + e.Err.Error() }

func (e *PathError) Unwrap() error { return e.Err }

// DeleteAll deletes the znode at path and all below it, children first; those that other clients
// create meanwhile too. It is not atomic: an error may leave a part of the tree, and other clients
// see the tree vanish piece by piece. The error is a [PathError] where one znode is at fault. A
// missing znode is deleted. "/" cannot be: [zk.ErrBadArguments].
func DeleteAll(ctx context.Context, c *zk.Conn, path string) error {
	if path == "/" {
		return zk.ErrBadArguments
	}
	for {
		var paths []string
		for n, err := range Walk(ctx, c, path) {
			if errors.Is(err, zk.ErrNoNode) {
				return nil
			}
			if err != nil && n.Path != "" {
				return &PathError{n.Path, err}
			}
			if err != nil {
				return err
			}
			paths = append(paths, n.Path)
		}
		slices.Reverse(paths)
		if err := deletePaths(ctx, c, paths); !errors.Is(err, zk.ErrNotEmpty) {
			return err
		}
	}
}

// deletePaths deletes znodes in this order. ErrNotEmpty says that children have come.
func deletePaths(ctx context.Context, c *zk.Conn, paths []string) error {
	for batch := range slices.Chunk(paths, walkBatch) {
		ops := make([]any, len(batch))
		for i, p := range batch {
			ops[i] = &zk.DeleteRequest{Path: p, Version: -1}
		}
		err := Retry(ctx, func(bool) error {
			var first error
			for i, r := range c.WithContext(ctx).Pipeline(ops...) {
				if r.Err == nil || errors.Is(r.Err, zk.ErrNoNode) {
					continue
				}
				if first == nil || errors.Is(first, zk.ErrNotEmpty) {
					first = &PathError{batch[i], r.Err}
				}
			}
			return first
		})
		if err != nil {
			return err
		}
	}
	return nil
}
