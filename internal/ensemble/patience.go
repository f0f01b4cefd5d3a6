package ensemble

import (
	"sync/atomic"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// Hopeless is how long a request waits while the servers are silent. It need not be long: they are
// heard again by the client itself, whatever asks.
const Hopeless = 250 * time.Millisecond

// silence is what is known about servers that do not answer. The kernel lets the processes in one
// directory wait for each other, whatever signal comes (kernel fact 9). So once a request has
// waited in vain, those behind it must not all do the same.
type silence struct {
	conn   *zk.Conn
	since  atomic.Pointer[time.Time] // when the last request began that waited in vain; nil: none did
	change atomic.Pointer[vain]      // the last that was to change something; nil: there was none
}

// vain is a request for a change that was not answered in time. Servers that have lost count of
// their proposals come to a stand: they take connections, resume sessions, and answer reads until a
// change stands before them on the connection, but commit nothing.
type vain struct {
	zxid int64     // the last that was known when the time was over
	over time.Time // when that was
}

// patience returns how long a request that begins now may take.
func (s *silence) patience(timeout time.Duration) time.Duration {
	since, change := s.since.Load(), s.change.Load()
	if since != nil && s.conn.Silence() > time.Since(*since) ||
		change != nil && s.conn.LastZxid() == change.zxid && time.Since(change.over) < timeout {
		return min(timeout, Hopeless)
	}
	return timeout
}

// Wait is a wait for the servers that begins now.
type Wait struct {
	Patience time.Duration // how long it may take
	begun    time.Time
}

// Wait returns how long a request that begins now may take: timeout, less while the servers are
// known to be silent.
func (e *Ensemble) Wait(timeout time.Duration) Wait {
	return Wait{e.silence.patience(timeout), time.Now()}
}

// WaitedInVain notes that the time of a request is over, which was to change something or not. What
// was committed before its change reached the servers may have become known while it waited.
func (e *Ensemble) WaitedInVain(w Wait, change bool) {
	e.silence.since.Store(&w.begun)
	if change {
		e.silence.change.Store(&vain{e.conn.LastZxid(), time.Now()})
	}
}
