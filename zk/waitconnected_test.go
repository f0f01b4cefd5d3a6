package zk_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// WaitConnected waits for a server, and ends with whatever makes that vain.
func TestWaitConnected(t *testing.T) {
	for name, tt := range map[string]struct {
		options []zk.Option
		first   func(*zktest.Server) // before the client connects
		until   zk.State             // of the client, before it waits
		then    func(s *zktest.Server, c *zk.Conn, cancel func())
		want    error
	}{
		"a server at once": {},
		"a server that comes": {
			first: func(s *zktest.Server) { s.Refuse(true) },
			then:  func(s *zktest.Server, _ *zk.Conn, _ func()) { s.Refuse(false) },
		},
		"a server that only reads": {
			options: []zk.Option{zk.WithReadOnly()},
			first:   func(s *zktest.Server) { s.SetReadOnly(true) },
		},
		"the end of the context": {
			first: func(s *zktest.Server) { s.Refuse(true) },
			then:  func(_ *zktest.Server, _ *zk.Conn, cancel func()) { cancel() },
			want:  context.Canceled,
		},
		"Close": {
			first: func(s *zktest.Server) { s.Refuse(true) },
			then:  func(_ *zktest.Server, c *zk.Conn, _ func()) { c.Close() },
			want:  zk.ErrClosing,
		},
		"credentials that are refused": {
			options: []zk.Option{zk.WithAuth("nosuch", []byte("x"))},
			until:   zk.StateAuthFailed,
			want:    zk.ErrAuthFailed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, server *zktest.Server) {
				if tt.first != nil {
					tt.first(server)
				}
				c, events := connectTo(t, server.Dialer(), tt.options...)
				if tt.until != 0 {
					await(t, events, tt.until)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				waited := make(chan error, 1)
				go func() { waited <- c.WithContext(ctx).WaitConnected() }() // ends with one of the cases
				if tt.then != nil {
					synctest.Wait()
					select {
					case err := <-waited:
						t.Fatalf("it did not wait: %v", err)
					default:
					}
					tt.then(server, c, cancel)
				}
				if err := <-waited; !errors.Is(err, tt.want) {
					t.Errorf("%v, want %v", err, tt.want)
				}
			})
		})
	}
}
