package zk

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// A prover finds out what calls want to know of the servers, on probe connections. One runs at a
// time, while there are questions.

// ErrUnproven is the ground of the error of a call that needs a feature of which nothing could be
// found out, because the server takes no connection beside that of the session. The call was not
// sent. See [Conn.Features].
var ErrUnproven = fmt.Errorf("%w that could be asked what it has", ErrNoServer)

const (
	strikesOut  = 2 // connections that a server ends over an operation it lacks, see Conn.Features
	maxFailures = 5 // probes in a row that tell nothing, before the calls stop to wait
	maxRefusals = 2 // the same of a ZooKeeper that takes no probe while the session lives

	// probePatience is how long a call to a ZooKeeper waits at most. A firewall may leave probes in
	// silence.
	probePatience = 3 * time.Second

	// detour is how long a call to another server waits at most if it can do without: that may leave
	// two probes in silence.
	detour = time.Second / 2

	// givenUp is how long, after a prover has given up, nothing is asked only because it would make
	// calls cheaper. For so long no call waits for a server that takes no probe, if it can do
	// without. It doubles each time, so often.
	givenUp       = 10 * time.Second
	mostDoublings = 8
)

// Features that a probe asks for together, so that a client needs few probes: those whose questions
// are reads, and creates, which cost the leader of an ensemble something.
var (
	quietReads   = []Feature{FeatureMultiRead, FeatureAddWatch, FeatureRemoveWatches, FeatureWhoAmI}
	quietCreates = []Feature{FeatureCreate2, FeatureCreateContainer}
)

// prove returns nil once the server is known to have what op needs, ErrUnimplemented if it lacks
// that, and ErrUnproven if that cannot be found out. It bounds its time by the context of c. A
// ZooKeeper that takes no probes is asked by the call: it answers an operation that it lacks, and
// keeps the session.
func (c *Conn) prove(op wire.Op) error {
	f, ok := featureOf(op)
	if !ok {
		return nil
	}
	var tired <-chan time.Time
	for {
		switch c.features.support(f) {
		case Supported:
			return nil
		case Lacking:
			return ErrUnimplemented
		}
		zooKeeper := c.features.zooKeeper()
		if op == wire.OpFilteredListWithData {
			if !zooKeeper { // which has no such operation
				c.want(f)
			}
			return ErrUnimplemented
		}
		if time.Since(c.birth) < time.Duration(c.unproved.Load()) {
			switch {
			case zooKeeper:
				return nil
			case hasDetour(op):
				c.want(f)
				return ErrUnproven
			}
		}
		q := c.ask(f)
		if q == nil {
			return nil // the client has ended, and the call says why
		}
		switch {
		case tired != nil:
		case zooKeeper:
			tired = time.After(probePatience)
		case hasDetour(op):
			tired = time.After(detour)
		}
		select {
		case <-q.done:
			switch {
			case q.err != nil && c.features.zooKeeper():
				return nil
			case q.err != nil:
				return q.err
			}
		case <-tired:
			if tired = nil; c.current.Load() != nil {
				c.unproved.Store(int64(time.Since(c.birth) + givenUp))
			}
		case <-c.ctx.Done():
			return &InterruptedError{Err: c.ctx.Err()}
		case <-c.closing:
			return ErrClosing
		}
	}
}

// hasDetour reports whether a call of op can do its work by operations that all servers have.
func hasDetour(op wire.Op) bool {
	return op == wire.OpCreate2 || op == wire.OpMultiRead || op == wire.OpRemoveWatches
}

// lacks reports whether err says that a call was not done because the server lacks a feature, or
// may lack it.
func lacks(err error) bool {
	return errors.Is(err, ErrUnimplemented) || errors.Is(err, ErrUnproven)
}

// ask returns the question whether the server has f, and sees to it that a prover runs. It returns
// nil once the client has ended.
func (c *client) ask(f Feature) *question {
	fs := &c.features
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.ended {
		return nil
	}
	q := fs.asked[f]
	if q == nil {
		q = &question{done: make(chan struct{})}
		if fs.support(f) != SupportUnknown {
			close(q.done)
			return q
		}
		if fs.asked == nil {
			fs.asked = map[Feature]*question{}
		}
		fs.asked[f] = q
	}
	if !fs.prover {
		fs.prover = true
		fs.all.Go(c.runProver) // ends when no question is left, and with the client
	}
	return q
}

// want is ask for what would make calls cheaper. Nothing waits for the answer.
func (c *client) want(f Feature) {
	if time.Since(c.birth) >= time.Duration(c.unwanted.Load()) {
		c.ask(f)
	}
}

// endFeatures ends the prover, and returns when all that it runs has ended.
func (c *client) endFeatures() {
	fs := &c.features
	fs.mu.Lock()
	fs.ended = true
	fs.mu.Unlock()
	fs.all.Wait()
}

