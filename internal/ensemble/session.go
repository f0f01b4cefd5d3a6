package ensemble

import (
	"context"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// SessionID returns the number of the session, 0 before the first.
func (e *Ensemble) SessionID() int64 { return e.conn.SessionID() }

// LastZxid returns the number of the last transaction that a server has told of.
func (e *Ensemble) LastZxid() int64 { return e.conn.LastZxid() }

// SessionTimeout returns the negotiated time for which the session lives without the client.
func (e *Ensemble) SessionTimeout() time.Duration { return e.conn.SessionTimeout() }

// Server returns the address of the server that the client is connected to.
func (e *Ensemble) Server() string { return e.conn.Server() }

// State returns the state of the connection.
func (e *Ensemble) State() zk.State { return e.conn.State() }

// Features returns what is known of what the servers have.
func (e *Ensemble) Features() zk.Features { return e.conn.Features() }

// Lifetime returns how long what is known about a znode may be kept elsewhere: as long as it is
// trusted here. A program that hangs cannot take anything back, so it is never longer than the
// session can live without it.
func (e *Ensemble) Lifetime(s Snapshot) time.Duration {
	if !s.Guarded {
		return 0
	}
	return max(0, min(time.Until(s.Until), e.conn.SessionTimeout()))
}

// NewLock returns the lock on the znode at path, whose contenders get the ACL. A shared one
// excludes those that are not.
func (e *Ensemble) NewLock(path string, acl []zk.ACL, shared bool) *zk.Lock {
	if shared {
		return zk.NewReadLock(e.conn, path, acl)
	}
	return zk.NewLock(e.conn, path, acl)
}

// Descendants returns how many znodes are below the one at path.
func (e *Ensemble) Descendants(ctx context.Context, path string) (int, error) {
	for {
		n, err := e.conn.WithContext(ctx).AllChildrenNumber(path)
		if err == nil || !e.watch.again(ctx, err) {
			return n, err
		}
	}
}

// Numbers are those of an ensemble since it began.
type Numbers struct {
	FromMemory, FromServers int64 // questions about znodes, by what answered them
	Znodes, Bytes           int   // in the cache
	Watch                   WatchMode
	Watches                 int   // one-shot watches that stand
	Events                  int64 // of watches
}

// Numbers returns the numbers of this moment. It waits for nothing.
func (e *Ensemble) Numbers() (n Numbers) {
	n.FromMemory, n.FromServers = e.fromMemory.Load(), e.fromServers.Load()
	n.Znodes, n.Bytes = e.cache.counts()
	n.Watch, n.Watches, n.Events = e.watch.numbers()
	return n
}
