package integration

import (
	"fmt"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/flw"
	"github.com/zkfs/zkfs/internal/conformance"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// The cases fill the server with sessions: they have one of their own.
func TestConformance(t *testing.T) {
	t.Parallel()
	ts := cluster(t, 1, nil)
	conformance.Run(t, conformance.Target{Servers: []string{addr(ts.Servers[0])}, Super: "super:secret"})
}

// The servers of zookeepers.txt. Each takes a hundred megabytes.
func TestConformanceOfOtherVersions(t *testing.T) {
	t.Parallel()
	for version, jar := range otherZooKeepers(t) {
		t.Run(version, func(t *testing.T) {
			t.Parallel() // most of it waits
			ts := cluster(t, 1, func(_ int, _ *zk.ServerConfig, srv *zk.Server) {
				srv.JarPath = jar
				srv.JVMFlags = append(srv.JVMFlags, "-Xmx64m", loggers)
			})
			major, rest, _ := strings.Cut(version, ".")
			minor, _, _ := strings.Cut(rest, ".")
			conformance.Run(t, conformance.Target{
				Servers: []string{addr(ts.Servers[0])},
				Super:   "super:secret",
				Server:  conformance.ServerOf(major + "." + minor),
			})
		})
	}
}

// What the table does not think of, random operations may.
func TestRandomOperationsDoTheSameInMemory(t *testing.T) {
	t.Parallel()
	ts := cluster(t, 1, nil)
	answer, err := ask(addr(ts.Servers[0]), "srvr")
	if err != nil {
		t.Fatal(err)
	}
	srvr, err := flw.ParseSrvr(answer)
	if err != nil {
		t.Fatal(err)
	}
	s := zktest.NewServer(zktest.WithVersion(srvr.Version), zktest.WithSuper("super:secret"))
	t.Cleanup(s.Close)
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			conformance.Compare(t,
				conformance.Target{Servers: []string{addr(ts.Servers[0])}, Super: "super:secret"},
				conformance.Target{Servers: []string{s.Addr()}, Super: "super:secret"},
				seed, 1500)
		})
	}
}
