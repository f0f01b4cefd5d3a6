package zk

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"sync/atomic"
	"time"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// RequestInfo is what a request hook learns about a call that is over.
type RequestInfo struct {
	Context  context.Context // of the call, see [Conn.WithContext]: for the span that it belongs to
	Op       string          // ZooKeeper's name of the operation: getData, setData, multi ...
	Duration time.Duration   // from the call until its reply, its failure or the end of its context
	Sent     int             // bytes of the request's record
	Received int             // bytes of the reply's record
	Err      error
}

// otherResults names errors of the client that have no code in the protocol.
var otherResults = []struct {
	err  error
	name string
}{
	{context.Canceled, "Canceled"},
	{context.DeadlineExceeded, "DeadlineExceeded"},
	{ErrNoServer, "NoServer"},
	{ErrTooLarge, "TooLarge"},
	{ErrReplyTooLarge, "ReplyTooLarge"},
}

// Result returns a word for Err out of a bounded set, for the labels of metrics: "ok", the protocol's
// name of the error as in "NoNode" or "ConnectionLoss", "Canceled", "DeadlineExceeded", "NoServer",
// "TooLarge", "ReplyTooLarge", or "Other".
func (r RequestInfo) Result() string {
	if r.Err == nil {
		return wire.CodeOK.String()
	}
	for _, other := range otherResults {
		if errors.Is(r.Err, other.err) {
			return other.name
		}
	}
	for code, err := range codeErrors {
		if errors.Is(r.Err, err) {
			return code.String()
		}
	}
	return "Other"
}

// WithRequestHook calls f after each call, on the goroutine of its caller, for metrics and slow logs. Calls that failed
// before they could wait for a connection, because of an invalid path for example, are not reported.
func WithRequestHook(f func(RequestInfo)) Option { return func(c *Conn) { c.hook = f } }

// waitObserved is wait, and tells the hook. What it tells of the call is taken first: after an error it is gone.
func (c *Conn) waitObserved(cl *call) error {
	info, begun := RequestInfo{Context: c.ctx, Op: cl.op.String(), Sent: len(cl.body)}, cl.begun
	info.Err = c.await(cl)
	c.release()
	if info.Duration = time.Since(begun); info.Err == nil {
		info.Received = len(cl.reply)
	}
	c.hook(info)
	return info.Err
}

// WithTrace prints every record of the connection to out, in the form of [StartTracer]. Unlike that it sees through TLS.
func WithTrace(out io.Writer) Option {
	return func(c *Conn) { c.trace = log.New(out, "", log.Ltime|log.Lmicroseconds) }
}

// traces counts the connections that were traced.
var traces atomic.Int64

// traced returns conn with its traffic printed.
func traced(conn net.Conn, to *log.Logger) net.Conn {
	t := &tracedConn{id: int(traces.Add(1)), log: to, pending: map[int32]wire.Op{}}
	t.printf("#", "connection to %s", conn.RemoteAddr())
	return &shownConn{Conn: conn, sent: stream{conn: t, mark: ">"}, received: stream{conn: t, mark: "<"}}
}

// shownConn shows what is read from and written to a connection.
type shownConn struct {
	net.Conn
	sent     stream // owned by who writes
	received stream // owned by who reads
}

func (c *shownConn) Write(b []byte) (int, error) {
	c.sent.show(b) // first, so that the request is known when its reply comes
	return c.Conn.Write(b)
}

func (c *shownConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.received.show(b[:n])
	if err != nil && !errors.Is(err, net.ErrClosed) {
		c.received.end()
	}
	return n, err
}
