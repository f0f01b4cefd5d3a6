package zk

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zkfs/zkfs/zk/internal/wire"
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

// writeLoop sends what is in out and the prelude, then calls as they come, and pings. Reads save no ping: on a follower
// of a ClickHouse Keeper they do not prolong the session.
func (t *transport) writeLoop() error {
	for _, encode := range t.prelude {
		if t.append(encode()); len(t.out) >= writeBuffer {
			if err := t.flush(); err != nil {
				return err
			}
		}
	}
	t.prelude = nil
	ping := time.NewTicker(t.ping)
	defer ping.Stop()
	t.c.queue.begin()
	var calls []*call
	for {
		if err := t.flush(); err != nil {
			return err
		}
		select {
		case <-t.stop:
			return nil
		case <-t.c.closing:
			return t.writeClose()
		case <-t.c.queue.wake:
			runtime.Gosched() // so that callers who are about to run travel along
			calls = t.c.queue.take(calls[:0])
			if err := t.encode(calls); err != nil {
				return err
			}
			if cap(calls) > idleCalls {
				calls = nil
			}
		case <-ping.C:
			t.out = appendRequest(t.out, wire.XidPing, wire.OpPing, nil)
			t.pinged.CompareAndSwap(0, int64(time.Since(t.c.birth)))
		}
	}
}

func (t *transport) flush() error {
	if len(t.out) == 0 {
		return nil
	}
	if t.last != nil && t.proof.Load() == nil {
		t.proofSent = time.Since(t.c.birth)
		t.proof.Store(t.last)
	}
	t.last = nil
	_, err := t.conn.Write(t.out)
	buffers.put(t.out)
	t.out = nil
	return err
}

// encode moves calls to the rings of their replies and their frames to the output.
func (t *transport) encode(calls []*call) error {
	limit := t.batchLimit()
	gets := t.gets[:0]
	t.wantBatches(calls)
	for i, cl := range calls {
		calls[i] = nil
		if t.c.batchable(cl) {
			if gets = append(gets, cl); len(gets) >= limit {
				gets = t.appendGets(gets)
			}
		} else {
			gets = t.appendGets(gets)
			switch {
			case !cl.state.CompareAndSwap(callQueued, callSent):
				cl.free()
			case cl.op == opNone:
				cl.finish(nil)
			default:
				t.append(cl)
			}
		}
		if len(t.out) < writeBuffer {
			continue
		}
		if err := t.flush(); err != nil {
			t.c.queue.giveBack(append(gets, calls[i+1:]...))
			return err
		}
	}
	if !t.c.queue.hold(gets) {
		gets = t.appendGets(gets)
	}
	clear(gets)
	t.gets = gets[:0]
	return nil
}

// append appends the frame of cl to the output.
func (t *transport) append(cl *call) {
	ring := &t.pending
	switch cl.op {
	case wire.OpAuth:
		ring, cl.xid = &t.auths, wire.XidAuth
	case wire.OpSetWatches, wire.OpSetWatches2:
		ring, cl.xid = &t.rearms, wire.XidSetWatches
	case wire.OpCloseSession:
		cl.xid = wire.XidClose
	default:
		if t.xid++; t.xid >= wire.XidClose {
			t.xid = 1
		}
		cl.xid = t.xid
		t.last = cl
	}
	if t.out == nil {
		t.out = buffers.get()
	}
	t.out = appendRequest(t.out, cl.xid, cl.op, cl.body)
	ring.push(cl)
}

// writeClose asks the server to end the session, and leaves the read loop time to see the last replies.
// Calls that wait in the queue are not sent any more.
func (t *transport) writeClose() error {
	t.c.queue.close(ErrClosing)
	cl := t.c.newCall(wire.OpCloseSession)
	cl.alone = true
	t.append(cl)
	if err := t.flush(); err != nil {
		return err
	}
	wait := time.NewTimer(closeWait)
	defer wait.Stop()
	select {
	case <-t.stop:
	case <-wait.C:
	}
	return ErrClosing
}