func (c *client) runProver() {
	strikes := map[serverKind]*[featureCount]int{}
	for failures := 0; c.hasQuestions(); {
		err := c.probe(strikes)
		if err == nil {
			failures = 0
			c.features.found()
			continue
		}
		failures++
		if failures >= maxRefusals && errors.Is(err, errNoProbe) && c.features.zooKeeper() {
			failures = maxFailures
		}
		if failures >= maxFailures || c.life.Err() != nil || errors.Is(err, ErrNoServer) {
			until := int64(time.Since(c.birth) + c.features.respite())
			if errors.Is(err, errNoProbe) {
				c.unproved.Store(until)
			}
			c.unwanted.Store(until)
			c.giveUp(err)
			continue
		}
		pause := time.NewTimer(firstBackoff << failures)
		select {
		case <-pause.C:
		case <-c.closing:
			pause.Stop()
		}
	}
}

// hasQuestions reports whether the prover has something to do. If not, it has ended.
func (c *client) hasQuestions() bool {
	fs := &c.features
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.prover = len(fs.asked) > 0
	return fs.prover
}

// giveUp lets the calls go that wait for answers.
func (c *client) giveUp(why error) {
	fs := &c.features
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for f, q := range fs.asked {
		q.err = fmt.Errorf("%w: %v: %w", ErrUnproven, f, why)
		close(q.done)
	}
	clear(fs.asked)
}

// questions returns the features to ask a server for, those first for which calls wait.
func (c *client) questions() (list []Feature, asked int) {
	fs := &c.features
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for f := range featureCount {
		if fs.asked[f] != nil {
			list = append(list, f)
		}
	}
	asked = len(list)
	if !fs.kind.zooKeeper {
		return list, asked
	}
	for _, group := range [][]Feature{quietReads, quietCreates} {
		if !slices.ContainsFunc(group, func(f Feature) bool { return fs.asked[f] != nil }) {
			continue
		}
		for _, f := range group {
			if !slices.Contains(list, f) {
				list = append(list, f)
			}
		}
	}
	return list, asked
}

// probe opens one connection and asks what it can. An error says that nothing was learned.
func (c *client) probe(strikes map[serverKind]*[featureCount]int) error {
	main, err := c.connected()
	if err != nil {
		return err
	}
	p, err := c.openProbe(main.server)
	switch {
	case err != nil && c.current.Load() == main:
		return fmt.Errorf("%w: %w", errNoProbe, err)
	case err != nil:
		return err
	}
	defer p.close()
	learned := p.readFlags()
	list, asked := c.questions()
	for i, f := range list {
		if c.features.of(p.kind, f) != SupportUnknown {
			continue
		}
		s, err := p.ask(f)
		switch {
		case err == nil:
			p.learn(f, s, "it says so")
			learned = true
		case errors.Is(err, errStrike) && i < asked:
			if err := c.lives(main); err != nil {
				return err // the server may have ended
			}
			if strikes[p.kind] == nil {
				strikes[p.kind] = new([featureCount]int)
			}
			if strikes[p.kind][f]++; strikes[p.kind][f] >= strikesOut {
				p.learn(f, Lacking, err.Error())
			}
			return nil
		case learned || errors.Is(err, errStrike) && i > 0:
			return nil
		default:
			return err
		}
	}
	if !learned {
		return errors.New("another kind of server has answered")
	}
	return nil
}

var errNoProbe = errors.New("the server takes no probe")

var errMainLost = errors.New("the connection was lost meanwhile")

// connected waits for the transport of the session and returns it.
func (c *client) connected() (*transport, error) {
	cl := c.newCall(opNone)
	if err := c.inBackground(cl); err != nil {
		return nil, err
	}
	cl.free()
	t := c.current.Load()
	if t == nil {
		return nil, errMainLost
	}
	return t, nil
}

// lives returns nil if t is still the transport of the session, and its server answers a read: then
// that has not ended meanwhile.
func (c *client) lives(t *transport) error {
	var answered atomic.Bool // the client may end meanwhile
	cl := c.newCall(wire.OpExists)
	cl.body = append(cl.body, probeRead...)
	cl.onReply = func(wire.Code) { answered.Store(true) }
	err := c.inBackground(cl)
	switch {
	case err == nil:
		cl.free()
	case !answered.Load():
		return err
	}
	if c.current.Load() != t {
		return errMainLost
	}
	return nil
}

// inBackground does a call that counts for no limit and no hook. After an error the call is gone.
func (c *client) inBackground(cl *call) error {
	if err := c.queue.add(cl, false); err != nil {
		cl.free()
		return err
	}
	return (&Conn{c, c.base, c.life}).await(cl)
}
