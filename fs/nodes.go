package fs

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"syscall"

	fusefs "github.com/hanwen/go-fuse/v2/fs"

	"github.com/zkfs/zkfs/internal/life"
	"github.com/zkfs/zkfs/internal/names"
	"github.com/zkfs/zkfs/zk"
)

// nodes is the table of the mount's nodes: it alone says which node a znode has.
//
// go-fuse takes two nodes of one type, number and generation for one. Each node here has a
// generation of its own, so that it never does, whatever their numbers. A number is for stat(2): it
// is cut from a hash of the path, and no two nodes that live have the same, because programs take
// two files of one number for two links to one file.
type nodes struct {
	number func(id string) uint64 // inodeNumber, but in tests

	mu      sync.Mutex          // guards the following, and the nodes' czxid and flights
	at      map[string]znode    // by id; a node that is gone is not in here
	numbers map[uint64]struct{} // of the nodes that the kernel may know, and reserved
	flying  map[uint64]*node    // those of flights, by generation
	last    uint64              // the generation of the newest node
}

func newNodes(root *dir) *nodes {
	return &nodes{
		number:  inodeNumber,
		at:      map[string]znode{"/": root},
		numbers: map[uint64]struct{}{0: {}, rootNumber: {}, ^uint64(0): {}}, // go-fuse gives 0 and the highest a meaning
		flying:  map[uint64]*node{},
	}
}

// rootNumber is the inode number of the root of a mount.
const rootNumber = 1

// inodeNumber returns the number that the node of that id has at every mount, unless another node
// has it there.
func inodeNumber(id string) uint64 {
	sum := sha256.Sum256([]byte(id))
	return binary.BigEndian.Uint64(sum[:])
}

// numberStep is the distance between the numbers of nodes that would have the same. It is odd: none
// comes twice.
const numberStep = 0x9e3779b97f4a7c15

// idOf returns the key in the table of what shows the znode at path in that role.
func idOf(path string, r role) string {
	switch r {
	case roleData:
		return path + "/\x00" + names.Data
	case roleDirLock:
		return path + "/\x00" + names.Lock
	}
	return path // of which there is one at a time, a file or a directory
}

// find returns the node of that id, or nil.
func (t *nodes) find(id string) znode {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.at[id]
}

// audience returns the node of the znode at path as the notifier sees it, or nil.
func (t *nodes) audience(path string) audience {
	if z := t.find(path); z != nil {
		return z
	}
	return nil
}

// free returns the first number for id that no node has. The mutex is held.
func (t *nodes) free(id string) uint64 {
	for n := t.number(id); ; n += numberStep {
		if _, taken := t.numbers[n]; !taken {
			return n
		}
	}
}

// numberOf returns the number of the node of that id, or the one that it would have.
func (t *nodes) numberOf(id string) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if z := t.at[id]; z != nil {
		return z.EmbeddedInode().StableAttr().Ino
	}
	return t.free(id)
}

// nodeAt returns the node for the znode with that Stat at path: the one that is known, unless it
// shows another znode or plays another role. It is in flight, see land.
func (d *dir) nodeAt(ctx context.Context, path string, r role, st *zk.Stat) znode {
	t, id := d.fs.nodes, idOf(path, r)
	t.mu.Lock()
	known := t.at[id]
	if known != nil && known.base().role == r && known.base().isOf(st) {
		t.fly(known.base())
		t.mu.Unlock()
		return known
	}
	var z znode
	if r == roleDir {
		z = &dir{node: node{fs: d.fs, path: path, role: r}}
	} else {
		z = d.fs.newFile(path, r, life.Grown)
	}
	z.base().czxid = st.Czxid
	t.add(ctx, d, id, z, false)
	t.fly(z.base())
	t.mu.Unlock()
	if known != nil {
		known.vanish()
	}
	return z
}

// install puts a node in the table that this mount has made for a new znode.
func (d *dir) install(ctx context.Context, f *file) {
	t, id := d.fs.nodes, idOf(f.path, f.role)
	t.mu.Lock()
	before := t.at[id]
	t.add(ctx, d, id, f, f.life.IsKept())
	t.mu.Unlock()
	if before != nil {
		before.vanish()
	}
}

// add makes an inode of z and puts it in the table. The mutex is held.
func (t *nodes) add(ctx context.Context, d *dir, id string, z znode, persistent bool) {
	attr := t.identity(id)
	if z.kind() == names.KindDir {
		attr.Mode = syscall.S_IFDIR
	}
	if persistent {
		d.NewPersistentInode(ctx, z, attr)
	} else {
		d.NewInode(ctx, z, attr)
	}
	t.at[id] = z
}

