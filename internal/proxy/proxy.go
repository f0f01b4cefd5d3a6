// Package proxy is a network that goes wrong when it is told to, between a client and a server.
package proxy

import (
	"context"
	"net"
	"sync"
	"time"
)

// A Fault is what goes wrong on the way. The zero Fault is nothing; several fields may be set together.
type Fault struct {
	Refuse    bool          // new connections are reset at once
	StallUp   bool          // what the client sends does not arrive, until the fault is over
	StallDown bool          // what the server sends does not arrive, until the fault is over
	Delay     time.Duration // each piece arrives so much later
	Rate      int           // bytes per second in each direction; 0 is no limit
	Drop      int           // each connection is reset after so many more bytes from the server; 0 is never
	Server    string        // new connections lead to this address instead
	Garbage   []byte        // new connections are answered with it, and never lead to the server
}

// Proxy is a way to a server. Its methods may be called concurrently.
type Proxy struct {
	listener net.Listener
	server   string
	all      sync.WaitGroup

	mu      sync.Mutex // guards the following
	fault   Fault
	changed chan struct{} // closed when fault changes
	links   map[*link]bool
}

// link is one connection through the proxy.
type link struct {
	ctx    context.Context // over when the link is
	end    context.CancelFunc
	client net.Conn
}

// New opens a way to the server at host:port.
func New(server string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: l, server: server, changed: make(chan struct{}), links: map[*link]bool{}}
	p.all.Go(p.accept) // ends when the listener is closed
	return p, nil
}

// Addr returns where the way begins.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Set lets f go wrong from now on, and nothing else. Connections that exist stay.
func (p *Proxy) Set(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = f
	close(p.changed)
	p.changed = make(chan struct{})
}

// Cut resets all connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.reset()
	}
}

// Break cuts the way until the next Set: connections are reset, and new ones too.
func (p *Proxy) Break() {
	p.Set(Fault{Refuse: true})
	p.Cut()
}

// Mend lets nothing go wrong any more.
func (p *Proxy) Mend() { p.Set(Fault{}) }

// Close ends all connections, and returns when they are gone.
func (p *Proxy) Close() {
	p.listener.Close()
	p.Break()
	p.all.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.all.Go(func() { p.serve(client) }) // ends with the connection
	}
}

// now returns what goes wrong, and a channel that is closed when that changes.
func (p *Proxy) now() (Fault, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fault, p.changed
}

// serve carries bytes both ways until an end is closed or the link is cut.
func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	l := &link{client: client}
	l.ctx, l.end = context.WithCancel(context.Background())
	defer l.end()
	f, ok := p.enter(l)
	if !ok {
		l.reset()
		return
	}
	defer p.leave(l)
	if f.Garbage != nil {
		p.insult(l, f.Garbage)
		return
	}
	to := p.server
	if f.Server != "" {
		to = f.Server
	}
	server, err := (&net.Dialer{}).DialContext(l.ctx, "tcp", to)
	if err != nil {
		l.reset()
		return
	}
	defer server.Close()
	stop := context.AfterFunc(l.ctx, func() { client.Close(); server.Close() })
	defer stop()
	var both sync.WaitGroup
	both.Go(func() { p.carry(l, server, client, true) }) // ends when an end is closed
	p.carry(l, client, server, false)
	both.Wait()
}

// enter registers the link, unless it is refused.
func (p *Proxy) enter(l *link) (Fault, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.fault.Refuse {
		p.links[l] = true
	}
	return p.fault, !p.fault.Refuse
}

func (p *Proxy) leave(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

// reset ends the link the hard way: what is under way to the client is lost.
func (l *link) reset() {
	if c, ok := l.client.(*net.TCPConn); ok {
		c.SetLinger(0)
	}
	l.client.Close()
	l.end()
}

// insult answers the client's first words with garbage, and then listens until the client has had enough.
func (p *Proxy) insult(l *link, garbage []byte) {
	buf := make([]byte, 4096)
	if _, err := l.client.Read(buf); err != nil {
		return
	}
	l.client.Write(garbage)
	for {
		if _, err := l.client.Read(buf); err != nil {
			return
		}
	}
}

// carry moves what src sends to dst, and ends the link when that ends.
func (p *Proxy) carry(l *link, dst, src net.Conn, up bool) {
	defer l.end()
	buf := make([]byte, 32<<10)
	way := carrier{p: p, l: l, dst: dst, up: up}
	for {
		n, err := src.Read(buf)
		if !way.pass(buf[:n]) || err != nil {
			return
		}
	}
}

// carrier is one direction of a link.
type carrier struct {
	p   *Proxy
	l   *link
	dst net.Conn
	up  bool

	since   <-chan struct{} // names the fault under which bytes are counted
	carried int
}

// tick is how often a trickle drops.
const tick = 20 * time.Millisecond

// pass hands b on as the fault of the moment allows. It returns false when the link is over.
func (c *carrier) pass(b []byte) bool {
	f, _ := c.p.now()
	if !c.wait(f.Delay) {
		return false
	}
	for len(b) > 0 {
		f, changed := c.p.now()
		if c.up && f.StallUp || !c.up && f.StallDown {
			select {
			case <-changed:
				continue
			case <-c.l.ctx.Done():
				return false
			}
		}
		n := len(b)
		if f.Rate > 0 {
			n = min(n, max(1, f.Rate*int(tick)/int(time.Second)))
			if !c.wait(tick) {
				return false
			}
		}
		if changed != c.since {
			c.since, c.carried = changed, 0
		}
		last := !c.up && f.Drop > 0 && c.carried+n >= f.Drop
		if last {
			n = f.Drop - c.carried
		}
		if _, err := c.dst.Write(b[:n]); err != nil {
			return false
		}
		if last {
			c.l.reset()
			return false
		}
		c.carried += n
		b = b[n:]
	}
	return true
}

// wait returns false if the link ends meanwhile.
func (c *carrier) wait(d time.Duration) bool {
	if d == 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.l.ctx.Done():
		return false
	}
}
