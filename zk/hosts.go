package zk

import (
	"errors"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// HostProvider chooses the server of each attempt to connect. Its methods are called by one goroutine.
type HostProvider interface {
	// Init is called first, with the servers of the call to Connect.
	Init(servers []string) error
	// Len returns the number of servers.
	Len() int
	// Next returns the next server to try. retryStart says that it begins another round: all were
	// tried since Connected was last called, or since it said so before.
	Next() (server string, retryStart bool)
	// Connected says that the server which Next returned last has taken the session.
	Connected()
}

// serverList goes round the servers in an order of its own. It hands out names as they were given, so that each dial
// resolves them again and tries all their addresses, and TLS can verify them.
type serverList struct {
	mu      sync.Mutex // guards the following
	servers []string
	next    int
	tried   int // since Connected, or since the round began
}

func (l *serverList) Init(servers []string) error {
	if len(servers) == 0 {
		return errors.New("zk: server list must not be empty")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.servers = append([]string(nil), servers...)
	rand.Shuffle(len(l.servers), func(i, j int) { l.servers[i], l.servers[j] = l.servers[j], l.servers[i] })
	return nil
}

func (l *serverList) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.servers)
}

func (l *serverList) Next() (server string, retryStart bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	server = l.servers[l.next%len(l.servers)]
	l.next++
	if retryStart = l.tried >= len(l.servers); retryStart {
		l.tried = 0
	}
	l.tried++
	return server, retryStart
}

func (l *serverList) Connected() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tried = 0
}

// FormatServers returns servers with [DefaultPort] added to those that name no port. An IPv6 address may come with or
// without brackets. The argument is not changed.
func FormatServers(servers []string) []string {
	list := make([]string, len(servers))
	for i, server := range servers {
		if _, _, err := net.SplitHostPort(server); err != nil {
			server = net.JoinHostPort(strings.Trim(server, "[]"), strconv.Itoa(DefaultPort))
		}
		list[i] = server
	}
	return list
}

// SetServers replaces the servers that the client chooses from. If the connected one is not among them, the session
// moves to one that is. It fails where [WithHostProvider] has put the choice into other hands.
func (c *Conn) SetServers(servers []string) error {
	list, ok := c.hosts.(*serverList)
	if !ok {
		return errors.New("zk: the servers are chosen by the host provider of WithHostProvider")
	}
	servers = FormatServers(servers)
	if err := list.Init(servers); err != nil {
		return err
	}
	if t := c.current.Load(); t != nil && !slices.Contains(servers, c.serverName()) {
		t.end(errMoved)
	}
	return nil
}

var errMoved = errors.New("zk: the server is not in the list any more")

// hostOf returns the name or address of a server of the list, without its port.
func hostOf(server string) string {
	host, _, err := net.SplitHostPort(server)
	if err != nil {
		return server
	}
	return host
}
