package zk

import (
	"encoding/binary"
	"runtime"
	"time"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

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
			runtime.Gosched() // so that callers about to run travel along
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