// identity returns what tells a new file from all others. The mutex is held.
func (t *nodes) identity(id string) fusefs.StableAttr {
	t.last++
	n := t.free(id)
	t.numbers[n] = struct{}{}
	return fusefs.StableAttr{Mode: syscall.S_IFREG, Ino: n, Gen: t.last}
}

// isOf reports whether n shows the znode with that Stat: one that was deleted and created again is
// another. What is not known of n yet it learns. The table's mutex is held.
func (n *node) isOf(st *zk.Stat) bool {
	if n.czxid == 0 {
		n.czxid = st.Czxid
	}
	return n.czxid == st.Czxid
}

// shows is isOf with the mutex not held.
func (n *node) shows(st *zk.Stat) bool {
	n.fs.nodes.mu.Lock()
	defer n.fs.nodes.mu.Unlock()
	return n.isOf(st)
}

// learn notes which znode n shows from now on. One that has made way for another shows none that
// can be told.
func (n *node) learn(st *zk.Stat, gone bool) {
	n.fs.nodes.mu.Lock()
	defer n.fs.nodes.mu.Unlock()
	n.czxid = st.Czxid
	if gone {
		n.czxid = 0
	}
}

// disown lets n show whatever znode is seen next at its path.
func (n *node) disown() {
	n.fs.nodes.mu.Lock()
	defer n.fs.nodes.mu.Unlock()
	n.czxid = 0
}

// showed reports whether n is known to show the znode with that Stat, or to have shown it.
func (n *node) showed(st *zk.Stat) bool {
	n.fs.nodes.mu.Lock()
	defer n.fs.nodes.mu.Unlock()
	return n.czxid == st.Czxid
}

// isNewerThan reports whether n is known to show a znode that was created after a transaction.
func (n *node) isNewerThan(zxid int64) bool {
	n.fs.nodes.mu.Lock()
	defer n.fs.nodes.mu.Unlock()
	return n.czxid > zxid
}

// outdates reports whether n shows a znode that was created after the one with that Stat.
func (n *node) outdates(st *zk.Stat) bool { return n.isNewerThan(st.Czxid) }

// Between the moment in which a node is found here and the one in which go-fuse has counted that
// the kernel knows it, the kernel may forget what it knew before. Such a node is in flight and
// stays in the table.

// fly begins a flight. The mutex is held.
func (t *nodes) fly(n *node) {
	n.flights++
	t.flying[n.StableAttr().Gen] = n
}

// land ends the flight, if there is one, of the node of that generation: go-fuse has it in its
// tree.
func (t *nodes) land(generation uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.flying[generation]
	if n == nil {
		return
	}
	if n.flights--; n.flights == 0 {
		delete(t.flying, generation)
	}
}

// lend puts a node back in the table that exists here whether the kernel knows it or not, and
// begins a flight.
func (t *nodes) lend(f *file) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	if id := f.id(); t.at[id] == nil && !f.life.IsGone() {
		t.at[id] = f
		t.numbers[f.StableAttr().Ino] = struct{}{}
	}
	t.fly(&f.node)
}

// leave takes a node out of the table, if it is there. It keeps its number. n.mu is held.
func (t *nodes) leave(n *node) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.leaveLocked(n)
}

func (t *nodes) leaveLocked(n *node) bool {
	id := n.id()
	if z := t.at[id]; z == nil || z.base() != n {
		return false
	}
	delete(t.at, id)
	return true
}

// forget takes a node out of the table that the kernel does not know any more, and frees its
// number. n.mu is held.
func (t *nodes) forget(n *node) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if name, parent := n.Parent(); n.flights > 0 || parent != nil && parent.GetChild(name) == &n.Inode {
		return false // it was looked up again meanwhile
	}
	delete(t.numbers, n.StableAttr().Ino)
	return t.leaveLocked(n)
}

// move gives a node that is in the table another path, and returns the node that was known there.
// n.mu is held.
func (t *nodes) move(z znode, path string) (before znode) {
	n := z.base()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.leaveLocked(n) {
		before = t.at[idOf(path, n.role)]
		t.at[idOf(path, n.role)] = z
	}
	n.path, n.czxid = path, 0
	return before
}

// exchange lets two nodes change places. The mu of both is held.
func (t *nodes) exchange(a, b znode) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m, n := a.base(), b.base()
	inA, inB := t.leaveLocked(m), t.leaveLocked(n)
	m.path, n.path = n.path, m.path
	m.czxid, n.czxid = n.czxid, m.czxid
	if inA {
		t.at[m.id()] = a
	}
	if inB {
		t.at[n.id()] = b
	}
}
