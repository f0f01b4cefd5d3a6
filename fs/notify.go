package fs

import (
	"context"
	"slices"
	"sync"
	"syscall"

	fusefs "github.com/hanwen/go-fuse/v2/fs"

	"github.com/zkfs/zkfs/internal/ensemble"
)

// notifier tells the kernel what changed, so that it asks again. A notification can wait for a lock of the kernel whose
// holder waits for an answer of ours. So nothing that a handler may wait for notifies (but see settle): tell only queues, and
// one goroutine, which holds no lock and asks ZooKeeper nothing, does the rest. The queue coalesces and never drops.
type notifier struct {
	root     *fusefs.Inode
	nodes    *nodes
	ensemble *ensemble.Ensemble
	wake     chan struct{} // of capacity 1
	done     chan struct{} // closed when the goroutine has ended

	// owned by run
	doomed     []*fusefs.Inode // what the kernel is about to be asked to forget
	lacksPrune bool            // it is older than Linux 6.18

	mu      sync.Mutex // guards the following
	order   []string
	pending map[string]notice
	closed  bool
	queued  int64 // how many znodes were queued ever
	applied int64 // about how many of them the kernel was told
	settled []milestone
}

// milestone is closed when the kernel was told about the first at znodes.
type milestone struct {
	at      int64
	reached chan struct{}
}

func newNotifier(e *ensemble.Ensemble, nodes *nodes) *notifier {
	return &notifier{
		ensemble: e, nodes: nodes, pending: map[string]notice{},
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
}

// notice is what the kernel is to be told about a znode.
type notice struct {
	what   ensemble.News
	longer bool  // it is to get a version of an open file that is longer than the one it has
	zxid   int64 // of newsDeleted: the last that was known when the event came; see deleted
}

// tell queues news about the znode at path. It never blocks.
func (n *notifier) tell(path string, what ensemble.News) {
	due := notice{what: what}
	if what&ensemble.Deleted != 0 {
		due.zxid = n.ensemble.LastZxid()
	}
	n.queue(path, due)
}

// tellLonger queues that the kernel is to get the next version of an open file; see file.handOn.
func (n *notifier) tellLonger(path string) { n.queue(path, notice{longer: true}) }

// queue adds a notice to what the kernel is to be told about the znode at path.
func (n *notifier) queue(path string, due notice) {
	n.mu.Lock()
	before, queued := n.pending[path]
	if !queued {
		n.order = append(n.order, path)
		n.queued++
	}
	if due.what&ensemble.Deleted == 0 {
		due.zxid = before.zxid
	}
	due.what, due.longer = due.what|before.what, due.longer || before.longer
	n.pending[path] = due
	n.mu.Unlock()
	n.poke()
}

func (n *notifier) poke() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// run tells the kernel what is queued until close is called.
func (n *notifier) run() {
	defer close(n.done)
	for range n.wake {
		for {
			path, due, more := n.next()
			if !more {
				break
			}
			n.apply(path, due)
			n.told()
		}
		n.prune()
		n.mu.Lock()
		closed := n.closed
		n.mu.Unlock()
		if closed {
			return
		}
	}
}

func (n *notifier) next() (path string, due notice, more bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.order) == 0 || n.closed {
		return "", notice{}, false
	}
	path, n.order = n.order[0], n.order[1:]
	due = n.pending[path]
	delete(n.pending, path)
	return path, due, true
}

// told counts what the kernel was told, and wakes those who wait for it.
func (n *notifier) told() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.applied++
	n.settled = slices.DeleteFunc(n.settled, func(m milestone) bool {
		if m.at > n.applied {
			return false
		}
		close(m.reached)
		return true
	})
}

