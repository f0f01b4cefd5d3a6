package cut

import (
	"errors"
	"slices"
	"sync"

	"github.com/zkfs/zkfs/zk"
)

const (
	// maxBatch, requestBytes and replyBytes bound a multiRead, far below the server's packet limit
	// and what its reply may take of the memory.
	maxBatch     = 1000
	requestBytes = 256 << 10
	replyBytes   = 1 << 20
	// listed is how many children are listed at a time.
	listed = 20000
	// parallel is how many batches are on their way at a time.
	parallel = 3
)

// A reader reads the znodes of a tree.
type reader struct {
	c       *zk.Conn
	root    string
	exclude []string
	tell    func(znodes int)
	changes *changes
	watcher *zk.Watcher
	cancel  func() // of the events

	tree              tree
	spool             *spool
	again             map[string]int64 // offsets of what was read again, by the path from the root of the tree
	denied            map[string]bool
	loose, mayBeLoose bool // see Options
	counts            bool // Stats tell the numbers of sequential children
	unsure            int  // how many records were kept without their ACL, to be read again
	bytes             int  // how long the data of a znode is to be expected
}

func newReader(c *zk.Conn, root string, o Options) (*reader, error) {
	s, err := newSpool(o.Folder)
	if err != nil {
		return nil, err
	}
	r := &reader{c: c, root: root, exclude: o.Exclude, tell: o.Progress, mayBeLoose: o.Loose, spool: s,
		tree: tree{{at: gone}}, again: map[string]int64{}, denied: map[string]bool{}, bytes: 16 << 10}
	if r.tell == nil {
		r.tell = func(int) {}
	}
	r.changes = &changes{root: root, covers: r.covers, wake: make(chan struct{}, 1), paths: map[string]bool{}}
	return r, nil
}

// covers reports whether a znode belongs to the tree.
func (r *reader) covers(path string) bool {
	if path != r.root && !Below(r.root, path) {
		return false
	}
	return !slices.ContainsFunc(r.exclude, func(out string) bool {
		return path == out || Below(out, path)
	})
}

// watch sets the watch that covers the tree, on a server that has caught up with the leader.
func (r *reader) watch() error {
	if _, err := r.c.Sync(r.root); err != nil && !errors.Is(err, zk.ErrNotReadOnly) {
		return err
	}
	r.cancel = r.c.OnEvent(r.changes.event)
	w, err := r.c.AddWatch(r.root, zk.AddWatchPersistentRecursive)
	if errors.Is(err, zk.ErrUnimplemented) {
		if r.loose = r.mayBeLoose; r.loose {
			return nil
		}
		return ErrUnsupported
	}
	if err != nil {
		return err
	}
	w.Mute()
	r.watcher = w
	return nil
}

func (r *reader) stop() {
	if r.cancel != nil {
		r.cancel()
	}
	if r.watcher != nil {
		go r.watcher.Stop() // ends when a server has answered, or when none can be reached
	}
}

// load reads every znode once, parents before their children.
func (r *reader) load() error {
	for next := uint32(0); int(next) < len(r.tree); {
		var batches []*batch
		var all sync.WaitGroup
		for at := next; len(batches) < parallel && int(at) < len(r.tree); {
			b := &batch{paths: r.some(at)}
			at += uint32(len(b.paths))
			batches = append(batches, b)
			all.Go(func() { b.read(r.c) }) // ends with the replies
		}
		all.Wait()
		var parents []uint32
		var counts []int32
		for _, b := range batches {
			if b.err != nil {
				return b.err
			}
			for i := range b.paths {
				at, children, err := r.keep(b, i)
				if err != nil {
					return err
				}
				r.tree[next].at = at
				if children > 0 {
					parents, counts = append(parents, next), append(counts, children)
				}
				next++
			}
			r.expect(b)
		}
		if err := r.list(parents, counts); err != nil {
			return err
		}
		r.tell(int(next))
	}
	return nil
}

// some returns the paths of one batch, from a node on.
func (r *reader) some(at uint32) []string {
	var paths []string
	request, reply := 0, 0
	for int(at) < len(r.tree) && len(paths) < maxBatch && request < requestBytes && reply < replyBytes {
		p := r.tree.path(at, r.root)
		paths = append(paths, p)
		request += len(p)
		reply += r.bytes
		at++
	}
	return paths
}

