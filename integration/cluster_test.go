package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/zkfs/zkfs/flw"
	"github.com/zkfs/zkfs/zk"
)

// startCluster starts servers that know the super user. If configure is not nil it is called for each of them,
// see [zk.StartTestClusterFunc].
func startCluster(size int, configure func(id int, config *zk.ServerConfig, srv *zk.Server)) (*zk.TestCluster, error) {
	return zk.StartTestClusterFunc(size, func(id int, config *zk.ServerConfig, srv *zk.Server) {
		srv.JVMFlags = append(srv.JVMFlags, superDigest)
		if configure != nil {
			configure(id, config, srv)
		}
	})
}

// cluster starts servers of the test's own, which are stopped when it ends.
func cluster(t *testing.T, size int, configure func(id int, config *zk.ServerConfig, srv *zk.Server)) *zk.TestCluster {
	t.Helper()
	ts, err := startCluster(size, configure)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ts.Stop(); err != nil {
			t.Error(err)
		}
	})
	return ts
}

// addr returns the address of a server.
func addr(s zk.TestServer) string { return fmt.Sprintf("127.0.0.1:%d", s.Port) }

// ask sends a four-letter word to the server at addr and returns the answer.
func ask(addr, word string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return flw.Ask(ctx, addr, word)
}

// mode returns what the server at addr says that it is: standalone, leader, follower or read-only; "" if it does not serve.
func mode(addr string) string {
	answer, err := ask(addr, "srvr")
	if err != nil {
		return ""
	}
	srvr, _ := flw.ParseSrvr(answer) // an error is about another line
	return srvr.Mode
}

// modes returns the sorted modes of all servers.
func modes(ts *zk.TestCluster) []string {
	var all []string
	for _, s := range ts.Servers {
		all = append(all, mode(addr(s)))
	}
	slices.Sort(all)
	return all
}

// eventually calls check until it returns nil, and ends the test with the last error when that takes too long.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// freeze stops a server by SIGSTOP and returns when it answers no more: on a busy machine its threads go on for a while.
func freeze(s zk.TestServer) error {
	if err := s.Srv.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for range 100 {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		_, err := flw.Ask(ctx, addr(s), "ruok")
		cancel()
		if err != nil {
			return nil
		}
	}
	return errors.New("the server goes on after SIGSTOP")
}

// wantModes waits until the servers have these modes, given in sorted order.
func wantModes(t *testing.T, ts *zk.TestCluster, want ...string) {
	t.Helper()
	eventually(t, func() error {
		if got := modes(ts); !slices.Equal(got, want) {
			return fmt.Errorf("modes %q, want %q", got, want)
		}
		return nil
	})
}

// leader returns the leader's address.
func leader(t *testing.T, ts *zk.TestCluster) string {
	t.Helper()
	for _, s := range ts.Servers {
		if mode(addr(s)) == "leader" {
			return addr(s)
		}
	}
	t.Fatal("no leader")
	return ""
}
