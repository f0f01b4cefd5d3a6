package zk

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// testServerConfig returns the configuration of one of the members, but for its folder.
func testServerConfig(self ServerConfigServer, members []ServerConfigServer) ServerConfig {
	c := ServerConfig{
		TickTime:   200,
		InitLimit:  50,
		SyncLimit:  25,
		ClientPort: self.ClientPort,
		Extra: []string{
			"clientPortAddress=" + self.Host,
			"minSessionTimeout=400",
			"maxSessionTimeout=60000",
			"maxClientCnxns=0",
			"forceSync=no",
			"4lw.commands.whitelist=*",
			"admin.enableServer=false",
			"extendedTypesEnabled=true",
			"reconfigEnabled=true",
		},
	}
	if len(members) > 1 {
		c.Servers = members
		c.Extra = append(c.Extra, "standaloneEnabled=false")
	}
	return c
}

// testJVMFlags returns the flags with which a server starts fastest and stays small. The last one is read without
// the prefix that keys of zoo.cfg get.
func testJVMFlags() []string {
	return []string{
		"-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
		"-Dznode.container.checkIntervalMs=200",
	}
}

// writeServerFiles makes the server's folder with its zoo.cfg and myid.
func writeServerFiles(id int, config ServerConfig, configPath string) error {
	if err := os.Mkdir(config.DataDir, 0o700); err != nil {
		return err
	}
	var zooCfg strings.Builder
	if err := config.Marshall(&zooCfg); err != nil {
		return err
	}
	if err := os.WriteFile(configPath, []byte(zooCfg.String()), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(config.DataDir, "myid"), fmt.Appendln(nil, id), 0o600)
}

// freeMembers returns members with ids from 1 and free ports of 127.0.0.1.
func freeMembers(n int) ([]ServerConfigServer, error) {
	ports, err := freePorts(3 * n)
	if err != nil {
		return nil, err
	}
	members := make([]ServerConfigServer, n)
	for i := range members {
		p := ports[3*i:]
		members[i] = ServerConfigServer{
			ID: i + 1, Host: "127.0.0.1", PeerPort: p[0], LeaderElectionPort: p[1], ClientPort: p[2],
		}
	}
	return members, nil
}

// freePorts returns n ports of 127.0.0.1 on which nobody listens. They lie below those that systems give to
// outgoing connections, so that a server which was stopped finds its port free when it starts again.
func freePorts(n int) ([]int, error) {
	const first, end = 10000, 32000
	var ports []int
	for range 100 * n {
		port := first + rand.IntN(end-first)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		defer l.Close() // held until all are found, so that none comes twice
		ports = append(ports, port)
		if len(ports) == n {
			return ports, nil
		}
	}
	return nil, fmt.Errorf("zk: no %d free ports between %d and %d", n, first, end)
}

// serialize returns a writer to w for concurrent use, nil for nil.
func serialize(w io.Writer) io.Writer {
	if w == nil {
		return nil
	}
	return &serialWriter{w: w}
}

type serialWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *serialWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}
