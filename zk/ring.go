package zk

import "sync"

// idleCalls is for how many calls a queue or a ring keeps room when it is empty.
const idleCalls = 2000

// ring is a FIFO of the calls that wait for a reply. The write loop pushes, the read loop pops.
type ring struct {
	mu    sync.Mutex // guards the following
	calls []*call    // its length is a power of two
	head  int
	n     int
}

func (r *ring) push(cl *call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.n == len(r.calls) {
		r.grow()
	}
	r.calls[(r.head+r.n)&(len(r.calls)-1)] = cl
	r.n++
}

// pop returns the oldest call, nil if there is none.
func (r *ring) pop() *call {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.n == 0 {
		return nil
	}
	cl := r.calls[r.head]
	r.calls[r.head] = nil
	r.head = (r.head + 1) & (len(r.calls) - 1)
	if r.n--; r.n == 0 && len(r.calls) > idleCalls {
		r.calls, r.head = nil, 0
	}
	return cl
}

// first returns the oldest call, nil if there is none.
func (r *ring) first() *call {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.n == 0 {
		return nil
	}
	return r.calls[r.head]
}

// batchDue tells whether the oldest call is a batch.
func (r *ring) batchDue() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n > 0 && r.calls[r.head].members != nil
}

// grow doubles the room. The caller holds mu.
func (r *ring) grow() {
	calls := make([]*call, max(16, 2*len(r.calls)))
	for i := range r.n {
		calls[i] = r.calls[(r.head+i)&(len(r.calls)-1)]
	}
	r.calls, r.head = calls, 0
}

// fail finishes all calls with err.
func (r *ring) fail(err error) {
	for cl := r.pop(); cl != nil; cl = r.pop() {
		cl.finish(err)
	}
}
