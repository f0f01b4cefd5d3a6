package fs

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/internal/calls"
	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// requester makes requests of a mount's kind, in a bubble: time passes only while all wait.
type requester struct {
	*testing.T
	server *zktest.Server
	conn   *zk.Conn
	calls.Limits
}

const requesterTimeout = time.Minute

// inBubble runs the test with a requester, whose servers are heard.
func inBubble(t *testing.T, test func(r *requester)) {
	synctest.Test(t, func(t *testing.T) {
		server := zktest.NewServer(longSessions)
		defer server.Close()
		r := &requester{T: t, server: server}
		r.conn = r.connect()
		defer r.conn.Close()
		r.Limits = calls.Limits{
			Timeout: requesterTimeout, Ensemble: ensemble.New(r.conn, ensemble.Options{}),
		}
		if err := r.read(t.Context()); err != nil {
			t.Fatal(err)
		}
		test(r)
	})
}

// connect opens a session, which the caller closes.
func (r *requester) connect() *zk.Conn {
	r.Helper()
	conn, _, err := zk.Connect([]string{"any"}, long,
		zk.WithDialer(r.server.Dialer()), zk.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		r.Fatal(err)
	}
	return conn
}

func (r *requester) read(ctx context.Context) error {
	_, _, err := r.conn.WithContext(ctx).Exists("/nosuch")
	return err
}

func (r *requester) change(ctx context.Context) error {
	_, err := r.conn.WithContext(ctx).Set("/", nil, -1)
	return err
}

// wait makes a request that is not answered and wants it to wait exactly that long.
func (r *requester) wait(want time.Duration, request func(context.Context) error, bound func(context.Context) (context.Context, context.CancelFunc)) {
	r.Helper()
	begun := time.Now()
	ctx, cancel := bound(r.Context())
	defer cancel()
	if err := request(ctx); err == nil {
		r.Error("it is answered")
	}
	if took := time.Since(begun); took != want {
		r.Errorf("it took %v, want %v", took, want)
	}
}

func (r *requester) readWaits(want time.Duration) { r.Helper(); r.wait(want, r.read, r.Bound) }
func (r *requester) changeWaits(want time.Duration) {
	r.Helper()
	r.wait(want, r.change, r.BoundChange)
}

// stall stalls the connection at the next of the operations, or at the next of any if none is
// given.
func (r *requester) stall(operations ...string) {
	time.Sleep(time.Millisecond) // of the bubble: the servers were heard before the next request begins
	stall(r.server, r.conn.SessionID(), operations...)
}

// reconnect breaks the connection and returns when the request is answered by the next.
func (r *requester) reconnect(request func(context.Context) error) {
	r.server.Disconnect()
	for request(r.Context()) != nil {
		time.Sleep(time.Millisecond) // of the bubble
	}
}

// Once a request has waited in vain, the next ones do not wait as long: other requests may wait for
// them in turn. When a server is heard again they do.
func TestRequestsToSilentServers(t *testing.T) {
	inBubble(t, func(r *requester) {
		for range 2 {
			r.stall()
			r.readWaits(requesterTimeout)
			r.readWaits(ensemble.Hopeless)
			r.changeWaits(ensemble.Hopeless)
			r.server.OnRequest(nil)
			r.reconnect(r.change)
		}
	})
}

// Servers may commit nothing and yet answer otherwise. Once a change has waited in vain the next
// ones do not wait as long, though reads are answered between them. When something is committed, or
// the timeout has passed, they do.
func TestChangesThatAreNotCommitted(t *testing.T) {
	inBubble(t, func(r *requester) {
		for range 2 {
			r.stall("setData")
			r.changeWaits(requesterTimeout)
			for range 3 {
				r.changeWaits(ensemble.Hopeless)
				r.reconnect(r.read)
			}
			r.server.OnRequest(nil)
			r.reconnect(r.change)
		}
		r.stall("setData")
		r.changeWaits(requesterTimeout)
		r.reconnect(r.read)
		time.Sleep(requesterTimeout)
		r.changeWaits(requesterTimeout)
	})
}

// A request may learn of an earlier change by another client before its own is not committed.
func TestChangeThatIsNotCommittedAfterAnother(t *testing.T) {
	inBubble(t, func(r *requester) {
		other := r.connect()
		defer other.Close()
		if _, err := other.Set("/", nil, -1); err != nil {
			r.Fatal(err)
		}
		r.stall("setData")
		r.wait(requesterTimeout, func(ctx context.Context) error {
			if err := r.read(ctx); err != nil {
				return err
			}
			return r.change(ctx)
		}, r.BoundChange)
		r.changeWaits(ensemble.Hopeless)
	})
}