// settle waits until the kernel was told everything that is queued so far. Only handlers of requests for which the kernel holds no
// lock may call it, those of locks, and others only with a ctx that ends soon.
func (n *notifier) settle(ctx context.Context) error {
	n.mu.Lock()
	m := milestone{n.queued, make(chan struct{})}
	if m.at == n.applied {
		n.mu.Unlock()
		return nil
	}
	n.settled = append(n.settled, m)
	n.mu.Unlock()
	select {
	case <-m.reached:
		return nil
	case <-n.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close ends the goroutine and waits for it. A notification under way ends at the latest with the mount.
func (n *notifier) close() {
	n.quit()
	<-n.done
}

// quit lets the goroutine end after the notification that is under way.
func (n *notifier) quit() {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	n.poke()
}

// apply tells the kernel the news about one znode.
func (n *notifier) apply(path string, due notice) {
	what := due.what
	if what&ensemble.Dropped != 0 {
		n.dropped(path)
		what &^= ensemble.Dropped
	}
	if what&ensemble.Everything != 0 {
		n.all(n.root)
		return
	}
	if due.longer {
		if f, ok := n.nodes.find(path).(*file); ok {
			f.handOn()
		}
	}
	if what == 0 {
		return
	}
	if path == "/" {
		n.changed(n.root, what)
		return
	}
	dir, name := ensemble.Split(path)
	if what&(ensemble.Created|ensemble.Deleted) != 0 && dir != "/" {
		n.contended(dir)
	}
	parent := n.find(dir)
	if parent == nil {
		return // the kernel knows nothing in there
	}
	if !parent.IsDir() {
		n.inFile(parent, dir, what)
		return
	}
	shown := shownName(name, dir == "/")
	child := n.find(path) // a program that has another open, from before, keeps it
	if what&ensemble.Deleted != 0 && n.deleted(parent, shown, child, path, due.zxid) {
		child = nil
	}
	if child != nil {
		n.changed(child, what)
	}
	if child == nil || what&(ensemble.Created|ensemble.Deleted) != 0 {
		n.entry(parent, shown, child)
	}
	if what&(ensemble.Created|ensemble.Deleted) != 0 {
		parent.NotifyContent(0, 0) // after the entry, whose notification waits for listings under way
	}
}

// deleted tells the kernel that a child is gone, unless it is one that was created after that. zxid
// is as in notice: no znode that was created after the deletion has one so low as czxid.
func (n *notifier) deleted(parent *fusefs.Inode, shown string, child *fusefs.Inode, path string, zxid int64) bool {
	if child == nil {
		return true
	}
	z := child.Operations().(znode)
	if z.base().isNewerThan(zxid) {
		return false
	}
	if s, ok := n.ensemble.Peek(path); ok && s.Stat != nil && z.base().shows(s.Stat) {
		return false
	}
	if !z.vanish() {
		return false // created here and pending
	}
	parent.NotifyDelete(shown, child)
	if f, ok := z.(*file); ok {
		f.growUp()
	}
	return true
}

// entry makes the kernel look a name up again. The entry of a directory that still exists stays: dropping it would
// detach whoever works in it. An unknown name is told too: the notification waits for lookups and
// listings under way and drops what they bring.
func (n *notifier) entry(parent *fusefs.Inode, shown string, child *fusefs.Inode) {
	if child == nil {
		parent.NotifyEntry(shown)
	}
}

// changed tells the kernel that data or children of a known znode changed.
func (n *notifier) changed(inode *fusefs.Inode, what ensemble.News) {
	if what == ensemble.AttrChanged {
		inode.NotifyContent(-1, 0)
		if data := inode.GetChild(nameData); data != nil {
			data.NotifyContent(-1, 0)
		}
		return
	}
	name, parent := inode.Parent()
	if n.content(inode) == syscall.ENOENT && parent != nil {
		parent.NotifyEntry(name)
	}
	switch z := inode.Operations().(type) {
	case *dir:
		if what&ensemble.DataChanged == 0 {
			return
		}
		inode.NotifyEntry(nameData)
		if data := inode.GetChild(nameData); data != nil {
			n.content(data)
		}
		inode.NotifyContent(0, 0)
		if z.couldBecomeFile() && parent != nil {
			parent.NotifyEntry(name)
		}
	case *file:
		if what&ensemble.ChildrenChanged != 0 && z.role == roleLeaf && parent != nil {
			parent.NotifyEntry(name) // it is a directory now
		}
	}
}

// inFile is news about a child of what is shown as a file: the queue of a lock changed, or a file became a directory.
func (n *notifier) inFile(inode *fusefs.Inode, path string, what ensemble.News) {
	if what&(ensemble.Created|ensemble.Deleted) != 0 {
		n.changed(inode, ensemble.ChildrenChanged)
	}
}

// contended is news about a contender for the lock at path, which is listed beside its file while
// there is one.
func (n *notifier) contended(path string) {
	root, ok := n.root.Operations().(*dir)
	if !ok || !root.fs.isLockPath(path) {
		return
	}
	dir, _ := ensemble.Split(path)
	if inode := n.find(dir); inode != nil {
		inode.NotifyContent(0, 0)
	}
}

// all makes the kernel ask for everything again that is in or below inode.
func (n *notifier) all(inode *fusefs.Inode) {
	n.content(inode)
	if inode.IsDir() {
		for _, child := range inode.Children() {
			n.all(child)
		}
	}
}

// find returns the inode at the path of a znode as far as the kernel knows it, or nil.
func (n *notifier) find(path string) *fusefs.Inode {
	if z := n.nodes.find(path); z != nil {
		return z.EmbeddedInode()
	}
	return nil
}

// reopened makes the kernel drop what it holds of a file, from the handler of an open: the only handler in which that is safe,
// because the kernel holds no lock there that a notification waits for.
func (n *notifier) reopened(inode *fusefs.Inode) {
	n.content(inode)
}

// patient is how often a file is invalidated at most because the kernel reads it at the same time.
const patient = 10

// content makes the kernel drop the pages of a file, or the listing of a directory, and what it
// knows of its size. What it reads for its pages from now on may be the current version.
func (n *notifier) content(inode *fusefs.Inode) syscall.Errno {
	f, ok := inode.Operations().(*file)
	if !ok {
		return inode.NotifyContent(0, 0)
	}
	for range patient {
		reads := f.readsSoFar()
		if errno := inode.NotifyContent(0, 0); errno != 0 || f.pagesDropped(reads) {
			return errno
		}
	}
	f.pagesDropped(f.readsSoFar())
	return inode.NotifyContent(0, 0)
}

// store gives the kernel the content of a file, from the handler of an open or from the notifier's
// goroutine.
func (n *notifier) store(inode *fusefs.Inode, data []byte) {
	inode.WriteCache(0, data)
}
