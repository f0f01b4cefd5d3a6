package zk

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

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
		return t.notify(&h, record)
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

func (t *transport) notify(h *wire.ReplyHeader, record []byte) error {
	var e wire.WatcherEvent
	if err := wire.Unmarshal(record, &e); err != nil {
		return fmt.Errorf("zk: notification: %w", err)
	}
	if !strings.HasPrefix(e.Path, "/") { // of no server's: the frame is another one. See OnEvent for other paths
		return fmt.Errorf("zk: notification of the path %q", e.Path)
	}
	t.dispatch(Event{
		Type: EventType(e.Type), State: State(e.State), Path: e.Path, Zxid: max(0, h.Zxid),
	})
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
