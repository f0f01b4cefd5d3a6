package fs

import (
	"context"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// sessionID returns the number of the session, 0 before the first.
func (e *Ensemble) sessionID() int64 { return e.conn.SessionID() }

// lastZxid returns the number of the last transaction that a server has told of.
func (e *Ensemble) lastZxid() int64 { return e.conn.LastZxid() }

// sessionTimeout returns the negotiated time for which the session lives without the client.
func (e *Ensemble) sessionTimeout() time.Duration { return e.conn.SessionTimeout() }

// server returns the address of the server that the client is connected to.
func (e *Ensemble) server() string { return e.conn.Server() }

// state returns the state of the connection.
func (e *Ensemble) state() zk.State { return e.conn.State() }

// lifetime returns how long what is known about a znode may be kept elsewhere: as long as it is
// trusted here. A program that hangs cannot take anything back, so it is never longer than the
// session can live without it.
func (e *Ensemble) lifetime(s snapshot) time.Duration {
	if !s.guarded {
		return 0
	}
	return max(0, min(time.Until(s.until), e.conn.SessionTimeout()))
}

// newLock returns the lock on the znode at path, whose contenders get the ACL. A shared one
// excludes those that are not.
func (e *Ensemble) newLock(path string, acl []zk.ACL, shared bool) *zk.Lock {
	if shared {
		return zk.NewReadLock(e.conn, path, acl)
	}
	return zk.NewLock(e.conn, path, acl)
}

// descendants returns how many znodes are below the one at path.
func (e *Ensemble) descendants(ctx context.Context, path string) (int, error) {
	for {
		n, err := e.conn.WithContext(ctx).AllChildrenNumber(path)
		if err == nil || !e.watch.again(ctx, err) {
			return n, err
		}
	}
}

// numbers are those of an ensemble since it began.
type numbers struct {
	FromMemory, FromServers int64 // questions about znodes, by what answered them
	Znodes, Bytes           int   // in the cache
	Watch                   WatchMode
	Watches                 int   // one-shot watches that stand
	Events                  int64 // of watches
}

// numbers returns those of this moment. It waits for nothing.
func (e *Ensemble) numbers() (n numbers) {
	n.FromMemory, n.FromServers = e.fromMemory.Load(), e.fromServers.Load()
	n.Znodes, n.Bytes = e.cache.counts()
	n.Watch, n.Watches, n.Events = e.watch.numbers()
	return n
}
