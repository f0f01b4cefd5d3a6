package checkout

import (
	"crypto/sha256"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/zkfs/zkfs/internal/cut"
	"github.com/zkfs/zkfs/internal/names"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// A Sum is the hash of data.
type Sum [sha256.Size]byte

var noData = Sum(sha256.Sum256(nil))

// A Znode is one of the servers, without its data.
type Znode struct {
	Stat zk.Stat
	Sum  Sum
	ACL  []zk.ACL // nil if the session may not read it

	// Out says why no directory holds the znode, and is empty if one does. It is neither pulled nor
	// deleted.
	Out string

	lock bool // its children contend for it
}

// A Tree is all znodes of a tree by their paths, of which the root has "/".
type Tree struct {
	Layout Layout
	// Mortal says that ephemerals are in the directory.
	Mortal bool
	Znodes map[string]*Znode
}

// ReadTree reads the znodes of a cut.
func (t *Tree) ReadTree(records iter.Seq2[*cut.Record, error]) error {
	t.Znodes = map[string]*Znode{}
	for r, err := range records {
		if err != nil {
			return err
		}
		t.put(r)
	}
	t.mark()
	return nil
}

func (t *Tree) put(r *cut.Record) {
	t.Znodes[r.Path] = &Znode{Stat: r.Stat, Sum: sha256.Sum256(r.Data), ACL: r.ACL}
}

// Change makes the tree one after a later transaction.
func (t *Tree) Change(changes *cut.Changes) {
	for _, path := range changes.Gone {
		delete(t.Znodes, path)
	}
	for i := range changes.Records {
		t.put(&changes.Records[i])
	}
	t.mark()
}

// Clone returns a tree that changes on its own.
func (t *Tree) Clone() *Tree {
	c := &Tree{Layout: t.Layout, Mortal: t.Mortal, Znodes: make(map[string]*Znode, len(t.Znodes))}
	for path, z := range t.Znodes {
		own := *z
		c.Znodes[path] = &own
	}
	return c
}

// Paths returns the paths in the order of cut.Compare.
func (t *Tree) Paths() []string { return slices.SortedFunc(maps.Keys(t.Znodes), cut.Compare) }

// At returns a znode that a directory holds, nil if there is none.
func (t *Tree) At(path string) *Znode {
	if z := t.Znodes[path]; z != nil && z.Out == "" {
		return z
	}
	return nil
}

// mark finds out which znodes a directory does not hold.
func (t *Tree) mark() {
	fleeting := map[string]bool{} // znodes all children of which contend for a lock
	paths := t.Paths()
	for _, path := range paths {
		z := t.Znodes[path]
		z.Out, z.lock = "", false
		if path == "/" {
			continue
		}
		parent, name := znode.Split(path)
		z.Out = t.why(path, name, z, t.Znodes[parent])
		z.lock = names.KindOf(name, &z.Stat, lockSuffix) == names.KindLock
		contends := !t.Mortal && z.Stat.EphemeralOwner != 0 && len(zk.LockQueue([]string{name})) > 0
		if before, ok := fleeting[parent]; !ok || before {
			fleeting[parent] = contends
		}
	}
	for path, is := range fleeting {
		z := t.Znodes[path]
		if is && z != nil && path != "/" && z.Out == "" && names.Fleeting(&z.Stat) {
			z.Out = "is the directory of a lock that sessions contend for"
		}
	}
}

// lockSuffix ends the names of lock files on a mount.
const lockSuffix = ".lock"

func (t *Tree) why(path, name string, z, parent *Znode) string {
	switch kind := names.KindOf(name, &z.Stat, lockSuffix); {
	case parent == nil: // the server has invented it
		return "has no parent"
	case parent.Out != "":
		return parent.Out
	case parent.lock:
		return "contends for a lock"
	case z.Stat.EphemeralOwner != 0 && !t.Mortal:
		return "is an ephemeral of a session"
	case kind == names.KindLock && names.Fleeting(&z.Stat):
		return "is a lock"
	case !t.Layout.holds(name, strings.Count(path, "/")-1):
		return "has a name that no file can have"
	}
	return ""
}

// IsDir reports whether a znode is a directory on a mount.
func IsDir(path string, z *Znode) bool {
	_, name := znode.Split(path)
	return path == "/" || names.KindOf(name, &z.Stat, lockSuffix) == names.KindDir
}
