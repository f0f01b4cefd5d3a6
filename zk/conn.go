package zk

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Dialer opens a transport to one server. It must give up after timeout.
type Dialer func(network, address string, timeout time.Duration) (net.Conn, error)

// EventCallback is called with every event, see [WithEventCallback].
type EventCallback func(Event)

// Conn is a client of a ZooKeeper ensemble: one session, and one connection at a time to one of its servers.
//
// A lost connection is made again, to any server, for as long as the session lives: the server keeps the
// session's ephemeral znodes meanwhile, and the client sends its credentials and sets its watches again before
// any later request. When the session has expired, the client says so with a [StateExpired] event, ends all
// watches, and opens another session by itself.
//
// All methods may be called from many goroutines at once. Requests reach the server in the order of the
// calls, and are answered in that order.
type Conn struct {
	*client
	ctx context.Context // ends the calls of this view
}

// Option is an option of [Connect]: what the With functions return, or any other function that sets
// up a Conn before its first request. Options take effect in their order.
type Option = func(*Conn)

// client is what the views of a connection share.
type client struct {
	// immutable after Connect
	dialer         Dialer          // nil for the default one: its dials can be interrupted
	secrets        func() *Secrets // for the next connection; returns given unless renewed
	given          Secrets         // by WithTLS and WithSASL
	renewed        bool            // secrets is that of WithSecrets
	hosts          HostProvider
	chroot         string // "" or "/a/b"
	sessionTimeout time.Duration
	connectTimeout time.Duration // 0: derived from the session timeout
	readOnly       bool
	lasting        bool          // only a server ends the session
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

// The server's default packet limit (jute.maxbuffer), and ours for what it sends: a list of children may exceed its own.
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
		return nil, nil, errors.New("zk: server list must not be empty")
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
	if c.chroot != "" {
		if err := validatePath(c.chroot); err != nil {
			return nil, nil, fmt.Errorf("zk: chroot %q: %w", c.chroot, ErrInvalidPath)
		}
	}
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
	return c, c.events.out, nil
}

// ConnectWithDialer is Connect with the option [WithDialer]; nil stands for the default.
func ConnectWithDialer(servers []string, sessionTimeout time.Duration, dialer Dialer) (*Conn, <-chan Event, error) {
	return Connect(servers, sessionTimeout, WithDialer(dialer))
}

// WithDialer makes the client open its transports with dialer. It is abandoned, not interrupted, when it takes longer than Close waits.
func WithDialer(dialer Dialer) Option { return func(c *Conn) { c.dialer = dialer } }

// WithHostProvider lets p choose the server of each attempt to connect.
func WithHostProvider(p HostProvider) Option { return func(c *Conn) { c.hosts = p } }

// WithLogger sets the logger, as [Conn.SetLogger] but before the first line.
func WithLogger(l Logger) Option { return func(c *Conn) { c.log.set(l) } }

// WithSlog logs to l.
func WithSlog(l *slog.Logger) Option { return func(c *Conn) { c.log.set(slogLogger{l}) } }

// WithLogInfo says whether to log more than errors. It does by default.
func WithLogInfo(on bool) Option { return func(c *Conn) { c.log.info.Store(on) } }

// WithEventCallback calls cb with everything that the channel of Connect delivers, one event at a
// time, in order, on a goroutine of its own: a callback that blocks delays later events only.
// Whether the channel is read makes no difference to it.
func WithEventCallback(cb EventCallback) Option { return func(c *Conn) { c.events.callback = cb } }

// WithMaxBufferSize bounds the replies that the client accepts, in bytes. A larger one is read and
// thrown away, and its call fails with [ErrReplyTooLarge]. Zero or less stands for the default of
// 256 MiB: servers may send far more than they accept.
func WithMaxBufferSize(bytes int) Option {
	return func(c *Conn) {
		if bytes > 0 {
			c.maxReply = bytes
		}
	}
}

// WithMaxConnBufferSize bounds the requests, in bytes; larger ones fail with [ErrTooLarge]. Set it to the server's
// jute.maxbuffer if that is not its default of 1048575: a server drops the connection of a client that exceeds it.
func WithMaxConnBufferSize(bytes int) Option { return func(c *Conn) { c.maxRequest = bytes } }

// WithMaxInFlight bounds the calls that wait for a reply at one time; further ones block until one ends or their context does.
func WithMaxInFlight(n int) Option { return func(c *Conn) { c.slots = make(chan struct{}, n) } }

