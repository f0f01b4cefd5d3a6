package zktest

import (
	"net"
	"sync"
)

// An outbox is the queue of bytes to a client. Whoever has something to send, the connection's own requests or
// somebody else's change that a watch reports, appends and goes on; one goroutine writes.
type outbox struct {
	mu    sync.Mutex // guards the following
	more  sync.Cond
	bytes []byte
	last  bool // close the connection once bytes are written
	dead  bool // the connection is closed, nothing can be sent
	muted bool // drop what is to be sent
}

// send appends what build appends to the queue.
func (o *outbox) send(build func([]byte) []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.last && !o.dead && !o.muted {
		o.bytes = build(o.bytes)
		o.more.Signal()
	}
}

// finish closes the connection after everything queued so far, and drops all that would follow.
func (o *outbox) finish() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = true
	o.more.Signal()
}

// mute drops what is queued and all that would follow.
func (o *outbox) mute() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bytes, o.muted = o.bytes[:0], true
}

// kill ends run without writing what is queued. The connection is the caller's to close.
func (o *outbox) kill() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dead = true
	o.more.Signal()
}

// run writes to nc until the outbox is killed or finished or nc fails, and closes nc.
func (o *outbox) run(nc net.Conn) {
	defer nc.Close()
	var out []byte
	for {
		o.mu.Lock()
		for len(o.bytes) == 0 && !o.last && !o.dead {
			o.more.Wait()
		}
		out, o.bytes = o.bytes, out[:0]
		end := o.dead || len(out) == 0
		o.mu.Unlock()
		if end {
			return
		}
		if _, err := nc.Write(out); err != nil {
			o.kill()
			return
		}
		if cap(out) > 64<<10 {
			out = nil
		}
	}
}
