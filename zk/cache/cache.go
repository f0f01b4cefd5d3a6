// Package cache keeps a copy of a znode, of the children of one, or of a tree, and answers from it
// without a request.
//
//	config := cache.OfTree(ctx, conn, "/app/config")
//	defer config.Close()
//	if err := config.Wait(ctx); err != nil { // until everything is loaded
//		return err
//	}
//	data, stat, err := config.Get("/app/config/port")
//	for change := range config.Changes(ctx) { // all that is there, and then each change
//		log.Println(change.Kind, change.Path)
//	}
//
// A cache promises no more than one client's view of ZooKeeper: another client may have read a
// change earlier. [Cache.Sync] closes that gap. It does not see changes of an ACL, and leaves out
// the znodes that the session may not read: servers send no event for either. In a Stat it keeps
// the fields about children true only where it holds the children.
//
// While no server answers, a cache keeps and shows what it knew last, see [Cache.Current]. After a
// reconnect it asks for the Stat of each znode, and for data and children only where the Stat says
// that they have changed; listeners hear of the differences alone. After the session has expired it
// first sets its watches again and lets the server catch up with the leader, so that what a cache
// shows never goes back. After [Cache.Close] it answers with what it knew last.
//
// [OfTree] and [OfChildren] need one watch, a persistent recursive one (servers from 3.6 on); with
// older servers there are two watches for each znode. Servers before 3.9 keep one watch for a
// connection and path: GetW, ExistsW or ChildrenW of the very root of a cache, through the same
// zk.Conn, ends its watch there (ZOOKEEPER-4466). Use another zk.Conn for that.
package cache

import (
	"context"
	"errors"
	"sync"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// ErrNotHeld says that the cache cannot tell: the initial load is not over, the path is outside of
// what it covers, or the znode did not fit into [MaxBytes]. zk.ErrNoNode says that there is no such
// znode.
var ErrNotHeld = errors.New("cache: znode is not held")

// defaultLimit is that of MaxBytes.
const defaultLimit = 256 << 20

// A Cache is a copy of znodes that follows them. Its methods may be called from several goroutines.
type Cache struct {
	c      *zk.Conn // its calls end with the cache
	root   string
	depth  int // how many levels below root it covers, -1 for all
	limit  int64
	cancel context.CancelFunc
	done   chan struct{} // closed when the worker has ended
	loaded chan struct{} // closed when everything was loaded for the first time
	hints  hints

	// owned by the worker
	session   int64 // in which the watches were set, 0 before
	recursive bool  // one watch covers everything
	watcher   *zk.Watcher
	once      map[string]oneShots // without a watch that covers everything
	dropped   []string            // those of once whose znodes are not held any more
	queue     []item
	queued    map[item]need // of those in the queue
	bytes     int           // how long the data of a znode is to be expected

	mu        sync.RWMutex // guards the following, never held across a request
	top       *node        // nil if there is no znode at root
	size      int64
	full      bool // a znode was left out for want of room
	denied    bool // the session may not read the root
	listeners map[*listener]bool
	err       error // why the worker has ended
}

// An Option changes how a cache works.
type Option func(*Cache)

// MaxBytes bounds the memory of the cache: the data and the names, and some 300 bytes for each
// znode. The default is 256 MiB. Znodes that do not fit are not held, see [ErrNotHeld]. They are
// tried again when an eighth of the room is free.
func MaxBytes(n int64) Option { return func(t *Cache) { t.limit = n } }

// OfNode starts a cache of one znode, which may be missing. It ends with ctx or with Close.
func OfNode(ctx context.Context, c *zk.Conn, path string, options ...Option) *Cache {
	return start(ctx, c, path, 0, options)
}

// OfChildren starts a cache of the znode at path and of its children. It ends with ctx or with
// Close.
func OfChildren(ctx context.Context, c *zk.Conn, path string, options ...Option) *Cache {
	return start(ctx, c, path, 1, options)
}

// OfTree starts a cache of the znode at path and of all below it. It ends with ctx or with Close.
func OfTree(ctx context.Context, c *zk.Conn, path string, options ...Option) *Cache {
	return start(ctx, c, path, -1, options)
}

func start(ctx context.Context, c *zk.Conn, path string, depth int, options []Option) *Cache {
	ctx, cancel := context.WithCancel(ctx)
	t := &Cache{
		c: c.WithContext(ctx), root: path, depth: depth, limit: defaultLimit,
		cancel: cancel, done: make(chan struct{}), loaded: make(chan struct{}),
		once: map[string]oneShots{}, queued: map[item]need{}, bytes: firstBytes,
		listeners: map[*listener]bool{},
	}
	for _, o := range options {
		o(t)
	}
	t.hints.init(t.root, t.depth)
	go t.run(ctx) // ends with ctx, with c, or with an error that stays
	return t
}

// Wait returns when everything that the cache covers was loaded for the first time, or with the
// error that ended the cache, or when ctx ends.
func (t *Cache) Wait(ctx context.Context) error {
	select {
	case <-t.loaded:
		return nil
	default:
	}
	select {
	case <-t.loaded:
		return nil
	case <-t.done:
		return t.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Sync returns when the cache shows every change that was acknowledged to any client before the
// call, with the error that ended the cache, or when ctx ends. While changes come without a pause
// it waits for one.
func (t *Cache) Sync(ctx context.Context) error {
	c := t.c.WithContext(ctx)
	err := znode.Retry(ctx, func(bool) error {
		_, err := c.Sync(t.root)
		return err
	})
	select {
	case <-t.done:
		return t.Err()
	default:
	}
	if err != nil {
		return err
	}
	select {
	case <-t.hints.whenQuiet():
		return t.Wait(ctx) // the worker notes the end of the initial load a moment later
	case <-t.done:
		return t.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Current reports whether the cache has taken in everything that the server has told it: the
// connection stands, and no change is waiting. What it shows may be older otherwise.
func (t *Cache) Current() bool {
	state := t.c.State()
	connected := state == zk.StateHasSession || state == zk.StateConnectedReadOnly
	select {
	case <-t.hints.whenQuiet():
		return connected
	default:
		return false
	}
}

// Done returns a channel that is closed when the cache follows the znodes no longer: [Cache.Err]
// says why.
func (t *Cache) Done() <-chan struct{} { return t.done }

// Err returns why the cache has ended: the error of ctx, zk.ErrClosing, or another that no later
// request can cure. It is nil while the cache follows the znodes.
func (t *Cache) Err() error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.err
}

// Close ends the cache and its watches, and the loops over its changes. It may be called more than
// once.
func (t *Cache) Close() {
	t.cancel()
	<-t.done
}
