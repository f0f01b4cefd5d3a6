package zk

import (
	"context"
	"fmt"
	"log"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Dialer opens a transport to one server. It must give up after timeout.
type Dialer func(network, address string, timeout time.Duration) (net.Conn, error)

// EventCallback is called with every event, see [WithEventCallback].
type EventCallback func(Event)

// Conn is a client of a ZooKeeper ensemble: one session, and one connection at a time to one of its
// servers.
//
// A lost connection is made again, to any server, for as long as the session lives: the server
// keeps the session's ephemeral znodes meanwhile, and the client sends its credentials and sets its
// watches again before any later request. When the session has expired, the client says so with a
// [StateExpired] event, ends all watches, and opens another session by itself.
//
// All methods may be called from many goroutines at once. Requests reach the server in the order of
// the calls, and are answered in that order.
type Conn struct {
	*client
	chroot                 // of this view
	ctx    context.Context // ends the calls of this view
}

// client is what the views of a connection share.
type client struct {
	// immutable after Connect
	dialer         Dialer          // nil for the default one: its dials can be interrupted
	secrets        func() *Secrets // for the next connection; returns given unless renewed
	given          Secrets         // by WithTLS and WithSASL
	renewed        bool            // secrets is that of WithSecrets
	hosts          HostProvider
	base           chroot // of the Conn that Connect returned
	sessionTimeout time.Duration
	connectTimeout time.Duration // 0: derived from the session timeout
	readOnly       bool
	lasting        bool          // only a server ends the session
	dynamic        bool          // the servers follow /zookeeper/config
	singleReads    bool          // Gets do not travel together
	maxRequest     int           // largest frame to send
	maxReply       int           // largest frame to accept
	slots          chan struct{} // one token per call in flight; nil if unlimited
	hook           func(RequestInfo)
	trace          *log.Logger

	callPool
	log      logger
	doubted  sync.Once // see doubt
	misreads sync.Map  // of operations, see logMisread
	features features
	queue    queue
	creds    credentials
	watches  watchTable
	events   eventPump

	getBytes atomic.Int64 // about how long the replies to recent Gets were
	unarmed  atomic.Int32 // connections in a row that a server ended over setWatches, see prime
	unwanted atomic.Int64 // until when want asks nothing, in nanoseconds after birth
	unproved atomic.Int64 // until when calls that can do without do not wait for probes; likewise

	// shown to users
	state      atomic.Int32
	lastZxid   atomic.Int64
	server     atomic.Pointer[string]
	current    atomic.Pointer[transport] // nil while there is none
	negotiated atomic.Int64              // session timeout in nanoseconds
	heard      atomic.Int64              // when a server was last heard in this session, in nanoseconds after birth
	proven     atomic.Int64              // when the session lived for certain, see prove; likewise
	birth      time.Time

	sessionMu sync.Mutex // guards the next two
	sessionID int64
	password  []byte

	// owned by the session goroutine
	seenRW     bool   // the session was confirmed by a server that can write
	prefer     string // the server to try next; also set by a transport's probe while that runs
	backoff    backoff
	slow       bool   // an attempt to connect timed out in this round of the servers
	slowRounds int    // so many rounds in a row had one
	logged     string // the last failure that was logged
	mute       int    // so many connections in a row were closed in the SASL exchange, without a word
	accepted   bool   // a server has accepted the secrets once
	refusals   refusals

	life    context.Context // ends with Close
	endLife context.CancelFunc
	closing <-chan struct{} // life.Done()
	done    chan struct{}   // closed when all goroutines but the event pump have ended
}

// The server's default packet limit (jute.maxbuffer), and ours for what it sends: a list of
// children may exceed its own.
const (
	defaultMaxRequest = 0xfffff
	defaultMaxReply   = 1 << 28
)

var noPassword = make([]byte, 16)

// Connect starts a session with one of servers, each "host" or "host:port" (an IPv6 address in
// brackets), and returns at once: calls wait until the session stands. Names are resolved at each
// dial. servers is not changed.
//
// It fails if no server has a valid host and port, or if DNS says of every name that it does not
// exist. It asks only where no server is an address, and waits no longer than a second. With
// [WithDialer] or [WithHostProvider] it does not ask.
//
// The session timeout is how long the session lives on after its connection is lost; the server
// bounds it (by default to 2 to 20 of its ticks), see [Conn.SessionTimeout]. The channel delivers
// the changes of the connection's state and a copy of every watch event. It need not be read: watch
// events are dropped when thousands of them wait, state changes are not. It is closed after Close.
func Connect(servers []string, sessionTimeout time.Duration, options ...Option) (*Conn, <-chan Event, error) {
	if len(servers) == 0 {
		return nil, nil, errNoServers
	}
	c := &Conn{
		ctx: context.Background(),
		client: &client{
			hosts:          new(serverList),
			sessionTimeout: sessionTimeout,
			maxRequest:     defaultMaxRequest,
			maxReply:       defaultMaxReply,
			password:       noPassword,
			birth:          time.Now(),
			done:           make(chan struct{}),
		},
	}
	c.secrets = func() *Secrets { return &c.given }
	c.life, c.endLife = context.WithCancel(context.Background())
	c.closing = c.life.Done()
	c.log.set(DefaultLogger)
	c.log.info.Store(true)
	for _, option := range options {
		option(c)
	}
	base, err := chrootAt(string(c.chroot))
	if err != nil {
		return nil, nil, err
	}
	c.base, c.chroot = base, base
	servers = FormatServers(servers)
	if _, ours := c.hosts.(*serverList); ours && c.dialer == nil {
		if err := checkServers(servers, net.DefaultResolver.LookupHost); err != nil {
			return nil, nil, err
		}
	}
	if err := c.hosts.Init(servers); err != nil {
		return nil, nil, err
	}
	c.negotiated.Store(int64(sessionTimeout))
	c.queue.init()
	c.watches.init(c.client)
	c.events.start()  // its goroutines end when the session goroutine has closed it
	go c.client.run() // ends after Close
	if _, ours := c.hosts.(*serverList); ours && c.dynamic {
		c.features.attend(func() { c.followConfig(servers) })
	}
	return c, c.events.out, nil
}

// ConnectWithDialer is Connect with the option [WithDialer]; nil stands for the default.
func ConnectWithDialer(servers []string, sessionTimeout time.Duration, dialer Dialer) (*Conn, <-chan Event, error) {
	return Connect(servers, sessionTimeout, WithDialer(dialer))
}

// WithContext returns a view of the same connection. Its calls end with ctx: such a call returns an
// [InterruptedError] at once, and its reply is discarded when it comes. Closing the view closes the
// connection.
func (c *Conn) WithContext(ctx context.Context) *Conn { return &Conn{c.client, c.chroot, ctx} }

// Chroot returns a view of the same connection and session with path as its root: as [WithChroot]
// does for all calls, it prefixes every path of the view's calls, and strips it from everything
// that comes back to them, the events of its watches and of its [Conn.OnEvent] included. The
// channel of [Connect] and the callback of [WithEventCallback] go on with the paths of the
// connection. The znode need not exist. Closing the view closes the connection.
//
// The error is ErrInvalidPath.
func (c *Conn) Chroot(path string) (*Conn, error) {
	full, err := c.serverPath(path)
	if err != nil {
		return nil, fmt.Errorf("zk: chroot %q: %w", path, err)
	}
	root, err := chrootAt(full)
	if err != nil {
		return nil, err
	}
	return &Conn{c.client, root, c.ctx}, nil
}

// Close ends the session: the server deletes its ephemeral znodes, calls that have not been sent
// fail with [ErrClosing], those that have get their replies, watches end with [EventNotWatching].
// It waits for a server no longer than a second; if none confirms, the session ends by its timeout.
// When it returns all goroutines of the client have ended, but for an event callback or a dialer
// that has not returned. It may be called more than once.
func (c *Conn) Close() {
	c.endLife()
	<-c.done
	<-c.events.ended
}

// State returns the current state of the connection.
func (c *Conn) State() State { return State(c.state.Load()) }

// WaitConnected returns when a server serves requests: the state is [StateHasSession], or
// [StateConnectedReadOnly] with [WithReadOnly]. That may be over when the caller looks. Calls wait
// by themselves: it is for programs that begin, or report, only with a connection.
//
// Its errors are an [InterruptedError] if the context of c ends first, ErrAuthFailed when the
// servers have refused the credentials for good, and ErrClosing after Close. A server answers to
// those of [WithAuth] after the session stands.
func (c *Conn) WaitConnected() error {
	changed := make(chan struct{}, 1)
	defer c.OnEvent(func(e Event) {
		if e.Type == EventSession {
			select {
			case changed <- struct{}{}:
			default: // one is enough: the state is looked at after it
			}
		}
	})()
	for {
		switch c.State() {
		case StateHasSession, StateConnectedReadOnly:
			return nil
		case StateAuthFailed:
			return ErrAuthFailed
		}
		if err := c.over(); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-c.ctx.Done():
		case <-c.closing:
		}
	}
}

