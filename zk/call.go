package zk

import (
	"bytes"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// A call is one request on its way. It has one holder at a time: the queue, the write loop, the pending ring, the
// read loop. The holder finishes it, once. Its caller may abandon it at any time, the holder then frees it.
type call struct {
	op    wire.Op
	xid   int32
	body  []byte       // the encoded request record
	reply []byte       // the encoded reply record
	keep  bool         // the caller's result may refer to reply, which must not be used again
	alone bool         // nobody waits for it
	dec   wire.Decoder // of reply
	err   error        // set by finish
	zxid  int64        // of the reply's header

	// onReply, if set, runs on the read loop when the reply has come, before anything behind it is handled.
	onReply func(wire.Code)

	members []*call // of a batch: they are finished with it
	single  bool    // it does not travel with others
	paced   bool    // it counts in queue.reads

	begun time.Time // if there is a request hook

	state atomic.Int32
	ready chan struct{} // receives one token from finish
	pool  *callPool     // where it goes in the end
}

// opNone is the operation of a call that is done once there is a connection. It is not sent.
const opNone wire.Op = 0

// States of a call.
const (
	callQueued int32 = iota
	callSent         // or about to be
	callDone
	callAbandoned
)

// callPool keeps the calls of a client that are over for its next ones.
type callPool struct{ pool sync.Pool }

func (p *callPool) newCall(op wire.Op) *call {
	cl, _ := p.pool.Get().(*call)
	if cl == nil {
		cl = &call{ready: make(chan struct{}, 1), pool: p}
	}
	cl.op = op
	cl.state.Store(callQueued)
	return cl
}

// Buffers above this size are not kept for other calls.
const pooledBuffer = 16 << 10

// free gives the call back to the pool. Nobody else may hold it.
func (cl *call) free() {
	if cl.keep || cap(cl.reply) > pooledBuffer {
		cl.reply = nil
	}
	if cap(cl.body) > pooledBuffer {
		cl.body = nil
	}
	*cl = call{body: cl.body[:0], reply: cl.reply[:0], ready: cl.ready, pool: cl.pool}
	cl.pool.pool.Put(cl)
}

// finish completes the call. The holder must not touch it afterwards.
func (cl *call) finish(err error) {
	for _, member := range cl.members {
		member.finish(err)
	}
	cl.err = err
	if cl.state.Swap(callDone) == callAbandoned || cl.alone {
		cl.free()
		return
	}
	cl.ready <- struct{}{}
}

// setReply gives the call the record of its reply. fresh says that nobody else will use its memory.
func (cl *call) setReply(record []byte, fresh bool) {
	switch {
	case fresh:
		cl.reply, cl.keep = record, true
	case cl.keep:
		cl.reply = append(make([]byte, 0, len(record)), record...)
	default:
		cl.reply = append(cl.reply[:0], record...)
	}
}

// decode reads the reply by the method Decode of its record. Buffers in the record are parts of the reply, see keep and own.
func (c *client) decode(cl *call, record func(*wire.Decoder)) error {
	cl.dec = wire.NewDecoder(cl.reply)
	record(&cl.dec)
	err := cl.dec.End()
	if err != nil {
		c.misread(cl.op, cl.reply, err)
	}
	return err
}

// own returns data, a part of the reply, in memory that outlives the call.
func (cl *call) own(data []byte) []byte {
	if cl.keep {
		return data
	}
	return bytes.Clone(data)
}

// start waits for a slot and sends the call, if the server has what it needs. On error the call is gone,
// else wait must follow.
func (c *Conn) start(cl *call) error {
	err := c.begin(cl)
	if err == nil {
		err = c.slot()
	}
	if err != nil {
		cl.free()
		return err
	}
	return c.startInSlot(cl)
}

// startInSlot is start for a call that has its slot. On error both are gone.
func (c *Conn) startInSlot(cl *call) error {
	err := c.queue.add(cl, c.batchable(cl))
	if err != nil {
		c.release()
		cl.free()
	}
	return err
}

// requestOverhead is what a frame holds besides the record.
const requestOverhead = 8

// begin notes the time of the call for the hook, and refuses one that the server lacks, that is too
// large, or that comes too late.
func (c *Conn) begin(cl *call) error {
	if c.hook != nil {
		cl.begun = time.Now()
	}
	if cl.op > wire.OpMulti { // those up to it are known everywhere
		if err := c.prove(cl.op); err != nil {
			return err
		}
	}
	if len(cl.body)+requestOverhead > c.maxRequest {
		return ErrTooLarge
	}
	if err := c.ctx.Err(); err != nil {
		return &InterruptedError{Err: err}
	}
	return nil
}

// slot waits for one of the slots of [WithMaxInFlight], which release gives back.
func (c *Conn) slot() error {
	if c.trySlot() {
		return nil
	}
	select {
	case c.slots <- struct{}{}:
		return nil
	case <-c.ctx.Done():
		return &InterruptedError{Err: c.ctx.Err()}
	case <-c.closing:
		return ErrClosing
	}
}

// trySlot takes a slot if one is free.
func (c *Conn) trySlot() bool {
	if c.slots == nil {
		return true
	}
	select {
	case c.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

// over returns why a call would not be sent because of its context or of Close.
func (c *Conn) over() error {
	if err := c.ctx.Err(); err != nil {
		return &InterruptedError{Err: err}
	}
	if c.life.Err() != nil {
		return ErrClosing
	}
	return nil
}

func (c *Conn) release() {
	if c.slots != nil {
		<-c.slots
	}
}

// wait returns when the call has been answered or its context has ended. After an error the call is gone,
// else the caller must decode and free it.
func (c *Conn) wait(cl *call) error {
	if c.hook != nil {
		return c.waitObserved(cl)
	}
	defer c.release()
	return c.await(cl)
}

func (c *Conn) await(cl *call) error {
	if done := c.ctx.Done(); done != nil {
		select {
		case <-cl.ready:
		case <-done:
			if cl.state.CompareAndSwap(callQueued, callAbandoned) {
				return &InterruptedError{Sent: false, Err: c.ctx.Err()}
			}
			if cl.state.CompareAndSwap(callSent, callAbandoned) {
				return &InterruptedError{Sent: true, Err: c.ctx.Err()}
			}
			<-cl.ready
		}
	} else {
		<-cl.ready
	}
	if err := cl.err; err != nil {
		cl.free()
		return err
	}
	return nil
}

// do sends the call and waits for its reply. After an error the call is gone, else the caller must decode and free it.
func (c *Conn) do(cl *call) error {
	if err := c.start(cl); err != nil {
		return err
	}
	return c.wait(cl)
}

// doEmpty does a call whose reply has no record.
func (c *Conn) doEmpty(cl *call) error {
	if err := c.do(cl); err != nil {
		return err
	}
	cl.free()
	return nil
}

// post sends the call and forgets about it.
func (c *client) post(cl *call) {
	cl.alone = true
	if c.queue.add(cl, false) != nil {
		cl.free()
	}
}

// queue holds the calls that have not been sent. It outlives connections.
type queue struct {
	wake chan struct{} // holds a token when the write loop should take calls

	mu    sync.Mutex // guards the following
	calls []*call
	woken bool  // wake holds a token, or will
	reads int   // requests for data that are on their way, see batch.go
	end   error // what add returns, once the client has ended
}

func (q *queue) init() { q.wake = make(chan struct{}, 1) }

// begin lets the write loop of a new connection take what waits.
func (q *queue) begin() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.reads, q.woken = 0, false
	q.wakeLocked()
}

// rest returns a channel from which can be received once a call waits, while there is no
// connection.
func (q *queue) rest() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-q.wake: // may be of calls that have failed
	default:
	}
	if q.reads, q.woken = 0, false; len(q.calls) > 0 {
		q.wakeLocked()
	}
	return q.wake
}

