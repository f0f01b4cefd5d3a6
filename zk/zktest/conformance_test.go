package zktest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/internal/conformance"
	"github.com/zkfs/zkfs/zk/zktest"
)

func newServer(opts ...zktest.Option) *zktest.Server {
	return zktest.NewServer(append(opts, zktest.WithSuper("super:secret"), zktest.WithContainerCheck(200*time.Millisecond))...)
}

func TestConformanceOverTCP(t *testing.T) {
	server := newServer()
	defer server.Close()
	conformance.Run(t, conformance.Target{Servers: []string{server.Addr()}, Super: "super:secret"})
}

// A view is a client as any other.
func TestConformanceOfViews(t *testing.T) {
	for _, c := range conformance.Cases(conformance.Server{}) {
		t.Run(c.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := newServer()
				defer server.Close()
				c.Run(t, conformance.Target{
					Servers: []string{"zk"}, Dialer: server.Dialer(), Super: "super:secret", Views: true,
				})
			})
		})
	}
}

// In a bubble time stands still while anybody works, so that nothing depends on how long that takes.
func TestConformanceInABubble(t *testing.T) {
	for _, s := range conformance.Servers {
		for _, c := range conformance.Cases(s) {
			t.Run(s.String()+"/"+c.Name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					server := newServer(zktest.WithServer(s.Name))
					defer server.Close()
					c.Run(t, conformance.Target{
						Servers: []string{"zk"}, Dialer: server.Dialer(), Super: "super:secret", Server: s,
					})
				})
			})
		}
	}
}
