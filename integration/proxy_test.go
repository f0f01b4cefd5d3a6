package integration

import (
	"io"
	"net"
	"sync"
	"testing"
)

// proxy is a way to a server that can be cut.
type proxy struct {
	listener net.Listener
	server   string

	mu    sync.Mutex // guards the following
	cut   bool
	conns map[net.Conn]bool
}

// newProxy opens a way to the server, until the test ends.
func newProxy(t *testing.T, server string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, server: server, conns: map[net.Conn]bool{}}
	var all sync.WaitGroup
	all.Go(func() { // ends when the listener is closed
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { p.serve(c) }) // ends with the connection
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.setCut(true)
		all.Wait()
	})
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

// setCut breaks all connections, and those to come, until it is mended.
func (p *proxy) setCut(cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
	for c := range p.conns {
		if cut {
			c.Close()
		}
	}
}

// add reports whether connections work. One that is added is closed by a cut.
func (p *proxy) add(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.cut {
		p.conns[c] = true
	}
	return !p.cut
}

func (p *proxy) drop(c net.Conn) {
	c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// serve carries bytes both ways until an end is closed.
func (p *proxy) serve(client net.Conn) {
	defer p.drop(client)
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer p.drop(server)
	if !p.add(client) || !p.add(server) {
		return
	}
	done := make(chan struct{})
	go func() { // ends when an end is closed
		defer close(done)
		io.Copy(server, client)
		server.Close()
	}()
	io.Copy(client, server)
	client.Close()
	<-done
}
