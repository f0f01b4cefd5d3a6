package zk

import (
	"time"

	"github.com/zkfs/zkfs/zk"
)

// connOption is an option of [Connect]: what the With functions return, or any func(*Conn).
type connOption func(c *Conn)

// Option is connOption by a name that a program can use, for a slice of them.
type Option = connOption

// DefaultLogger is the logger of connections without [WithLogger]. It may be replaced before the call of Connect.
var DefaultLogger = zk.DefaultLogger

// maxRequest is how long a request may be, as in go-zookeeper: a server whose jute.maxbuffer was
// raised takes it.
const maxRequest = 1536 << 10

// Connect is [zk.Connect] for requests of up to 1.5 MiB.
func Connect(servers []string, sessionTimeout time.Duration, options ...connOption) (*Conn, <-chan Event, error) {
	return zk.Connect(servers, sessionTimeout, func(c *Conn) {
		c.SetLogger(DefaultLogger)
		zk.WithMaxConnBufferSize(maxRequest)(c)
		for _, option := range options {
			option(c)
		}
	})
}

// ConnectWithDialer is [Connect] with the option [WithDialer].
func ConnectWithDialer(servers []string, sessionTimeout time.Duration, dialer Dialer) (*Conn, <-chan Event, error) {
	return Connect(servers, sessionTimeout, WithDialer(dialer))
}
