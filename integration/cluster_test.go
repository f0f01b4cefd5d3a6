package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
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
		if classData != "" {
			srv.JVMFlags = append(srv.JVMFlags, "-XX:SharedArchiveFile="+classData,
				"-Xlog:cds=off", "-Xlog:cds+dynamic=off")
		}
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

// freePort returns a port of 127.0.0.1 on which nobody listens. It lies below those that systems
// give to outgoing connections, of which the tests make many before a server listens there.
func freePort(t *testing.T) int {
	t.Helper()
	const first, end = 10000, 32000
	for range 100 {
		port := first + rand.IntN(end-first)
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatalf("no free port between %d and %d", first, end)
	return 0
}

// hang is how long the tests wait for what comes by itself. On no machine does anything but a hang
// take as long.
const hang = 3 * time.Minute

// ask sends a four-letter word to the server at addr and returns the answer.
func ask(addr, word string) (string, error) { return askWithin(hang, addr, word) }

func askWithin(patience time.Duration, addr, word string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return flw.Ask(ctx, addr, word)
}

// mode returns what the server at addr says that it is: standalone, leader, follower or read-only;
// "" if it does not serve. One that is about to serve may let the question hang, so it is given
// little time and asked again.
func mode(addr string) string {
	answer, err := askWithin(3*time.Second, addr, "srvr")
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
	deadline := time.Now().Add(hang)
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

// freeze stops a server by SIGSTOP and returns when all its threads have stopped: on a busy machine
// they go on for a while.
func freeze(s zk.TestServer) error {
	pid, err := processOf(s)
	if err != nil {
		return err
	}
	if err := s.Srv.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for deadline := time.Now().Add(hang); !inState(pid, "T"); {
		if time.Now().After(deadline) {
			return errors.New("the server goes on after SIGSTOP")
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// processOf returns the process of a server, which is the one that was started with its
// configuration.
func processOf(s zk.TestServer) (pid int, err error) {
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the only error is a bad pattern
	for _, name := range all {
		text, _ := os.ReadFile(name) // fails if it has ended
		if strings.HasSuffix(string(text), "\x00"+s.Srv.ConfigPath+"\x00") {
			return strconv.Atoi(filepath.Base(filepath.Dir(name)))
		}
	}
	return 0, fmt.Errorf("no process with %s", s.Srv.ConfigPath)
}

// inState reports whether all threads of a process are in one of the states, letters of
// proc_pid_stat(5).
func inState(pid int, states string) bool {
	stats, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid)) // the only error is a bad pattern
	for _, stat := range stats {
		text, _ := os.ReadFile(stat)                    // fails if it has ended
		_, rest, there := bytes.Cut(text, []byte(") ")) // behind the name
		if there && !strings.Contains(states, string(rest[:1])) {
			return false
		}
	}
	return len(stats) > 0
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
func leader(t *testing.T, ts *zk.TestCluster) (at string) {
	t.Helper()
	eventually(t, func() error {
		for _, s := range ts.Servers {
			if at = addr(s); mode(at) == "leader" {
				return nil
			}
		}
		return errors.New("no leader")
	})
	return at
}
