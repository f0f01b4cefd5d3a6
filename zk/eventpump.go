package zk

import "sync"

// eventPump delivers events to the channel of Connect and to the callback. Each has a queue and a
// goroutine of its own: a program that reads the channel slowly or not at all holds up neither the
// connection nor the callback.
type eventPump struct {
	callback EventCallback // set before start
	out      chan Event
	ended    chan struct{} // closed when the goroutine of the channel has ended
	stop     chan struct{} // closed by close

	queues []*eventQueue // immutable after start
}

// eventQueue is what waits for one listener.
type eventQueue struct {
	deliver func(Event)

	mu     sync.Mutex // guards the following
	more   sync.Cond
	queue  []Event
	nodes  int // events in queue that are not of the session
	closed bool
}

const (
	eventChannel   = 16
	maxNodeEvents  = 1000 // so many wait; later ones are dropped
	maxStateEvents = 100  // so many wait, besides Expired and AuthFailed; older ones are dropped
)

// start begins to deliver.
func (p *eventPump) start() {
	p.out = make(chan Event, eventChannel)
	p.ended = make(chan struct{})
	p.stop = make(chan struct{})
	channel := newEventQueue(p.send)
	p.queues = append(p.queues, channel)
	go func() { // ends after close
		defer close(p.ended)
		defer close(p.out)
		channel.run()
	}()
	if p.callback != nil {
		callback := newEventQueue(p.callback)
		p.queues = append(p.queues, callback)
		go callback.run() // ends after close, when the callback returns
	}
}

// send puts e into the channel. After close it does so only if there is room.
func (p *eventPump) send(e Event) {
	select {
	case p.out <- e:
		return
	default:
	}
	select {
	case p.out <- e:
	case <-p.stop:
	}
}

func (p *eventPump) push(e Event) {
	for _, q := range p.queues {
		q.push(e)
	}
}

// close lets the goroutines end. The callback gets what waits; the channel gets as much as it has
// room for.
func (p *eventPump) close() {
	close(p.stop)
	for _, q := range p.queues {
		q.close()
	}
}

func newEventQueue(deliver func(Event)) *eventQueue {
	q := &eventQueue{deliver: deliver}
	q.more.L = &q.mu
	return q
}

func (q *eventQueue) push(e Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e.Type != EventSession {
		if q.nodes >= maxNodeEvents {
			return
		}
		q.nodes++
	} else if len(q.queue)-q.nodes >= maxStateEvents {
		q.dropState()
	}
	q.queue = append(q.queue, e)
	q.more.Signal()
}

// dropState removes the oldest change of state that the next one makes obsolete. A session that expired and
// credentials that were refused are never obsolete: a further Expired replaces an earlier one. The caller holds mu.
func (q *eventQueue) dropState() {
	for i, e := range q.queue {
		if e.Type == EventSession && e.State != StateExpired && e.State != StateAuthFailed {
			q.queue = append(q.queue[:i], q.queue[i+1:]...)
			return
		}
	}
	for i, e := range q.queue {
		if e.Type == EventSession {
			q.queue = append(q.queue[:i], q.queue[i+1:]...)
			return
		}
	}
}

func (q *eventQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.more.Signal()
}

// run delivers until close was called and nothing waits.
func (q *eventQueue) run() {
	for {
		e, more := q.next()
		if !more {
			return
		}
		q.deliver(e)
	}
}

// next waits for an event. It returns false after the last one.
func (q *eventQueue) next() (e Event, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.queue) == 0 && !q.closed {
		q.more.Wait()
	}
	if len(q.queue) == 0 {
		return Event{}, false
	}
	e = q.queue[0]
	if q.queue = q.queue[1:]; e.Type != EventSession {
		q.nodes--
	}
	return e, true
}
