package zktest

import (
	"maps"
	"slices"
	"strings"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// A tree is the znodes. It knows nothing of connections and watches; changes go through a txn.
type tree struct {
	d          *dialect
	nodes      map[string]*node
	ephemerals map[int64]map[string]struct{} // the paths of each session's ephemerals
	mortals    map[string]struct{}           // the paths of containers and TTL nodes
	zxid       int64                         // of the last transaction
	bytes      int                           // in paths and data
}

// A node is a znode. Its numbers are what the server keeps; stat makes of them what clients see.
type node struct {
	data                       []byte // nil is null
	acl                        []wire.ACL
	czxid, mzxid, pzxid        int64
	ctime, mtime               int64 // milliseconds
	version, creates, aversion int32 // creates counts the children ever created: it is the server's own cversion
	owner                      int64 // the session of an ephemeral
	sets                       int32 // those of children, as far as cversion counts them
	hidden                     int32 // children that numChildren does not count
	blank                      bool  // its Stat is zero
	container                  bool
	ttl                        int64 // milliseconds, 0 for none
	children                   map[string]struct{}
}

// worldAll is the ACL that lets everybody do everything, worldRead the one of /zookeeper/config.
var (
	worldAll  = []wire.ACL{{Perms: permAll, Scheme: "world", ID: "anyone"}}
	worldRead = []wire.ACL{{Perms: permRead, Scheme: "world", ID: "anyone"}}
)

// newTree returns the znodes that every server has from the start. They count as no creates of
// their parents, which is why the root of a new ZooKeeper has cversion -1.
func newTree(d *dialect) tree {
	t := tree{
		d:          d,
		nodes:      map[string]*node{"/": {data: []byte{}, acl: d.acl.open}},
		ephemerals: map[int64]map[string]struct{}{},
		mortals:    map[string]struct{}{},
	}
	for _, path := range slices.Sorted(maps.Keys(d.system)) {
		t.insert(path, &node{data: []byte(d.system[path]), acl: d.acl.open, blank: d.sealed != ""})
	}
	if config := t.nodes["/zookeeper/config"]; config != nil {
		config.acl, config.aversion = worldRead, -1
	}
	if sealed := t.nodes[d.sealed]; sealed != nil {
		t.nodes["/"].sets = 1 // so that its cversion is 0
		sealed.hidden = int32(len(sealed.children))
	}
	return t
}

// permanent reports whether the znode cannot be deleted.
func (d *dialect) permanent(path string) bool {
	_, system := d.system[path]
	return path == "/" || system || d.closed(path)
}

// closed reports whether no client may change the znode.
func (d *dialect) closed(path string) bool {
	return d.sealed != "" && (path == d.sealed || strings.HasPrefix(path, d.sealed+"/"))
}

// get returns the znode at path, nil if there is none. The empty path is another name of the root.
func (t *tree) get(path string) *node {
	if path == "" {
		path = "/"
	}
	return t.nodes[path]
}

// split returns the parent's path and the last name of an absolute path.
func split(path string) (parent, name string) {
	i := strings.LastIndexByte(path, '/')
	return path[:max(i, 1)], path[i+1:]
}

// join returns the path of a child.
func join(parent, name string) string {
	if parent == "/" {
		return "/" + name
	}
	return parent + "/" + name
}

// child returns a child of the znode at path, which has it.
func (t *tree) child(path, name string) *node { return t.nodes[join(path, name)] }

// insert puts n at path, whose parent exists, and leaves the parent's numbers alone.
func (t *tree) insert(path string, n *node) {
	parent, name := split(path)
	p := t.nodes[parent]
	if p.children == nil {
		p.children = map[string]struct{}{}
	}
	p.children[name] = struct{}{}
	t.nodes[path] = n
	t.bytes += len(path) + len(n.data)
	if n.owner != 0 {
		if t.ephemerals[n.owner] == nil {
			t.ephemerals[n.owner] = map[string]struct{}{}
		}
		t.ephemerals[n.owner][path] = struct{}{}
	}
	if n.container || n.ttl != 0 {
		t.mortals[path] = struct{}{}
	}
}

// remove takes the znode at path out, and leaves the parent's numbers alone.
func (t *tree) remove(path string) {
	parent, name := split(path)
	n := t.nodes[path]
	delete(t.nodes, path)
	delete(t.nodes[parent].children, name)
	delete(t.mortals, path)
	t.bytes -= len(path) + len(n.data)
	if n.owner != 0 {
		delete(t.ephemerals[n.owner], path)
		if len(t.ephemerals[n.owner]) == 0 {
			delete(t.ephemerals, n.owner)
		}
	}
}

// stat returns what clients see. The owner of containers and TTL nodes is none (DataNode.copyStat),
// but for a mark of the dialect.
func (t *tree) stat(n *node) wire.Stat {
	if n.blank {
		return wire.Stat{}
	}
	children := int32(len(n.children)) - n.hidden
	owner := n.owner
	if n.container {
		owner = t.d.ownerMark
	}
	return wire.Stat{
		Czxid: n.czxid, Mzxid: n.mzxid, Pzxid: n.pzxid,
		Ctime: n.ctime, Mtime: n.mtime,
		Version:        n.version,
		Cversion:       2*n.creates - children + n.sets, // creates and deletes
		Aversion:       n.aversion,
		EphemeralOwner: owner,
		DataLength:     int32(len(n.data)),
		NumChildren:    children,
	}
}

// names returns the children's names, in no order.
func (n *node) names() []string {
	names := make([]string, 0, len(n.children))
	for name := range n.children {
		names = append(names, name)
	}
	return names
}

// descendants counts the znodes below path.
func (t *tree) descendants(path string) int {
	if path == "/" {
		return len(t.nodes) - 1
	}
	n := 0
	for p := range t.nodes {
		if strings.HasPrefix(p, path) && len(p) > len(path) && p[len(path)] == '/' {
			n++
		}
	}
	return n
}
