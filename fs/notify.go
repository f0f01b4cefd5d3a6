package fs

import (
	"context"
	"slices"
	"sync"
	"syscall"

	fusefs "github.com/hanwen/go-fuse/v2/fs"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/names"
)

// notifier tells the kernel what changed, so that it asks again, and nothing else: what that means
// for the nodes they decide themselves, see audience.
//
// A notification can wait for a lock of the kernel whose holder waits for an answer of ours (kernel
// facts 40 and 43). So nothing that a handler may wait for notifies: tell only queues, and one
// goroutine, which holds no lock and asks ZooKeeper nothing, does the rest. The queue coalesces and
// never drops. The handler of open(2) is the one exception, by reopened and store; some wait by
// settle.
type notifier struct {
	root   *fusefs.Inode
	find   func(path string) audience  // the node of a znode that the kernel may know, or nil
	isLock func(path string) bool      // has a znode the name of a lock file?
	zxid   func() int64                // the last that is known
	pass   func(path string, p passed) // gets what the kernel was told of other clients; nil: nothing does
	wake   chan struct{}               // of capacity 1
	done   chan struct{}               // closed when the goroutine has ended

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

// audience is a node as the notifier sees it: it decides what news about it mean. No method asks
// ZooKeeper.
type audience interface {
	fusefs.InodeEmbedder
	// hear tells the node the news about the znode at path, which it shows.
	hear(path string, due notice) consequence
	// dropPages makes the kernel drop what it holds of the node's content, by a call of ask or
	// more.
	dropPages(ask func() syscall.Errno) syscall.Errno
	// handOn gives the kernel the next version of an open file.
	handOn()
	// isKnown reports whether the cache knows the znode at path, in or below the node.
	isKnown(path string) bool
	// isFree reports whether a name of the node can be taken away and no program notices.
	isFree() bool
}

// consequence is what the kernel is to be told about a node beside the news.
type consequence struct {
	gone    bool // it shows no znode any more
	another bool // its name may be one of another type now: the kernel is to look it up again
}

// milestone is closed when the kernel was told about the first at znodes.
type milestone struct {
	at      int64
	reached chan struct{}
}

func newNotifier(find func(string) audience, isLock func(string) bool, zxid func() int64) *notifier {
	return &notifier{
		find: find, isLock: isLock, zxid: zxid, pending: map[string]notice{},
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
}

// notice is what the kernel is to be told about a znode.
type notice struct {
	what    ensemble.News
	foreign ensemble.News // what of it another client did; Own: it used up a watch
	reveal  bool          // the name is to be looked up again, if that harms no program
	unnamed bool          // the name stands for nothing any more
	longer  bool          // it is to get a version of an open file that is longer than the one it has
	zxid    int64         // of Deleted and Everything: the last that was known when the event came
}

// tell queues news of this mount's own about the znode at path. It never blocks.
func (n *notifier) tell(path string, what ensemble.News) { n.tellOf(path, what, 0) }

// tellNews queues news of the ensemble likewise.
func (n *notifier) tellNews(path string, what ensemble.News) {
	foreign := what
	if what&ensemble.Own != 0 {
		what, foreign = what&^ensemble.Own, ensemble.Own // its watch is used up
	}
	n.tellOf(path, what, foreign)
}

func (n *notifier) tellOf(path string, what, foreign ensemble.News) {
	due := notice{what: what, foreign: foreign}
	if what&(ensemble.Deleted|ensemble.Everything) != 0 {
		due.zxid = n.zxid()
	}
	n.add(path, due)
}

// reveal queues that the kernel is to look the name at path up again, unless what has it is in use.
func (n *notifier) reveal(path string) { n.add(path, notice{reveal: true}) }

// unname queues that the name at path goes, also of a file that is in use: its znode is gone, and no
// event has said so.
func (n *notifier) unname(path string) { n.add(path, notice{unnamed: true}) }

// disregard makes the kernel drop the attributes that the answer to its present request brings
// (kernel fact 46). Any handler may call it: it waits for nothing (kernel fact 43).
func (n *notifier) disregard(inode *fusefs.Inode) { inode.NotifyContent(-1, 0) }

// tellLonger queues that the kernel is to get the next version of an open file; see file.handOn.
func (n *notifier) tellLonger(path string) { n.add(path, notice{longer: true}) }

// add adds a notice to what the kernel is to be told about the znode at path.
func (n *notifier) add(path string, due notice) {
	n.mu.Lock()
	before, queued := n.pending[path]
	if !queued {
		n.order = append(n.order, path)
		n.queued++
	}
	missed := due.what&before.what&ensemble.Everything != 0 // since the first of both
	if due.zxid == 0 || missed && before.zxid < due.zxid {
		due.zxid = before.zxid
	}
	due.what, due.longer = due.what|before.what, due.longer || before.longer
	due.foreign, due.reveal = due.foreign|before.foreign, due.reveal || before.reveal
	due.unnamed = due.unnamed || before.unnamed
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
			wasKnown, wasDir := n.knows(path)
			n.apply(path, due)
			n.count()
			if due.foreign != 0 && n.pass != nil {
				n.pass(path, passed{due.foreign, wasKnown, wasDir, due.zxid})
			}
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

// passOn lets pass hear of what other clients do from now on, not of what is queued already.
func (n *notifier) passOn(pass func(path string, p passed)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for path, due := range n.pending {
		due.foreign = 0
		n.pending[path] = due
	}
	n.pass = pass
}

// passed is what the kernel was told of what other clients did to a znode.
type passed struct {
	what     ensemble.News
	wasKnown bool // the kernel knew it before
	wasDir   bool // as a directory
	zxid     int64
}

// knows reports whether the kernel may know the znode at path, and whether as a directory.
func (n *notifier) knows(path string) (known, dir bool) {
	node := n.find(path)
	return node != nil, node != nil && node.EmbeddedInode().IsDir()
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

// count counts what the kernel was told, and wakes the handlers that wait for it.
func (n *notifier) count() {
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

// settle waits until the kernel was told everything that is queued so far. Only handlers of
// requests for which the kernel holds no lock may call it, those of locks, and others only with a
// ctx that ends soon.
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

// close ends the goroutine and waits for it. A notification under way ends at the latest with the
// mount.
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
	node := n.find(path)
	if what&ensemble.Dropped != 0 {
		n.dropped(path, node)
		what &^= ensemble.Dropped
	}
	if what&ensemble.Everything != 0 {
		n.all(n.root)
		return
	}
	if due.longer && node != nil {
		node.handOn()
	}
	if due.unnamed {
		n.revealed(path, nil)
	} else if due.reveal {
		n.revealed(path, node)
	}
	switch due.what = what; {
	case what == 0:
	case path == "/" && node == nil: // the kernel has forgotten it: the mount has ended
	case path == "/":
		n.changed(node, what, node.hear(path, due))
	default:
		n.child(path, node, due)
	}
}

// revealed makes the kernel look a name up again, with which it may know that there is none. The name
// of a directory stays, and that of a file which is in use (kernel facts 7 and 42). node is nil where
// no file is to keep the name.
func (n *notifier) revealed(path string, node audience) {
	dir, name := ensemble.Split(path)
	switch above := n.find(dir); {
	case above == nil:
	case node == nil:
		above.EmbeddedInode().NotifyEntry(names.Shown(name, dir == "/"))
	case !node.EmbeddedInode().IsDir() && !n.lacksPrune:
		file := []*fusefs.Inode{node.EmbeddedInode()}
		n.lacksPrune = n.root.NotifyPrune(file) == syscall.ENOSYS
	}
}

// child tells the kernel the news about a znode in a directory, or in what is shown as a file.
func (n *notifier) child(path string, node audience, due notice) {
	comesOrGoes := due.what&(ensemble.Created|ensemble.Deleted) != 0
	dir, name := ensemble.Split(path)
	if comesOrGoes && dir != "/" {
		n.contended(dir)
	}
	above := n.find(dir)
	switch {
	case above == nil:
		return // the kernel knows nothing in there
	case !above.EmbeddedInode().IsDir():
		if comesOrGoes { // the queue of a lock changed, or a file became a directory
			news := notice{what: ensemble.ChildrenChanged}
			n.changed(above, news.what, above.hear(dir, news))
		}
		return
	}
	parent, shown := above.EmbeddedInode(), names.Shown(name, dir == "/")
	if node != nil { // a program that has another open, from before, keeps it
		if follows := node.hear(path, due); follows.gone {
			parent.NotifyDelete(shown, node.EmbeddedInode())
			node = nil
		} else {
			n.changed(node, due.what, follows)
		}
	}
	// The entry of a directory that still exists stays: dropping it would detach a shell that works
	// in it (kernel fact 42). An unknown name is told too: the notification waits for lookups and
	// listings under way, and what they bring can be dropped (kernel fact 41).
	if node == nil {
		parent.NotifyEntry(shown)
	}
	if comesOrGoes {
		parent.NotifyContent(0, 0) // after the entry, whose notification waits for listings under way
	}
}

// changed tells the kernel that data or children of a known znode changed. A node that the kernel
// does not know yet is told by its name, which waits for the lookup that brings it (kernel fact
// 44).
func (n *notifier) changed(node audience, what ensemble.News, follows consequence) {
	inode := node.EmbeddedInode()
	data := inode.GetChild(names.Data)
	if what == ensemble.AttrChanged {
		inode.NotifyContent(-1, 0)
		if data != nil {
			data.NotifyContent(-1, 0)
		}
		return
	}
	name, parent := inode.Parent()
	if n.content(inode) == syscall.ENOENT && parent != nil {
		parent.NotifyEntry(name)
	}
	if inode.IsDir() && what&ensemble.DataChanged != 0 {
		inode.NotifyEntry(names.Data)
		if data != nil {
			n.content(data)
		}
		inode.NotifyContent(0, 0)
	}
	if follows.another && parent != nil {
		parent.NotifyEntry(name)
	}
}

// contended is news about a contender for the lock at path, which is listed beside its file while
// there is one.
func (n *notifier) contended(path string) {
	if !n.isLock(path) {
		return
	}
	dir, _ := ensemble.Split(path)
	if node := n.find(dir); node != nil {
		node.EmbeddedInode().NotifyContent(0, 0)
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

// content makes the kernel drop the pages of a file, or the listing of a directory, and what it
// knows of its size. It waits for the pages that are being read or written (kernel fact 43).
func (n *notifier) content(inode *fusefs.Inode) syscall.Errno {
	ask := func() syscall.Errno { return inode.NotifyContent(0, 0) }
	if node, ok := inode.Operations().(audience); ok {
		return node.dropPages(ask)
	}
	return ask()
}

// reopened makes the kernel drop what it holds of a file, from the handler of an open: the only
// handler in which that is safe, because the kernel holds no lock there that a notification waits
// for (kernel fact 14).
func (n *notifier) reopened(inode *fusefs.Inode) { n.content(inode) }

// store gives the kernel the content of a file, from the handler of an open or from the notifier's
// goroutine.
func (n *notifier) store(inode *fusefs.Inode, data []byte) { inode.WriteCache(0, data) }
