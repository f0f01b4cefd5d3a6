package ensemble

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// Ensemble is what a mount or a command knows of ZooKeeper, and its only way to the servers.
// Questions go to the cache first. Every question and every change is bounded by its context. The
// order of its locks, and its goroutines, stand in concurrency.go.
type Ensemble struct {
	conn  *zk.Conn
	o     Options
	cache *cache
	watch *watch
	ahead *ahead

	silence    silence
	identities identities

	fromMemory, fromServers atomic.Int64 // questions, by what answered them

	lastBatch  atomic.Int32  // see FirstBatch; 0: nothing was fetched
	aclChanges atomic.Uint64 // counts the changes of ACLs by the caller
}

// Options says how an ensemble is asked. Without LockOf no znode is a lock of a file.
type Options struct {
	Timeout   time.Duration // of what is asked ahead
	MaxAge    time.Duration // how long anything is trusted although no watch reported a change
	Watch     WatchMode     // how changes by other clients are noticed
	CacheSize int           // in bytes
	Log       *slog.Logger  // nil discards
	Perms     bool          // what is known of a znode includes what the session may do with it

	// Trust is how long a list of children is trusted that no watch stands for, and an ACL that
	// things are created by. 0 is a second.
	Trust time.Duration
	// Flood is how many events about nothing known make the recursive watch end. 0 is 50000 in 10
	// seconds.
	Flood int

	// Tell gets the news of changes that are not the caller's own. It must not block and must not
	// ask the ensemble anything: the servers' next answer waits for it. nil discards.
	Tell func(path string, what News)

	// LockOf returns the path of the file whose lock the znode at path would be. ok is false if no
	// lock has that name.
	LockOf func(path string) (file string, ok bool)
	// Idle reports whether a znode is the lock of a file and no process contends for it: another
	// one may take its place while IsFile reports true of the file.
	Idle   func(path string, lock *zk.Stat) bool
	IsFile func(path string, st *zk.Stat) bool
}

// New returns what is known of the servers of conn, which is nothing before Start. The
// connection stays the caller's.
func New(conn *zk.Conn, o Options) *Ensemble {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Tell == nil {
		o.Tell = func(string, News) {}
	}
	if o.LockOf == nil {
		o.LockOf = func(string) (string, bool) { return "", false }
		o.Idle = func(string, *zk.Stat) bool { return false }
	}
	e := &Ensemble{conn: conn, o: o, silence: silence{conn: conn}}
	e.cache = newCache(o.MaxAge, o.CacheSize)
	if o.Trust > 0 {
		e.cache.listTrust = o.Trust
	}
	e.watch = newWatch(conn, e.cache, o.Watch, o.Log, o.Tell)
	if o.Flood > 0 {
		e.watch.flood.limit = o.Flood
	}
	e.cache.drop = e.watch.dropped
	e.ahead = newAhead(e)
	return e
}

// Start begins to watch, and returns once what is learned may be kept. Close must follow unless it
// fails.
func (e *Ensemble) Start(ctx context.Context) error {
	if err := e.watch.start(ctx); err != nil {
		return err
	}
	go e.ahead.run() // ends with Close
	return nil
}

// Close ends what Start began, and waits for it. Nothing that is known is used any more.
func (e *Ensemble) Close() {
	e.ahead.close()
	e.watch.close()
}
