package zk

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// run is the session goroutine. It ends after Close, or when credentials are refused for good.
func (c *client) run() {
	defer close(c.done)
	err := c.serve()
	c.endLife()
	c.endFeatures()
	c.queue.close(err)
	c.watches.end(err)
	c.events.close()
}

// serve connects, again and again, and returns why the client has ended.
func (c *client) serve() error {
	for {
		t, err := c.connect()
		if err != nil {
			return err
		}
		since := time.Now()
		err = t.run()
		c.current.Store(nil)
		ended := c.life.Err() != nil
		if !ended {
			c.log.infof("zk: connection to %s lost: %v", c.serverName(), err)
		}
		c.setState(StateDisconnected, err)
		t.suspect(err)
		t.fail(ErrConnectionClosed)
		refused := errors.Is(err, ErrAuthFailed) // of what is sent without waiting, such as WithAuth's
		if !refused {
			c.accepts()
		}
		switch {
		case ended:
			return ErrClosing
		case refused && c.refused(t.server, t.secrets):
			c.logFailure(t.server, err)
			c.setState(StateAuthFailed, err)
			return ErrAuthFailed
		case refused:
			c.logFailure(t.server, err)
			c.pause()
		case errors.Is(err, errForgotten):
			c.expire(err)
		case time.Since(since) > time.Second:
			c.backoff.reset()
		default: // a server that takes sessions and drops them must not make the client spin
			c.pause()
		}
	}
}

// connect returns a transport to the next server that takes the session, or opens one. It fails only when the client ends.
func (c *client) connect() (*transport, error) {
	var failure error // of the attempt before
	expired := false  // a session has, since the last connection
	c.slowRounds = 0
	for tried := 1; ; tried++ {
		if c.life.Err() != nil {
			return nil, ErrClosing
		}
		server := c.next()
		c.server.Store(&server)
		c.setState(StateConnecting, failure)
		s := c.secrets()
		t, err := c.open(server, s)
		if err == nil {
			c.hosts.Connected()
			c.logged = ""
			return t, nil
		}
		failure = fmt.Errorf("%s: %w", server, err)
		if State(c.state.Load()) != StateConnecting || errors.Is(err, ErrAuthFailed) {
			c.setState(StateDisconnected, err)
		}
		switch {
		case c.life.Err() != nil:
			return nil, ErrClosing
		case errors.Is(err, ErrAuthFailed):
			if c.refused(server, s) {
				c.logFailure(server, err)
				c.setState(StateAuthFailed, err)
				return nil, err
			}
		case errors.Is(err, ErrSessionExpired) && c.hasSession():
			c.expire(err)
			c.prefer = server // which answers, and opens another one
			if expired {
				c.pause() // servers that know nothing of each other's sessions must not make the client spin
			}
			expired, tried = true, 0
			continue
		default:
			c.refusals.unanswered(server)
		}
		c.logFailure(server, err)
		if tried%max(1, c.hosts.Len()) != 0 {
			continue
		}
		if c.slow {
			c.slow = false
			c.slowRounds++
		}
		c.queue.fail(ErrNoServer)
		if c.hasSession() && !c.lasting && c.silence() > c.timeout()*4/3 {
			c.expire(fmt.Errorf("%w, or so it must be assumed: no server has answered for %v", ErrSessionExpired, c.silence().Round(time.Millisecond)))
		}
		c.pause()
	}
}

// next chooses the server to try.
func (c *client) next() (server string) {
	if server, c.prefer = c.prefer, ""; server == "" {
		server, _ = c.hosts.Next()
	}
	return server
}

// logFailure logs why a server could not be used, once for as long as the reason stays the same.
func (c *client) logFailure(server string, err error) {
	if line := fmt.Sprintf("zk: %s: %v", server, err); line != c.logged {
		c.logged = line
		c.log.errorf("%s", line)
	}
}

// expire gives up the session. The next connection opens another one.
func (c *client) expire(why error) {
	id, _ := c.session()
	c.log.errorf("zk: session 0x%x: %v", id, why)
	c.setSession(0, noPassword)
	c.seenRW = false
	c.lastZxid.Store(0)
	over := c.queue.empty() // a call that comes later, such as one for the event, is of the next session
	c.setState(StateExpired, why)
	c.watches.end(ErrSessionExpired)
	finishAll(over, ErrSessionExpired)
}

func (c *client) hasSession() bool {
	id, _ := c.session()
	return id != 0
}

// setState tells of a state, in-order observers first.
func (c *client) setState(state State, err error) {
	if State(c.state.Swap(int32(state))) == state && state != StateConnecting {
		return
	}
	e := Event{Type: EventSession, State: state, Err: err, Server: c.serverName()}
	c.watches.observed(e)
	c.events.push(e)
}

func (c *client) timeout() time.Duration { return time.Duration(c.negotiated.Load()) }

// hear notes that the server of the session has said something.
func (c *client) hear() { c.heard.Store(int64(time.Since(c.birth))) }

// silence returns for how long it has not.
func (c *client) silence() time.Duration { return time.Since(c.birth) - time.Duration(c.heard.Load()) }

// prove notes that the session lived at the servers at that time after birth: what was sent then has been answered.
func (c *client) prove(sent time.Duration) {
	if int64(sent) > c.proven.Load() {
		c.proven.Store(int64(sent))
	}
}

// unproven returns for how long that is not known. It is more than silence: what a process finds in its socket after it was stopped for a
// while has been sent long ago.
func (c *client) unproven() time.Duration {
	return time.Since(c.birth) - time.Duration(c.proven.Load())
}

// backoff spaces the attempts to connect, with jitter so that the clients of a restarted ensemble do not come all at once.
type backoff struct{ next time.Duration }

const (
	firstBackoff = 50 * time.Millisecond
	maxBackoff   = time.Second
)

func (b *backoff) reset() { b.next = 0 }

// draw returns how long to wait, each time longer, but never so long that a session of the given
// timeout could be lost by it.
func (b *backoff) draw(sessionTimeout time.Duration) time.Duration {
	b.next = min(max(firstBackoff, 2*b.next), maxBackoff, max(firstBackoff, sessionTimeout/4))
	return b.next/2 + rand.N(b.next/2)
}

// pause waits before the servers are tried again. A call that comes meanwhile ends it after a
// quarter of the time: less would let a program that calls again and again spin.
func (c *client) pause() {
	whole := c.backoff.draw(c.timeout())
	called := c.queue.rest()
	for _, part := range []struct {
		wait   time.Duration
		called <-chan struct{}
	}{{whole / 4, nil}, {whole - whole/4, called}} {
		wait := time.NewTimer(part.wait)
		select {
		case <-wait.C:
		case <-part.called:
		case <-c.closing:
		}
		wait.Stop()
	}
}

func (c *client) serverName() string {
	if s := c.server.Load(); s != nil {
		return *s
	}
	return ""
}
