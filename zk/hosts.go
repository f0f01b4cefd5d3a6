package zk

import (
	"errors"
	"math/rand/v2"
	"net"
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

var errNoServers = errors.New("zk: server list must not be empty")

// serverList is the [HostProvider] of clients that bring none. It goes round the servers in an order
// of its own. It hands out names as they were given, so that each dial resolves them again and tries
// all their addresses, and TLS can verify them.
type serverList struct {
	mu      sync.Mutex // guards the following
	servers []string
	spare   []string // tried in the next round if none of servers is there; may be nil
	next    int
	tried   int // since Connected, or since the round began
}

func (l *serverList) Init(servers []string) error {
	if len(servers) == 0 {
		return errNoServers
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
	if retryStart = l.tried >= len(l.servers); retryStart {
		l.tried = 0
		if l.spare != nil {
			l.servers, l.spare, l.next = l.spare, l.servers, 0
		}
	}
	server = l.servers[l.next%len(l.servers)]
	l.next++
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

// hostOf returns the name or address of a server of the list, without its port.
func hostOf(server string) string {
	host, _, err := net.SplitHostPort(server)
	if err != nil {
		return server
	}
	return host
}
