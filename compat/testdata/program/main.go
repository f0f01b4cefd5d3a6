// Command program does with its ZooKeeper client what programs do, below a znode, and prints what it saw. It is written
// for github.com/go-zookeeper/zk v1.0.4: run with another client in its place it must print the same.
//
//	program SERVER ROOT
package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
)

// timeout is that of the sessions.
const timeout = 3 * time.Second

// patience bounds every wait.
const patience = 20 * time.Second

func main() {
	server, root := os.Args[1], os.Args[2]
	zk.DefaultLogger = &lines
	values()
	c, events, net := connect(server)
	must(c.Create(root, []byte{}, zk.FlagPersistent, zk.WorldACL(zk.PermAll)))
	nodes(c, root)
	multi(c, root)
	acls(c, server, root)
	watches(c, events, root)
	locks(c, server, root)
	reconnect(c, events, net, root)
	expiry(c, events, net, root)
	options(server, root)
	closing(c, events, root)
	fmt.Println("something was logged:", lines.n > 0)
}

// logger counts what is logged.
type logger struct {
	mu sync.Mutex
	n  int
}

var lines logger

func (l *logger) Printf(string, ...interface{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n++
}

// network is a way to the server that can be cut.
type network struct {
	mu    sync.Mutex
	down  bool
	conns []net.Conn
}

func (n *network) dial(network, address string, timeout time.Duration) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.down {
		return nil, errors.New("the network is down")
	}
	conn, err := net.DialTimeout(network, address, timeout)
	if err == nil {
		n.conns = append(n.conns, conn)
	}
	return conn, err
}

// cut ends all connections, and lets no other be made until it is called with down false.
func (n *network) cut(down bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = down
	for _, conn := range n.conns {
		conn.Close()
	}
	n.conns = nil
}

func connect(server string) (*zk.Conn, <-chan zk.Event, *network) {
	n := new(network)
	c, events, err := zk.Connect([]string{server}, timeout, zk.WithDialer(n.dial))
	check(err)
	for _, want := range []zk.State{zk.StateConnecting, zk.StateConnected, zk.StateHasSession} {
		e := <-events
		fmt.Println("connect:", e.Type, e.State, e.State == want)
	}
	fmt.Println("connected:", c.State(), c.SessionID() != 0, c.Server() == server)
	return c, events, n
}

// other opens another session.
func other(server string) *zk.Conn {
	c, _, err := zk.Connect([]string{server}, timeout)
	check(err)
	return c
}

// values prints what needs no server.
func values() {
	for state := zk.State(-113); state < 110; state++ {
		if name := state.String(); name != "Unknown" {
			fmt.Println(int(state), name)
		}
	}
	for t := zk.EventType(-2); t < 6; t++ {
		fmt.Println(int(t), t)
	}
	fmt.Println(zk.ModeUnknown, zk.ModeLeader, zk.ModeFollower, zk.ModeStandalone, zk.Mode(9))
	fmt.Println(zk.FormatServers([]string{"a", "b:1", "10.0.0.1"}))
	fmt.Println(zk.DigestACL(zk.PermAll, "bob", "secret"), zk.AuthACL(zk.PermRead), zk.WorldACL(zk.PermWrite|zk.PermCreate))
	_, _, err := zk.Connect(nil, timeout)
	fmt.Println("no servers:", err)
}

func must(_ interface{}, err error) { check(err) }

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// name names the errors that programs compare with ==.
func name(err error) string {
	switch err {
	case nil:
		return "ok"
	case zk.ErrNoNode:
		return "ErrNoNode"
	case zk.ErrNodeExists:
		return "ErrNodeExists"
	case zk.ErrNotEmpty:
		return "ErrNotEmpty"
	case zk.ErrBadVersion:
		return "ErrBadVersion"
	case zk.ErrNoAuth:
		return "ErrNoAuth"
	case zk.ErrInvalidACL:
		return "ErrInvalidACL"
	case zk.ErrInvalidPath:
		return "ErrInvalidPath"
	case zk.ErrNoChildrenForEphemerals:
		return "ErrNoChildrenForEphemerals"
	case zk.ErrConnectionClosed:
		return "ErrConnectionClosed"
	case zk.ErrSessionExpired:
		return "ErrSessionExpired"
	case zk.ErrClosing:
		return "ErrClosing"
	case zk.ErrDeadlock:
		return "ErrDeadlock"
	case zk.ErrNotLocked:
		return "ErrNotLocked"
	case zk.ErrAuthFailed:
		return "ErrAuthFailed"
	}
	if errors.Is(err, zk.ErrInvalidFlags) {
		return "ErrInvalidFlags"
	}
	return "another error"
}
