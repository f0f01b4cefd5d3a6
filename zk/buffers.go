package zk

import "sync"

// buffers lends memory for frames to all connections, so that one that is idle holds none.
var buffers bufferPool

type bufferPool struct{ pool sync.Pool }

// The sizes of buffers that are kept.
const (
	minLent = 4 << 10
	maxLent = 512 << 10
)

func (p *bufferPool) get() []byte {
	if b, _ := p.pool.Get().(*[]byte); b != nil {
		return (*b)[:0]
	}
	return make([]byte, 0, minLent)
}

func (p *bufferPool) put(b []byte) {
	if minLent <= cap(b) && cap(b) <= maxLent {
		p.pool.Put(&b)
	}
}