// add queues cl. A Get that has to wait for the reply to others wakes nobody.
func (q *queue) add(cl *call, get bool) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.end != nil {
		return q.end
	}
	q.calls = append(q.calls, cl)
	if !get || q.reads < maxReads {
		q.wakeLocked()
	}
	return nil
}

func (q *queue) wakeLocked() {
	if q.woken {
		return
	}
	q.woken = true
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take returns all waiting calls to the write loop, which has the token of wake; the queue goes on with spare.
func (q *queue) take(spare []*call) []*call {
	q.mu.Lock()
	defer q.mu.Unlock()
	calls := q.calls
	q.calls, q.woken = spare, false
	return calls
}

// giveBack puts calls that were taken but not sent before the waiting ones.
func (q *queue) giveBack(calls []*call) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls = slices.Insert(q.calls, 0, calls...)
	q.wakeLocked()
}

// fail finishes all waiting calls with err.
func (q *queue) fail(err error) { finishAll(q.empty(), err) }

// empty returns all waiting calls, which nothing sends any more.
func (q *queue) empty() []*call {
	q.mu.Lock()
	defer q.mu.Unlock()
	calls := q.calls
	q.calls = nil
	return calls
}

func finishAll(calls []*call, err error) {
	for _, cl := range calls {
		cl.finish(err)
	}
}

// close finishes all waiting calls and refuses later ones.
func (q *queue) close(err error) {
	q.mu.Lock()
	q.end = err
	q.mu.Unlock()
	q.fail(err)
}
