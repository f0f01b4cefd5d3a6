package zk

import (
	"bufio"
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A transport is one connection to one server, after the handshake. Its write loop takes calls from the client's
// queue, its read loop finishes them. The first that fails ends both.
type transport struct {
	// immutable
	c    *client
	conn net.Conn
	in   *pacedReader
	r    *bufio.Reader // of in
	ping time.Duration // between two pings

	server   string
	secrets  *Secrets // that it began with
	kind     serverKind
	readOnly bool // the server has lost its quorum

	pending ring // requests, answered in order
	auths   ring // credentials, which the server answers ahead of requests
	rearms  ring // setWatches, answered in order among themselves

	// What proves that the session lives, see client.prove: the reply to that call, which writeLoop sets while there is none and
	// readLoop takes, or to a ping.
	proof     atomic.Pointer[call]
	proofSent time.Duration // after birth; published by proof
	pinged    atomic.Int64  // when a ping was sent that is not answered, after birth; 0: none is

	verifying atomic.Bool // whether an event tells the truth is being asked, see judge

	once sync.Once
	stop chan struct{} // closed by the first loop that ends
	err  error         // why; valid after stop

	// The call whose reply was not understood. It fails with the rest: a caller who has the error sends what he does next on the
	// connection that follows. Owned by readLoop until both loops have ended.
	broken *call

	// owned by writeLoop
	prelude []func() *call // what goes before all calls, encoded when it is its turn
	xid     int32
	out     []byte  // frames to be written
	last    *call   // the last request in out
	gets    []*call // to be sent together, see batch.go

	// owned by readLoop
	gone     string // the last that was deleted since the last reply, see told
	priming  int    // setWatches of the prelude that are not answered; set before run
	rearming bool   // the last reply was one to setWatches
	after    int64  // the zxid that a reply must have for the session to be the one resumed; 0: it is
}

const (
	readBuffer  = 16 << 10
	writeBuffer = 64 << 10 // so much is gathered before it is written
	maxPing     = 10 * time.Second
	closeWait   = time.Second // how long Close waits for a server
)

// run serves the connection until it ends, and says why.
func (t *transport) run() error {
	var loops sync.WaitGroup
	loops.Go(func() { t.end(t.writeLoop()) }) // ends with the connection
	loops.Go(func() { t.end(t.readLoop()) })  // ends with the connection
	if t.readOnly {
		loops.Go(t.probe) // ends with the connection
	}
	// Close must not wait for a server that does not read.
	stop := context.AfterFunc(t.c.life, func() { t.conn.SetWriteDeadline(time.Now().Add(closeWait)) })
	defer stop()
	<-t.stop
	t.conn.Close()
	loops.Wait()
	return t.err
}

// fail finishes all calls that wait for a reply. It follows run.
func (t *transport) fail(err error) {
	if t.broken != nil {
		t.broken.finish(err)
	}
	t.auths.fail(err)
	t.rearms.fail(err)
	t.pending.fail(err)
}

// suspect notes the operation that the server owes a reply to, and over which it may have ended the
// connection. It follows run.
func (t *transport) suspect(why error) {
	if t.rearms.first() != nil && closedByPeer(why) {
		t.c.unarmed.Add(1)
	}
	cl := t.broken // to which something else was answered
	if cl == nil && closedByPeer(why) {
		cl = t.pending.first()
	}
	if cl == nil {
		return
	}
	if f, ok := featureOf(cl.op); ok {
		t.c.features.lost(t.kind, f)
	}
}

// end ends the connection for the reason err, unless it has ended before.
func (t *transport) end(err error) {
	t.once.Do(func() {
		t.err = err
		close(t.stop)
	})
}
