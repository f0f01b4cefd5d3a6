package integration

import (
	"testing"

	"github.com/zkfs/zkfs/internal/conformance"
	"github.com/zkfs/zkfs/zk"
)

// The cases make a superuser's changes and fill the server with sessions: they have one of their own.
func TestConformance(t *testing.T) {
	ts := cluster(t, 1, func(_ int, _ *zk.ServerConfig, srv *zk.Server) {
		srv.JVMFlags = append(srv.JVMFlags, superDigest)
	})
	conformance.Run(t, conformance.Target{Servers: []string{addr(ts.Servers[0])}, Super: "super:secret"})
}