// WithConnectTimeout bounds each attempt to connect to a server, handshakes included. The default
// is the session timeout divided by the number of servers, and no more than two thirds of it; where
// that does not suffice it doubles from one round of the servers to the next, up to 10 seconds.
func WithConnectTimeout(d time.Duration) Option { return func(c *Conn) { c.connectTimeout = d } }

// WithChroot prefixes every path of every call with path, and strips it from everything that comes back.
// The znode need not exist. "" and "/" stand for none.
func WithChroot(path string) Option {
	return func(c *Conn) {
		if path == "/" {
			path = ""
		}
		c.chroot = path
	}
}

// WithTLS encrypts the connection. Where cfg names no ServerName the host's name or address of the connect string is verified.
func WithTLS(cfg *tls.Config) Option { return func(c *Conn) { c.given.TLS = cfg } }

// WithReadOnly accepts servers that have lost their quorum and serve reads only (readonlymode.enabled): the state
// is then [StateConnectedReadOnly], writes fail with [ErrNotReadOnly], and the client goes on
// looking for a server that can write, and moves there.
func WithReadOnly() Option { return func(c *Conn) { c.readOnly = true } }

// WithSession resumes the session that another Conn exported by [Conn.SessionID] and [Conn.SessionPassword].
// If it is gone, an Expired event tells so and another session is opened.
func WithSession(id int64, password []byte) Option {
	return func(c *Conn) {
		c.sessionID, c.password = id, append([]byte(nil), password...)
		c.seenRW = true
	}
}

// WithServerExpiry lets only a server end the session, as in go-zookeeper and in Java before 3.9.3.
// By default it also ends when no server was heard for 4/3 of its timeout: by then the ensemble has
// ended it, if there is one that has a leader. With this option the client resumes the session
// after an outage of the whole ensemble, which does not count that time; until then it cannot know
// whether its ephemeral znodes and locks are still there, see [Conn.Silence].
func WithServerExpiry() Option { return func(c *Conn) { c.lasting = true } }

// WithAuth authenticates every connection from the first on, before any other request. A server that
// refuses the credentials ends the client: its state is [StateAuthFailed], all calls fail with [ErrAuthFailed].
func WithAuth(scheme string, auth []byte) Option {
	return func(c *Conn) { c.creds.remember(credential{scheme, append([]byte(nil), auth...)}) }
}

// WithContext returns a view of the same connection whose calls end with ctx: such a call returns an
// [InterruptedError] at once, and its reply is discarded when it comes. Closing the view closes the connection.
func (c *Conn) WithContext(ctx context.Context) *Conn { return &Conn{c.client, ctx} }

// Close ends the session: the server deletes its ephemeral znodes, calls that have not been sent fail with [ErrClosing], those
// that have get their replies, watches end with [EventNotWatching]. It waits for a server no longer
// than a second; if none confirms, the session ends by its timeout. When it returns all goroutines of
// the client have ended, but for an event callback or a dialer that has not returned. It may be called more than once.
func (c *Conn) Close() {
	c.endLife()
	<-c.done
	<-c.events.ended
}

// State returns the current state of the connection.
func (c *Conn) State() State { return State(c.state.Load()) }

// Server returns the address of the server that is, or was last, connected; "" before the first.
func (c *Conn) Server() string { return c.serverName() }

// SessionID returns the id of the session, 0 before the first server has answered. It changes after expiry.
func (c *Conn) SessionID() int64 {
	id, _ := c.client.session()
	return id
}

// SessionPassword returns what resumes the session together with its id, see [WithSession]. Keep it secret.
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

// Silence returns for how long no server has been heard in this session: no reply, no event and no answer to a ping,
// which are sent every third of the session timeout or more often. It grows while there is no connection and after Close, and begins anew when a
// session is resumed or granted. Before the first session it counts from Connect.
func (c *Conn) Silence() time.Duration { return c.silence() }

// LastZxid returns the last transaction that the session has seen in a reply.
func (c *Conn) LastZxid() int64 { return c.lastZxid.Load() }

// SetLogger makes the client log to l from now on.
func (c *Conn) SetLogger(l Logger) { c.log.set(l) }

// OnEvent calls f with every watch event and every change of the connection's state, in order, before any later reply
// is delivered to its caller: a cache that f marks as stale can not be asked between a change and its event.
// f runs on the goroutine that reads from the server. It must not block and must not call c. Node events
// come once per event of the server, whoever asked for the watch. cancel ends the calls.
//
// An event whose path no znode below the chroot can have is logged, once for the connection, and
// dropped. The connection goes on: other servers than ZooKeeper's may hold such znodes, and any of
// their clients could end it.
func (c *Conn) OnEvent(f func(Event)) (cancel func()) { return c.watches.observe(f) }
