package zk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/zkfs/zkfs/flw"
)

// clusterStartTimeout bounds the wait for all servers of a cluster to serve. Three take about a
// second, on a busy machine a minute.
const clusterStartTimeout = 5 * time.Minute

// clusterSessionTimeout is the session timeout where the caller gives none.
const clusterSessionTimeout = 15 * time.Second

// TestServer is one server of a [TestCluster].
type TestServer struct {
	Port int     // for clients, on 127.0.0.1
	Path string  // the folder with its zoo.cfg and data
	Srv  *Server // the process
}

// TestCluster is a set of real ZooKeeper servers for a test: one alone, or an ensemble.
// Its methods must not be called concurrently.
type TestCluster struct {
	Path    string // the folder that holds those of the servers
	Servers []TestServer
}

// StartTestCluster starts size servers and returns once all of them serve. They listen on free ports of 127.0.0.1, and
// keep their data in a temporary folder until [TestCluster.Stop]. One server runs alone, more form an ensemble.
// What they print goes to stdout and stderr, each of which may be nil.
//
// They are tuned for tests: a tick of 200 ms, sessions from 400 ms to 60 s, a small heap, no fsync, every four-letter
// word allowed, TTL znodes and reconfiguration enabled, and empty containers removed within a second.
func StartTestCluster(size int, stdout, stderr io.Writer) (*TestCluster, error) {
	stdout, stderr = serialize(stdout), serialize(stderr)
	return StartTestClusterFunc(size, func(id int, _ *ServerConfig, srv *Server) {
		srv.Stdout, srv.Stderr = stdout, stderr
	})
}

// StartTestClusterFunc is like [StartTestCluster] but calls configure for each server, with ids from 1, before any of
// them is started. Both arguments come filled with what StartTestCluster uses; append to config.Extra
// and srv.JVMFlags what the test needs. It must leave the ports, the paths and the list of servers as they are.
func StartTestClusterFunc(size int, configure func(id int, config *ServerConfig, srv *Server)) (*TestCluster, error) {
	if size < 1 {
		return nil, errors.New("zk: a cluster needs at least one server")
	}
	members, err := freeMembers(size)
	if err != nil {
		return nil, err
	}
	path, err := os.MkdirTemp("", "zk-test-cluster-")
	if err != nil {
		return nil, err
	}
	ts := &TestCluster{Path: path}
	for _, m := range members {
		config := testServerConfig(m, members)
		config.DataDir = filepath.Join(path, "srv"+strconv.Itoa(m.ID))
		srv := &Server{
			ConfigPath: filepath.Join(config.DataDir, "zoo.cfg"),
			JVMFlags:   testJVMFlags(),
		}
		configure(m.ID, &config, srv)
		ts.Servers = append(ts.Servers, TestServer{Port: m.ClientPort, Path: config.DataDir, Srv: srv})
		if err = writeServerFiles(m.ID, config, srv.ConfigPath); err != nil {
			break
		}
	}
	if err == nil {
		err = ts.StartAllServers()
	}
	if err != nil {
		ts.Stop()
		return nil, err
	}
	return ts, nil
}

// StartServer starts the server at the address host:port, of which only the port counts. It does not wait until the
// server serves, which it does only as part of a majority.
func (ts *TestCluster) StartServer(server string) error {
	s, err := ts.find(server)
	if err != nil {
		return err
	}
	return s.Srv.Start()
}

// StopServer kills the server at the address host:port, of which only the port counts. Its data stays.
func (ts *TestCluster) StopServer(server string) error {
	s, err := ts.find(server)
	if err != nil {
		return err
	}
	return s.Srv.Stop()
}

// StartAllServers starts the servers that are stopped and returns once all of them serve.
func (ts *TestCluster) StartAllServers() error {
	for _, s := range ts.Servers {
		if s.Srv.run != nil {
			continue
		}
		if err := s.Srv.Start(); err != nil {
			return err
		}
	}
	return ts.waitForStart()
}

// StopAllServers kills all servers. Their data stays: StartAllServers continues with it.
func (ts *TestCluster) StopAllServers() error {
	var errs []error
	for _, s := range ts.Servers {
		errs = append(errs, s.Srv.Stop())
	}
	return errors.Join(errs...)
}

// Stop kills all servers and removes the cluster's folder.
func (ts *TestCluster) Stop() error {
	return errors.Join(ts.StopAllServers(), os.RemoveAll(ts.Path))
}

// Connect connects to the server Servers[idx] alone, with a session timeout of 15 s. Nobody hears the session's events.
// The connection outlives the server; it is the caller's to close.
func (ts *TestCluster) Connect(idx int) (*Conn, error) {
	c, _, err := Connect([]string{ts.Servers[idx].addr()}, clusterSessionTimeout)
	return c, err
}

// ConnectAll is like ConnectAllTimeout with a session timeout of 15 s.
func (ts *TestCluster) ConnectAll() (*Conn, <-chan Event, error) {
	return ts.ConnectAllTimeout(clusterSessionTimeout)
}

// ConnectAllTimeout connects to any one of the servers, as [Connect] does.
func (ts *TestCluster) ConnectAllTimeout(sessionTimeout time.Duration) (*Conn, <-chan Event, error) {
	addrs := make([]string, len(ts.Servers))
	for i, s := range ts.Servers {
		addrs[i] = s.addr()
	}
	return Connect(addrs, sessionTimeout)
}

// find returns the server whose port ends the address.
func (ts *TestCluster) find(server string) (TestServer, error) {
	for _, s := range ts.Servers {
		if strings.HasSuffix(server, ":"+strconv.Itoa(s.Port)) {
			return s, nil
		}
	}
	return TestServer{}, fmt.Errorf("zk: no server %q in the cluster", server)
}

// waitForStart returns once all servers serve, or with an error when one has ended or the time is
// over. A server that is about to serve may let a question hang, so it is given little time, but
// more where all takes longer.
func (ts *TestCluster) waitForStart() error {
	begun := time.Now()
	for _, s := range ts.Servers {
		for !s.serves(max(500*time.Millisecond, time.Since(begun)/4)) {
			if err := s.Srv.run.exited(); err != nil {
				return err
			}
			if time.Since(begun) > clusterStartTimeout {
				return fmt.Errorf("zk: server at port %d does not serve after %v\n%s", s.Port, clusterStartTimeout, s.Srv.run.log)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return nil
}

// serves tells whether clients can use the server: "srvr" names the mode then. "ruok" is answered
// too early.
func (s TestServer) serves(patience time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	text, err := flw.Ask(ctx, s.addr(), "srvr")
	if err != nil {
		return false
	}
	srvr, _ := flw.ParseSrvr(text) // an error is about another line
	return srvr.Mode != ""
}

func (s TestServer) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)) }
