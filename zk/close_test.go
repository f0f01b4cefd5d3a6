package zk_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

func TestCloseWhileNoServerCanBeReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := connectTo(t, refuse)
		pass(time.Minute)
		start := time.Now()
		c.Close()
		if took := time.Since(start); took > time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestCloseWhileTheServerIsSilent(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		create(t, c, "/a")
		server.OnRequest(func(zktest.Request) zktest.Fault { return zktest.Fault{Stall: true} })
		start := time.Now()
		c.Close()
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestCloseTwice(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		var both sync.WaitGroup
		both.Go(c.Close)
		both.Go(c.Close)
		both.Wait()
		c.Close()
	})
}

func TestCloseEndsTheSession(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server)
		if _, err := c.Create("/e", nil, zk.FlagEphemeral, acl); err != nil {
			t.Fatal(err)
		}
		c.Close()
		if left := server.Sessions(); len(left) != 0 {
			t.Errorf("sessions left: %x", left)
		}
		for range events { // ends, because the channel is closed
		}
	})
}

func TestCallsAroundCloseReturn(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		create(t, c, "/a")
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				for {
					if _, _, err := c.Get("/a"); err != nil {
						if !errors.Is(err, zk.ErrClosing) && !errors.Is(err, zk.ErrConnectionClosed) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		c.Close()
		callers.Wait()
		_, _, err := c.Get("/a")
		wantErr(t, err, zk.ErrClosing)
		wantErr(t, c.AddAuth("digest", []byte("a:b")), zk.ErrClosing)
	})
}

func TestWatchesEndWithClose(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		_, _, events, err := c.ExistsW("/a")
		wantErr(t, err, nil)
		w, err := c.AddWatch("/", zk.AddWatchPersistentRecursive)
		wantErr(t, err, nil)
		c.Close()
		for _, events := range []<-chan zk.Event{events, w.Events()} {
			if e := receive(t, events); e.Type != zk.EventNotWatching || !errors.Is(e.Err, zk.ErrClosing) {
				t.Errorf("event %v", e)
			}
			if _, open := <-events; open {
				t.Error("channel is still open")
			}
		}
	})
}

// A dialer that never returns must not hold up calls with a context, other servers, or Close.
func TestStuckDialer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		c, _ := connectTo(t, func(string, string, time.Duration) (net.Conn, error) {
			<-release
			return nil, errors.New("released")
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err := c.WithContext(ctx).Get("/a")
		wantErr(t, err, context.DeadlineExceeded)
		if zk.MaybeApplied(err) {
			t.Error("a request that was never sent may have been applied")
		}
		start := time.Now()
		_, _, err = c.Get("/a")
		wantErr(t, err, zk.ErrNoServer)
		if took := time.Since(start); took > timeout {
			t.Errorf("without a context: %v", took)
		}
		c.Close()
	})
}

// The server has stopped to read, so that the write loop hangs in the middle of a request.
func TestCloseWhileARequestIsBeingWritten(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connectTo(t, func(network, address string, limit time.Duration) (net.Conn, error) {
			conn, err := server.Dialer()(network, address, limit)
			stuck, _ := net.Pipe()
			return &stuckWriter{conn, stuck}, err
		})
		await(t, events, zk.StateHasSession)
		go c.Set("/", make([]byte, stuckSize), -1) // ends with Close
		synctest.Wait()
		start := time.Now()
		c.Close()
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

const stuckSize = 1000

// stuckWriter never finishes large writes.
type stuckWriter struct {
	net.Conn
	stuck net.Conn // one end of a pipe whose other end nobody reads
}

func (s *stuckWriter) Write(b []byte) (int, error) {
	if len(b) < stuckSize {
		return s.Conn.Write(b)
	}
	return s.stuck.Write(b)
}

func (s *stuckWriter) SetWriteDeadline(t time.Time) error {
	s.stuck.SetWriteDeadline(t)
	return s.Conn.SetWriteDeadline(t)
}

func (s *stuckWriter) Close() error {
	s.stuck.Close()
	return s.Conn.Close()
}
