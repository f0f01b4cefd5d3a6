package zk

import "sync"

// eventPump delivers events to the channel of Connect and the callback, on a goroutine
// of its own, so that nobody who listens slowly or not at all can hold up the connection.
type eventPump struct {
	callback EventCallback // set before the pump runs
	out      chan Event
	ended    chan struct{} // closed when run has ended

	mu     sync.Mutex // guards the following
	more   sync.Cond
	queue  []Event
	nodes  int // events in queue that are not of the session
	closed bool
	stop   chan struct{} // closed by close
}

const (
	eventChannel   = 16
	maxNodeEvents  = 1000 // so many wait; later ones are dropped
	maxStateEvents = 100  // so many wait, besides Expired and AuthFailed; older ones are dropped
)

func (p *eventPump) init() {
	p.out = make(chan Event, eventChannel)
	p.ended = make(chan struct{})
	p.stop = make(chan struct{})
	p.more.L = &p.mu
}

func (p *eventPump) push(e Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.Type != EventSession {
		if p.nodes >= maxNodeEvents {
			return
		}
		p.nodes++
	} else if len(p.queue)-p.nodes >= maxStateEvents {
		p.dropState()
	}
	p.queue = append(p.queue, e)
	p.more.Signal()
}

// dropState removes the oldest change of state that the next one makes obsolete. A session that expired and
// credentials that were refused are never obsolete: a further Expired replaces an earlier one. The caller holds mu.
func (p *eventPump) dropState() {
	for i, e := range p.queue {
		if e.Type == EventSession && e.State != StateExpired && e.State != StateAuthFailed {
			p.queue = append(p.queue[:i], p.queue[i+1:]...)
			return
		}
	}
	for i, e := range p.queue {
		if e.Type == EventSession {
			p.queue = append(p.queue[:i], p.queue[i+1:]...)
			return
		}
	}
}

// close ends the pump. What waits is delivered as far as the channel has room.
func (p *eventPump) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	close(p.stop)
	p.more.Signal()
}

// run ends after close.
func (p *eventPump) run() {
	defer close(p.ended)
	defer close(p.out)
	for {
		p.mu.Lock()
		for len(p.queue) == 0 && !p.closed {
			p.more.Wait()
		}
		if len(p.queue) == 0 {
			p.mu.Unlock()
			return
		}
		e := p.queue[0]
		if p.queue = p.queue[1:]; e.Type != EventSession {
			p.nodes--
		}
		p.mu.Unlock()
		if p.callback != nil {
			p.callback(e)
		}
		select {
		case p.out <- e:
			continue
		default:
		}
		select {
		case p.out <- e:
		case <-p.stop:
		}
	}
}
