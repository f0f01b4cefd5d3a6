package zk

import (
	"fmt"
	"slices"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// Gets that wait at the same moment travel as one multiRead (3.6 on), which costs the server little more than a single one: it
// reads one request of a connection at a time from its socket, and that is what most of the cost of a small read is.
// Two requests for data are on their way at a time; the Gets that come meanwhile wait for the reply to one of them, and then go together.
// So a lone caller never waits, and many wait no longer than they would in the server's queue. A batch
// is a call of its own whose members are the Gets. It sets no watches, so GetW is not for it. The order of all requests stays
// that of the calls: any other request sends the Gets that wait before it.

// maxReads is how many requests for data are on their way before others wait.
const maxReads = 2

// maxBatch is how many Gets go together at most.
const maxBatch = 128

// batchBytes is how long the reply to a batch may be expected to become.
const batchBytes = 256 << 10

// WithSingleReads sends every Get as a request of its own, instead of those that are waiting
// together in one multiRead. It is for programs that measure: the servers' counts, latencies and
// throttles know requests, and a multiRead of a hundred Gets is one. Servers without multiRead do
// not need it: Gets go together only where the server is known to have it.
func WithSingleReads() Option { return func(c *Conn) { c.singleReads = true } }

// batchable tells whether cl is a Get that may travel with others, to a server which is known to have multiRead.
func (c *client) batchable(cl *call) bool {
	return c.wouldBatch(cl) && c.features.support(FeatureMultiRead) == Supported
}

func (c *client) wouldBatch(cl *call) bool {
	return cl.op == wire.OpGetData && cl.onReply == nil && !cl.single && !c.singleReads
}

// wantBatches lets the server be asked for multiRead if calls would have gone together with it.
func (t *transport) wantBatches(calls []*call) {
	if len(calls) < 2 || t.c.features.support(FeatureMultiRead) != SupportUnknown {
		return
	}
	gets := 0
	for _, cl := range calls {
		if t.c.wouldBatch(cl) {
			gets++
		}
	}
	if gets > 1 {
		t.c.want(FeatureMultiRead)
	}
}

// batchLimit returns how many Gets may go together: none of them can return more than a request may hold, all of them
// must fit what the client accepts, and what recent ones returned tells what to expect.
func (t *transport) batchLimit() int {
	expected := int(t.c.getBytes.Load()) + 1
	return max(1, min(maxBatch, t.c.maxReply/max(1, t.c.maxRequest), batchBytes/expected))
}

// appendGets appends a request for gets, a batch if there are several, and returns the empty slice of them.
func (t *transport) appendGets(gets []*call) []*call {
	wanted := gets[:0]
	for _, cl := range gets {
		if cl.state.CompareAndSwap(callQueued, callSent) {
			wanted = append(wanted, cl)
		} else {
			cl.free()
		}
	}
	if len(wanted) > 0 {
		cl := wanted[0]
		if len(wanted) > 1 {
			cl = t.batch(wanted)
		}
		cl.paced = true
		t.c.queue.readSent()
		t.append(cl)
	}
	clear(gets)
	return gets[:0]
}

func (t *transport) batch(gets []*call) *call {
	cl := t.c.newCall(wire.OpMultiRead)
	cl.alone = true
	cl.members = append([]*call(nil), gets...)
	for _, get := range gets {
		h := wire.MultiHeader{Op: wire.OpGetData, Err: -1}
		cl.body = append(h.Append(cl.body), get.body...)
	}
	cl.body = wire.AppendMultiEnd(cl.body)
	return cl
}

// readSent counts a request for data that goes on its way.
func (q *queue) readSent() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.reads++
}

// readAnswered lets the Gets go that wait for its reply.
func (q *queue) readAnswered() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.reads--; len(q.calls) > 0 {
		q.wakeLocked()
	}
}

// hold puts Gets that were taken before the waiting calls, until a reply lets them go. It returns false if none is due.
func (q *queue) hold(gets []*call) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.reads < maxReads {
		return false
	}
	q.calls = slices.Insert(q.calls, 0, gets...)
	return true
}

// distribute finishes the members of a batch with their parts of the reply.
func (t *transport) distribute(batch *call, code wire.Code, record []byte) {
	switch code { // reads may be sent again
	case wire.CodeUnimplemented:
		t.c.queue.giveBack(batch.takeBack())
		batch.finish(nil)
		return
	case wire.CodeNoAuth: // RaftKeeper refuses all for one without the right
		t.c.queue.giveBack(batch.takeBackSingly())
		batch.finish(nil)
		return
	}
	if code != wire.CodeOK {
		batch.finish(errorOf(code))
		return
	}
	results := 0
	err := wire.SplitGetData(record, func([]byte, wire.Code) { results++ })
	if err == nil && results != len(batch.members) {
		err = fmt.Errorf("%d results for %d reads", results, len(batch.members))
	}
	if err != nil { // nothing of it can be believed
		t.c.misread(batch.op, record, err)
		t.c.queue.giveBack(batch.takeBackSingly())
		batch.finish(nil)
		return
	}
	members := batch.members
	wire.SplitGetData(record, func(record []byte, code wire.Code) {
		cl := members[0]
		members = members[1:]
		cl.setReply(record, false)
		t.c.sawGet(len(record))
		cl.finish(errorOf(code))
	})
	batch.members = nil
	batch.finish(nil)
}

// takeBack makes the members calls that wait to be sent, and returns them.
func (cl *call) takeBack() []*call {
	var calls []*call
	for _, member := range cl.members {
		if member.state.CompareAndSwap(callSent, callQueued) {
			calls = append(calls, member)
		} else {
			member.free()
		}
	}
	cl.members = nil
	return calls
}

// takeBackSingly is takeBack for calls that travel alone from now on: together their replies are
// too long, or not understood.
func (cl *call) takeBackSingly() []*call {
	calls := cl.takeBack()
	for _, member := range calls {
		member.single = true
	}
	return calls
}

// sawGet lets the reply to a Get count for the next ones, an eighth. It runs on the read loop.
func (c *client) sawGet(bytes int) {
	old := c.getBytes.Load()
	c.getBytes.Store(old + (int64(bytes)-old)/8)
}
