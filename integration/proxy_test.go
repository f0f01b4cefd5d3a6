package integration

import (
	"testing"

	"github.com/zkfs/zkfs/internal/proxy"
)

// newProxy opens a way to the server, until the test ends.
func newProxy(t *testing.T, server string) *proxy.Proxy {
	t.Helper()
	p, err := proxy.New(server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}