// expect learns from the length of data.
func (r *reader) expect(b *batch) {
	sum := 0
	for _, result := range b.data {
		sum += len(result.Data)
	}
	r.bytes = max(1, (r.bytes+sum/len(b.data))/2, sum/len(b.data))
}

// keep keeps what was read of one znode of a batch, and returns where, and how many children it
// has.
func (r *reader) keep(b *batch, i int) (at int64, children int32, err error) {
	path, result := b.paths[i], b.data[i]
	delete(r.denied, path)
	switch {
	case result.Zxid == 0 && !r.loose:
		return 0, 0, ErrUnsupported
	case errors.Is(result.Err, zk.ErrNoNode):
		return gone, 0, nil
	case errors.Is(result.Err, zk.ErrNoAuth):
		r.denied[path] = true
		return gone, 0, nil
	case result.Err != nil:
		return 0, 0, result.Err
	}
	record := Record{Data: result.Data, Stat: *result.Stat}
	if acl := b.acls[i]; acl.Err == nil && acl.Stat.Czxid == result.Stat.Czxid {
		if record.ACL = acl.ACL; len(acl.ACL) == 0 {
			record.ACL = zk.WorldACL(zk.PermAll) // as a ClickHouse Keeper shows it
		}
	} else if acl.Err == nil || errors.Is(acl.Err, zk.ErrNoNode) {
		r.changes.add(path) // it is another znode by now
		r.unsure++
	} else if !errors.Is(acl.Err, zk.ErrNoAuth) {
		return 0, 0, acl.Err
	}
	at, err = r.spool.add(&record)
	return at, result.Stat.NumChildren, err
}

// list lists the children of nodes. Their numbers are known.
func (r *reader) list(parents []uint32, counts []int32) error {
	for len(parents) > 0 {
		var ops []any
		sum := int32(0)
		for len(ops) < len(parents) && len(ops) < maxBatch && (sum == 0 || sum+counts[len(ops)] < listed) {
			sum += counts[len(ops)]
			ops = append(ops, &zk.GetChildrenRequest{Path: r.tree.path(parents[len(ops)], r.root)})
		}
		results, err := r.c.MultiRead(ops...)
		if err != nil {
			return err
		}
		for i, result := range results {
			switch {
			case errors.Is(result.Err, zk.ErrNoNode), errors.Is(result.Err, zk.ErrNoAuth):
				continue // an event has told it, or the data could be read a moment ago
			case result.Err != nil:
				return result.Err
			}
			r.tree.grow(parents[i], r.covered(parents[i], result.Children))
		}
		parents, counts = parents[len(ops):], counts[len(ops):]
	}
	return nil
}

// covered leaves out the children of a node that do not belong to the tree.
func (r *reader) covered(parent uint32, names []string) []string {
	if len(r.exclude) == 0 {
		return names
	}
	return slices.DeleteFunc(names, func(name string) bool {
		path := r.tree.path(parent, r.root)
		if path == "/" {
			path = ""
		}
		return !r.covers(path + "/" + name)
	})
}

// readAgain reads what has changed. The zxid is not 0 if all that was ever read is of the state
// after that transaction.
func (r *reader) readAgain(changed map[string]bool) (zxid int64, err error) {
	var paths []string
	for p := range changed {
		paths = append(paths, p)
	}
	for len(paths) > 0 {
		n, request := 0, 0
		for n < len(paths) && n < maxBatch && request < requestBytes {
			request += len(paths[n])
			n++
		}
		b := &batch{paths: paths[:n]}
		b.readData(r.c)
		closed := n == len(changed) && r.changes.only(changed)
		b.readACLs(r.c)
		if b.err != nil {
			return 0, b.err
		}
		before := r.unsure
		for i, path := range b.paths {
			at, _, err := r.keep(b, i)
			if err != nil {
				return 0, err
			}
			r.again[r.relative(path)] = at
		}
		if closed && r.unsure == before {
			zxid = b.data[0].Zxid
		}
		paths = paths[n:]
	}
	return zxid, nil
}

// sequence returns that of a record. Servers that do not count as ZooKeeper does are told by what
// their Stats lack.
func (r *reader) sequence(record *Record) int32 {
	if !r.counts {
		return Unknown
	}
	return Sequence(&record.Stat)
}

// missing returns why there is no root.
func (r *reader) missing() error {
	if r.denied[r.root] {
		return zk.ErrNoAuth
	}
	return zk.ErrNoNode
}
