package zk

import "sync"

// buffers lends memory for frames to all connections, so that one that is idle holds none.
var buffers bufferPool

// bufferPool keeps buffers by pointers to them, as interfaces hold those without memory of their own. spare has the pointers of the
// buffers that are lent.
type bufferPool struct{ pool, spare sync.Pool }

// The sizes of buffers that are kept.
const (
	minLent = 4 << 10
	maxLent = 512 << 10
)

func (p *bufferPool) get() []byte {
	kept, _ := p.pool.Get().(*[]byte)
	if kept == nil {
		return make([]byte, 0, minLent)
	}
	b := *kept
	*kept = nil
	p.spare.Put(kept)
	return b[:0]
}

func (p *bufferPool) put(b []byte) {
	if cap(b) < minLent || cap(b) > maxLent {
		return
	}
	kept, _ := p.spare.Get().(*[]byte)
	if kept == nil {
		kept = new([]byte)
	}
	*kept = b
	p.pool.Put(kept)
}
