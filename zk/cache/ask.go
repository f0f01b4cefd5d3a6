package cache

import (
	"errors"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

const (
	// firstBytes makes the first batch a small one: what data there is, only replies tell.
	firstBytes = 16 << 10
	// replyBytes is how long the reply to a batch may be expected to become. Servers do not bound
	// it.
	replyBytes = 1 << 20
	// requestBytes and maxOrders bound a batch, far below the server's packet limit.
	requestBytes = 256 << 10
	maxOrders    = 2000
	// statBytes is what a reply takes besides data.
	statBytes = 100
	// largeData is what is not read again before a Stat has shown that it has changed.
	largeData = 512
)

// errAnotherSession ends what was asked for in a session whose watches have ended with it.
var errAnotherSession = errors.New("cache: another session has answered")

// ask does the next items of the queue.
func (t *Cache) ask() error {
	orders := t.cut()
	if !t.recursive {
		return t.askEach(orders)
	}
	var looks, reads []order
	for _, o := range orders {
		if o.known {
			looks = append(looks, o)
		} else {
			reads = append(reads, o)
		}
	}
	if err := t.look(looks); err != nil {
		t.restore(reads)
		return err
	}
	return t.read(reads)
}

// cut takes the orders of one batch from the queue. Where each znode has watches, lists and other
// items are not asked for at the same time: one could undo the other.
func (t *Cache) cut() []order {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var orders []order
	request, reply := 0, 0
	for len(t.queue) > 0 && len(orders) < maxOrders &&
		request < requestBytes && reply < replyBytes {
		it := t.queue[0]
		if !t.recursive && len(orders) > 0 && orders[0].list != it.list {
			break
		}
		o := order{item: it, need: t.queued[it]}
		expected := t.bytes
		if n := t.findLocked(it.path); n != nil && !o.data {
			expected = len(n.data)
			o.known = !it.list && expected > largeData
		}
		request += len(it.path) + statBytes
		reply += expected + statBytes
		orders = append(orders, o)
		t.queue = t.queue[1:]
		delete(t.queued, it)
	}
	return orders
}

// look asks for Stats, and lets what has changed be read.
func (t *Cache) look(orders []order) error {
	if len(orders) == 0 {
		return nil
	}
	ops := make([]any, len(orders))
	for i, o := range orders {
		ops[i] = &zk.ExistsRequest{Path: o.path}
	}
	return t.apply(orders, t.c.Pipeline(ops...))
}

// read asks for data and for children.
func (t *Cache) read(orders []order) error {
	if len(orders) == 0 {
		return nil
	}
	ops := make([]any, len(orders))
	for i, o := range orders {
		if o.list {
			ops[i] = &zk.GetChildrenRequest{Path: o.path}
		} else {
			ops[i] = &zk.GetDataRequest{Path: o.path}
		}
	}
	results, err := t.c.MultiRead(ops...)
	if errors.Is(err, zk.ErrReplyTooLarge) || errors.Is(err, zk.ErrTooLarge) {
		if len(orders) == 1 {
			return t.apply(orders, []zk.Result{{Err: zk.ErrReplyTooLarge}})
		}
		t.bytes = max(t.bytes, 2*replyBytes/len(orders)) // half as many next time
	}
	if err != nil {
		t.restore(orders)
		return err
	}
	t.expect(results)
	return t.apply(orders, results)
}

// expect learns from the length of data.
func (t *Cache) expect(results []zk.Result) {
	sum, n := 0, 0
	for _, r := range results {
		if r.Stat != nil {
			sum += len(r.Data)
			n++
		}
	}
	if n > 0 {
		t.bytes = max(sum/n, (3*t.bytes+sum/n)/4)
	}
}

// apply makes the cache hold what was answered, in the order of the orders. Those that could not be
// answered are asked for again.
func (t *Cache) apply(orders []order, results []zk.Result) error {
	if !t.watched() {
		t.restore(orders)
		return errAnotherSession
	}
	var failed []order
	var failure error
	t.mu.Lock()
	for i, r := range results {
		if err := t.applyLocked(orders[i], r); err != nil {
			failed = append(failed, orders[i])
			failure = err
		}
	}
	t.mu.Unlock()
	t.unwatchDropped()
	if failure != nil {
		t.restore(failed)
	}
	return failure
}

func (t *Cache) applyLocked(o order, r zk.Result) error {
	if denied := errors.Is(r.Err, zk.ErrNoAuth); denied || errors.Is(r.Err, zk.ErrNoNode) {
		if o.path == t.root {
			t.denied = denied
		}
		t.goneLocked(o.path)
		return nil
	}
	if errors.Is(r.Err, zk.ErrReplyTooLarge) {
		// The client does not take that much, however much room there is.
		parent, _ := znode.Split(o.path)
		t.leaveOutLocked(t.findLocked(parent))
		if n := t.findLocked(o.path); n != nil {
			t.removeLocked(n, o.path)
		}
		return nil
	}
	if r.Err != nil {
		return r.Err
	}
	if o.list {
		t.listLocked(o.path, r)
		return nil
	}
	n := t.findLocked(o.path)
	if o.known && (n == nil || !n.unchanged(r.Stat)) {
		t.enqueue(o.item, need{verify: o.verify, relist: o.relist, data: true})
		return nil
	}
	same := n != nil && n.stat.Czxid == r.Stat.Czxid
	if n = t.putLocked(o.path, r.Data, r.Stat); n != nil && t.holdsChildren(o.path, r.Stat) {
		t.follow(n, o, same)
	}
	return nil
}

// holdsChildren reports whether the cache covers children of that znode, if it can have any.
func (t *Cache) holdsChildren(path string, stat *zk.Stat) bool {
	return level(t.root, path, t.depth) != t.depth && stat.EphemeralOwner == 0
}

// follow lets the children of n be listed where that is called for. same says that n was held
// before, and its children.
func (t *Cache) follow(n *node, o order, same bool) {
	list := false
	switch {
	case !t.recursive:
		list = o.relist || t.once[o.path].children == nil || o.verify && n.listed != n.stat.Pzxid
	case o.relist:
		list = true
	case n.listed == n.stat.Pzxid:
	case !same && n.stat.NumChildren == 0,
		same && n.listed != noList && !o.verify && !t.hints.missed():
		// All that happened to the children up to Pzxid has been an event before this reply.
		n.listed = n.stat.Pzxid
	case same && !o.verify && n.listed == noList: // some were left out for want of room
	default:
		list = true
	}
	if list {
		t.enqueue(item{path: o.path, list: true}, need{})
	}
}

// listLocked makes the children of a node those of the list. What it holds of the others goes, and
// those that are new are asked for.
func (t *Cache) listLocked(path string, r zk.Result) {
	n := t.findLocked(path)
	if n == nil {
		return
	}
	if n.listed = n.stat.Pzxid; r.Stat != nil {
		n.listed = r.Stat.Pzxid
		if n.unchanged(r.Stat) {
			n.stat = r.Stat
		}
	}
	there := make(map[string]bool, len(r.Children))
	for _, name := range r.Children {
		there[name] = true
		if n.kids[name] == nil {
			t.enqueue(item{path: znode.Join(path, name)}, need{})
		}
	}
	for name := range n.kids {
		if !there[name] {
			t.goneLocked(znode.Join(path, name))
		}
	}
}
