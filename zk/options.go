package zk

import (
	"crypto/tls"
	"log/slog"
	"time"
)

// Option is an option of [Connect]: what the With functions return, or any other function that sets
// up a Conn before its first request. Options take effect in their order.
type Option = func(*Conn)

// WithDialer makes the client open its transports with dialer. It is abandoned, not interrupted,
// when it takes longer than Close waits.
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

// WithMaxConnBufferSize bounds the requests, in bytes; larger ones fail with [ErrTooLarge]. Set it
// to the server's jute.maxbuffer if that is not its default of 1048575: a server drops the
// connection of a client that exceeds it.
func WithMaxConnBufferSize(bytes int) Option { return func(c *Conn) { c.maxRequest = bytes } }

// WithMaxInFlight bounds the calls that wait for a reply at one time; further ones block until one
// ends or their context does.
func WithMaxInFlight(n int) Option { return func(c *Conn) { c.slots = make(chan struct{}, n) } }

// WithConnectTimeout bounds each attempt to connect to a server, handshakes included. The default
// is the session timeout divided by the number of servers, and no more than two thirds of it; where
// that does not suffice it doubles from one round of the servers to the next, up to 10 seconds.
func WithConnectTimeout(d time.Duration) Option { return func(c *Conn) { c.connectTimeout = d } }

// WithChroot prefixes every path of every call with path, and strips it from everything that comes
// back. The znode need not exist. "" and "/" stand for none.
func WithChroot(path string) Option { return func(c *Conn) { c.chroot = chroot(path) } }

// WithTLS encrypts the connection. Where cfg names no ServerName the host's name or address of the
// connect string is verified.
func WithTLS(cfg *tls.Config) Option { return func(c *Conn) { c.given.TLS = cfg } }

// WithReadOnly accepts servers that have lost their quorum and serve reads only
// (readonlymode.enabled): the state is then [StateConnectedReadOnly], writes fail with
// [ErrNotReadOnly], and the client goes on looking for a server that can write, and moves there.
func WithReadOnly() Option { return func(c *Conn) { c.readOnly = true } }

// WithSession resumes the session that another Conn exported by [Conn.SessionID] and
// [Conn.SessionPassword]. If it is gone, an Expired event tells so and another session is opened.
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

// WithAuth authenticates every connection from the first on, before any other request. A server
// that refuses the credentials ends the client: its state is [StateAuthFailed], all calls fail with
// [ErrAuthFailed].
func WithAuth(scheme string, auth []byte) Option {
	return func(c *Conn) { c.creds.remember(credential{scheme, append([]byte(nil), auth...)}) }
}