// appendRequest appends a frame with a header and an encoded record.
func appendRequest(b []byte, xid int32, op wire.Op, record []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(requestOverhead+len(record)))
	h := wire.RequestHeader{Xid: xid, Op: op}
	return append(h.Append(b), record...)
}

// readLoop handles the frames of the server. It blocks on the socket only.
func (t *transport) readLoop() error {
	own := make([]byte, 0, 1<<10)
	for {
		t.in.next()
		t.r.Peek(1) // waits for the frame; ReadFrame finds the error again
		buf, lent := own, t.pending.batchDue()
		if lent {
			buf = buffers.get()
		}
		frame, err := wire.ReadFrame(t.r, buf, t.c.maxReply)
		if err != nil {
			tooLong, ok := errors.AsType[*wire.LengthError](err)
			if !ok || tooLong.Length < wire.ReplyHeaderSize {
				return fmt.Errorf("zk: from the server: %w", err)
			}
			if lent {
				buffers.put(buf)
			}
			if err := t.refuse(tooLong); err != nil {
				return err
			}
			continue
		}
		fresh := !lent && cap(frame) > pooledBuffer // too large to be used again, so that a call may have it
		err = t.handle(frame, fresh)
		switch {
		case err != nil:
			return err
		case lent:
			buffers.put(frame)
		case !fresh:
			own = frame
		}
	}
}

// refuse reads the body of a frame that is too long, and keeps nothing of it. Only the call whose
// reply it is fails: without the connection it would be sent again on the next one.
func (t *transport) refuse(tooLong *wire.LengthError) error {
	head := make([]byte, wire.ReplyHeaderSize)
	if _, err := io.ReadFull(t.r, head); err != nil {
		return fmt.Errorf("zk: from the server: %w", err)
	}
	h := replyHeader(head)
	if h.Xid <= 0 {
		return fmt.Errorf("zk: from the server: %w", tooLong)
	}
	cl, err := t.due(&t.pending, &h)
	if err != nil {
		return err
	}
	if cl.onReply != nil {
		cl.onReply(wire.CodeMarshallingError) // the caller does not get the channel of a watch
	}
	if cl.members != nil {
		t.c.queue.giveBack(cl.takeBackSingly())
		cl.finish(nil)
	} else {
		cl.finish(ErrReplyTooLarge)
	}
	if _, err := t.r.Discard(int(tooLong.Length) - len(head)); err != nil {
		return fmt.Errorf("zk: from the server: %w", err)
	}
	return nil
}

func replyHeader(b []byte) (h wire.ReplyHeader) {
	d := wire.NewDecoder(b)
	h.Decode(&d)
	return h
}

// handle processes one frame.
func (t *transport) handle(frame []byte, fresh bool) error {
	if len(frame) < wire.ReplyHeaderSize {
		return fmt.Errorf("zk: frame of %d bytes from the server, too short for a reply", len(frame))
	}
	h := replyHeader(frame[:wire.ReplyHeaderSize])
	record := frame[wire.ReplyHeaderSize:]
	if h.Xid != wire.XidNotification {
		t.gone = ""
	}
	switch h.Xid {
	case 0: // no request has it
		if h.Err == wire.CodeSessionExpired { // a ClickHouse Keeper says so when it drops a session
			return ErrSessionExpired
		}
	case wire.XidNotification:
		return t.notify(record)
	case wire.XidSetWatches:
		t.rearming = true
		t.priming = max(0, t.priming-1)
		t.c.unarmed.Store(0)
		return t.reply(&t.rearms, &h, nil, false)
	}
	t.rearming = false
	switch h.Xid {
	case wire.XidPing:
		if sent := t.pinged.Swap(0); sent != 0 {
			t.c.prove(time.Duration(sent))
		}
		return nil
	case wire.XidAuth:
		return t.reply(&t.auths, &h, nil, false)
	}
	if t.priming > 0 && !t.kind.zooKeeper {
		t.unanswered()
	}
	return t.reply(&t.pending, &h, record, fresh)
}