// Server returns the address of the server that is, or was last, connected; "" before the first.
func (c *Conn) Server() string { return c.serverName() }

// SessionID returns the id of the session, 0 before the first server has answered. It changes after
// expiry.
func (c *Conn) SessionID() int64 {
	id, _ := c.client.session()
	return id
}

// SessionPassword returns what resumes the session together with its id, see [WithSession]. Keep it
// secret.
func (c *Conn) SessionPassword() []byte {
	_, password := c.client.session()
	return append([]byte(nil), password...)
}

func (c *client) session() (int64, []byte) {
	c.sessionMu.Lock()
	defer c.sessionMu.Unlock()
	return c.sessionID, c.password
}

func (c *client) setSession(id int64, password []byte) {
	c.sessionMu.Lock()
	defer c.sessionMu.Unlock()
	c.sessionID, c.password = id, password
}

// SessionTimeout returns the timeout that the server granted; before it did, the one asked for.
func (c *Conn) SessionTimeout() time.Duration { return time.Duration(c.negotiated.Load()) }

// Silence returns for how long no server has been heard in this session: no reply, no event and no
// answer to a ping, which are sent every third of the session timeout or more often. It grows while
// there is no connection and after Close, and begins anew when a session is resumed or granted.
// Before the first session it counts from Connect.
func (c *Conn) Silence() time.Duration { return c.silence() }

// LastZxid returns the last transaction that the session has seen in a reply.
func (c *Conn) LastZxid() int64 { return c.lastZxid.Load() }

// SetLogger makes the client log to l from now on.
func (c *Conn) SetLogger(l Logger) { c.log.set(l) }

// OnEvent calls f with every watch event and every change of the connection's state, in order,
// before any later reply is delivered to its caller: a cache that f marks as stale can not be asked
// between a change and its event. f runs on the goroutine that reads from the server. It must not
// block and must not call c. Node events come once per event of the server, whichever call set the
// watch. cancel ends the calls.
//
// An event whose path no znode below the chroot can have is logged, once for the connection, and
// dropped. The connection goes on: other servers than ZooKeeper's may hold such znodes, and any of
// their clients could end it.
func (c *Conn) OnEvent(f func(Event)) (cancel func()) { return c.watches.observe(c.chroot, f) }
