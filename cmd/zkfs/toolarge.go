package main

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/zkfs/zkfs/zk"
)

// A sizeWatch finds out that the servers take no request of a size. A server says nothing of its
// jute.maxbuffer: it closes the connection at a request that exceeds it, and takes the session
// again.
type sizeWatch struct {
	refused func(error) // called with a zk.ErrTooLarge, again and again if the request is sent again
	closed  atomic.Int32
}

const (
	// leastBuffer is the least jute.maxbuffer to expect, in bytes. A connection that ends at a
	// smaller request has another reason to.
	leastBuffer = 4096
	// closings is how often in a row a large request must have ended its connection.
	closings = 3
)

// hear takes note of a request that has ended. It is for zk.WithRequestHook.
func (w *sizeWatch) hear(r zk.RequestInfo) {
	switch {
	case r.Sent < leastBuffer:
	case !errors.Is(r.Err, zk.ErrConnectionClosed):
		w.closed.Store(0)
	case w.closed.Add(1) >= closings:
		w.closed.Store(0)
		w.refused(fmt.Errorf("%d bytes: %w", r.Sent, zk.ErrTooLarge))
	}
}
