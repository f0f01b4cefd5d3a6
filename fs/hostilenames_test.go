package fs

import (
	"bytes"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// rewrittenConn is a connection to a server that says one thing instead of another, of the same
// length.
type rewrittenConn struct {
	net.Conn
	pairs [][2]string
}

func (c rewrittenConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	for _, pair := range c.pairs {
		copy(b, bytes.ReplaceAll(b[:n], []byte(pair[0]), []byte(pair[1])))
	}
	return n, err
}

// A server that lists names which no znode can have, or tells of their changes, spoils no listing.
func TestListingOfHostileServers(t *testing.T) {
	w := newWorld(t, Options{})
	for _, path := range []string{"/d", "/d/a+b", "/d/!!", "/d/n%l", "/d/good"} {
		w.create(path, "x")
	}
	dial := func(network, address string, timeout time.Duration) (net.Conn, error) {
		conn, err := net.DialTimeout(network, address, timeout)
		return rewrittenConn{conn, [][2]string{{"a+b", "a/b"}, {"!!", ".."}, {"n%l", "n\x00l"}}}, err
	}
	conn, _, err := zk.Connect([]string{w.server.Addr()}, 5*time.Second, zk.WithSlog(slog.New(slog.DiscardHandler)), zk.WithDialer(dial))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	dir := t.TempDir()
	f, err := Mount(conn, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Unmount(); err != nil {
			t.Error(err)
		}
	})
	a := newAgent(t, dir)
	a.want("ok .data good", "ls", "d")
	w.set("/d/!!", "more")
	w.create("/d/also", "x")
	a.eventually(w, "ok .data also good", "ls", "d")
	a.want(`ok "x"`, "cat", "d/good")
}
