package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// requestRoom is what a request needs besides the data of a znode: header, path, ACL.
const requestRoom = 1024

// enlarge makes room for requests with up to so many bytes of data. 0 leaves it at what servers take by default.
func enlarge(maxData int) zk.Option {
	return func(c *zk.Conn) {
		if maxData > 0 {
			zk.WithMaxConnBufferSize(maxData + requestRoom)(c)
		}
	}
}

// connect opens a session. The connection that it returns stands, its root is the znode of the source, and that exists.
// While it waits for a server it tells why on progress.
func (n *connection) connect(
	ctx context.Context, log *slog.Logger, progress io.Writer, options ...zk.Option,
) (*zk.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, n.connectTimeout)
	defer cancel()
	n.secrets.log = log
	var why string // no name is known
	options = append([]zk.Option{zk.WithChroot(n.chroot), zk.WithSlog(log), zk.WithSecrets(n.secrets.get)}, options...)
	conn, err := untilKnown(ctx, func() (*zk.Conn, error) {
		conn, _, err := zk.Connect(n.servers, n.sessionTimeout, options...)
		return conn, err
	}, func() { why = n.tell(ctx, progress) })
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil, n.away(ctx, why)
	default:
		return nil, usagef("source %q: %s", n.source, plain(err))
	}
	if err := n.await(ctx, conn, progress); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// nameWait is the pause between attempts to connect to names that are not known yet, as those of
// containers that are about to start.
const nameWait = 500 * time.Millisecond

// untilKnown calls connect until it finds the name of a server, and unknown when it does not at
// first. It fails with the error of the last attempt.
func untilKnown(ctx context.Context, connect func() (*zk.Conn, error), unknown func()) (*zk.Conn, error) {
	for first := true; ; first = false {
		conn, err := connect()
		var dns *net.DNSError
		if !errors.As(err, &dns) || ctx.Err() != nil {
			return conn, err
		}
		if first {
			unknown()
		}
		select {
		case <-time.After(nameWait):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// await returns when the session stands and the znode of the source was seen, or why that can not be.
func (n *connection) await(ctx context.Context, conn *zk.Conn, progress io.Writer) error {
	var refusal atomic.Pointer[zk.Event] // the last one
	defer conn.OnEvent(func(e zk.Event) {
		if errors.Is(e.Err, zk.ErrAuthFailed) {
			refusal.Store(&e)
		}
	})()
	var why string // the servers can not be used
	for {
		exists, _, err := conn.WithContext(ctx).Exists("/")
		switch {
		case err == nil && exists:
			return nil
		case err == nil:
			return failf(exitChroot, "the znode %s does not exist on %s", n.chroot, conn.Server()).
				hinting("create it, or leave the path away: " + strings.Join(n.servers, ","))
		case errors.Is(err, zk.ErrAuthFailed):
			return refused(conn.Server(), err)
		case errors.Is(err, zk.ErrSessionClosedRequireSasl):
			return failf(exitAuth, "%s takes no session without SASL", conn.Server()).hinting("--sasl=digest-md5 or --sasl=gssapi")
		case errors.Is(ctx.Err(), context.DeadlineExceeded) && refusal.Load() != nil:
			return refused(refusal.Load().Server, refusal.Load().Err)
		case ctx.Err() != nil:
			return n.away(ctx, why)
		case errors.Is(err, zk.ErrNoServer) && why == "":
			why = n.tell(ctx, progress)
		case !errors.Is(err, zk.ErrNoServer) && !errors.Is(err, zk.ErrConnectionClosed) && !errors.Is(err, zk.ErrSessionExpired):
			return failf(exitConnect, "%s: %s", n.source, plain(err))
		}
	}
}

// refused is the failure of a command after a server has refused its credentials or certificate.
func refused(server string, err error) error {
	if alert, ok := errors.AsType[*net.OpError](err); ok {
		return failf(exitAuth, "%s %s", server, ailment(alert)).
			hinting("--tls-cert and --tls-key name one that it takes")
	}
	return failf(exitAuth, "%s refuses the credentials", server).hinting(authHint)
}

// tell says on progress why the servers can not be used yet, and returns that.
func (n *connection) tell(ctx context.Context, progress io.Writer) (why string) {
	why = diagnose(ctx, n.secrets.words(), zk.FormatServers(n.servers))
	say(progress, "%s; trying for %v", why, n.connectTimeout)
	return why
}

const authHint = "give credentials in ZKFS_AUTH or by --auth-file, as in digest:USER:PASSWORD"

// away is the failure of a command whose servers can not be used.
func (n *connection) away(ctx context.Context, why string) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return failf(exitConnect, "interrupted while connecting to %s", n.source)
	}
	if why == "" {
		why = diagnose(context.WithoutCancel(ctx), n.secrets.words(), zk.FormatServers(n.servers))
	}
	return failf(exitConnect, "can not connect to %s within %v: %s", n.source, n.connectTimeout, why).
		hinting("are host and port those of a ZooKeeper server that runs? `zkfs status " + n.source + "` asks it; --connect-timeout waits longer")
}