// unanswered ends the watches that were to be set before all calls, of which one was answered: the
// server does not know setWatches, and says nothing.
func (t *transport) unanswered() {
	for ; t.priming > 0; t.priming-- {
		if cl := t.rearms.pop(); cl != nil {
			cl.onReply(wire.CodeUnimplemented)
			cl.finish(ErrUnimplemented)
		}
	}
}

func (t *transport) notify(record []byte) error {
	var e wire.WatcherEvent
	if err := wire.Unmarshal(record, &e); err != nil {
		return fmt.Errorf("zk: notification: %w", err)
	}
	if !strings.HasPrefix(e.Path, "/") { // of no server's: the frame is another one. See OnEvent for other paths
		return fmt.Errorf("zk: notification of the path %q", e.Path)
	}
	t.dispatch(Event{Type: EventType(e.Type), State: State(e.State), Path: e.Path})
	return nil
}

// errForgotten ends a connection whose server knows less than the session has seen, and so not the session.
var errForgotten = fmt.Errorf("%w: the server has lost its data", ErrSessionExpired)

// due takes the oldest call of the ring, to which a reply has come.
func (t *transport) due(ring *ring, h *wire.ReplyHeader) (*call, error) {
	cl := ring.pop()
	if cl == nil {
		return nil, fmt.Errorf("zk: reply to xid %d, to which no request is pending", h.Xid)
	}
	if cl.xid != h.Xid {
		t.broken = cl
		return nil, fmt.Errorf("zk: reply to xid %d where one to %d is due", h.Xid, cl.xid)
	}
	if t.proof.Load() == cl {
		t.c.prove(t.proofSent)
		t.proof.Store(nil)
	}
	if t.after > 0 && ring == &t.pending && h.Zxid > 0 {
		if h.Zxid < t.after {
			t.broken = cl
			return nil, errForgotten
		}
		t.after = 0
	}
	cl.zxid = h.Zxid
	if ring == &t.pending && h.Zxid > 0 {
		t.c.lastZxid.Store(h.Zxid)
	}
	if cl.paced {
		t.c.queue.readAnswered()
	}
	return cl, nil
}

// reply finishes the oldest call of the ring.
func (t *transport) reply(ring *ring, h *wire.ReplyHeader, record []byte, fresh bool) error {
	cl, err := t.due(ring, h)
	if err != nil {
		return err
	}
	if cl.onReply != nil {
		cl.onReply(h.Err)
	}
	if f, ok := featureOf(cl.op); ok {
		t.c.features.answered(f)
		switch {
		case h.Err == wire.CodeUnimplemented:
			t.c.features.learn(t.kind, f, Lacking)
		case t.kind.zooKeeper && shows(h.Err) && t.c.features.support(f) == SupportUnknown:
			t.c.features.learn(t.kind, f, Supported)
		}
	}
	if cl.members != nil {
		t.distribute(cl, h.Err, record)
		return nil
	}
	if h.Err == wire.CodeOK {
		cl.setReply(record, fresh)
		if cl.op == wire.OpGetData {
			t.c.sawGet(len(record))
		}
	}
	var end error
	switch {
	case cl.op == wire.OpCloseSession:
		end = ErrClosing
	case cl.op == wire.OpAuth && cl.alone && h.Err != wire.CodeOK:
		end = ErrAuthFailed // credentials that every connection needs
	}
	cl.finish(errorOf(h.Err))
	return end
}

// pacedReader reads from a connection that must deliver a whole frame, or a good part of
// a large one, in each period of silence.
type pacedReader struct {
	conn    net.Conn
	silence time.Duration
	heard   func() // called when bytes have come; nil during the handshake
	left    int    // bytes that may still arrive before the deadline is moved
}

const pace = 64 << 10

// next says that a frame has ended: the next one has all its time.
func (p *pacedReader) next() { p.left = 0 }

func (p *pacedReader) Read(b []byte) (int, error) {
	if p.left <= 0 {
		p.left = pace
		if err := p.conn.SetReadDeadline(time.Now().Add(p.silence)); err != nil {
			return 0, err
		}
	}
	n, err := p.conn.Read(b)
	p.left -= n
	if n > 0 && p.heard != nil {
		p.heard()
	}
	return n, err
}
