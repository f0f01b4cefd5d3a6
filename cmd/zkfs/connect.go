package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"

	"github.com/zkfs/zkfs/zk"
)

// A connectOption is an option of zk.Connect.
type connectOption = func(*zk.Conn)

// requestRoom is what a request needs besides the data of a znode: header, path, ACL.
const requestRoom = 1024

// enlarge makes room for requests with up to so many bytes of data. 0 leaves it at what servers take by default.
func enlarge(maxData int) connectOption {
	return func(c *zk.Conn) {
		if maxData > 0 {
			zk.WithMaxConnBufferSize(maxData + requestRoom)(c)
		}
	}
}

// connect opens a session. The connection that it returns stands, its root is the znode of the source, and that exists.
// While it waits for a server it tells why on progress.
func (n *connection) connect(ctx context.Context, log *slog.Logger, progress io.Writer, options ...connectOption) (*zk.Conn, error) {
	conn, _, err := zk.Connect(n.servers, n.sessionTimeout, zk.WithChroot(n.chroot), zk.WithSlog(log), n.secure, all(options))
	if err != nil {
		return nil, usagef("source %q: %s", n.source, plain(err))
	}
	ctx, cancel := context.WithTimeout(ctx, n.connectTimeout)
	defer cancel()
	if err := n.await(ctx, conn, progress); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func all(options []connectOption) connectOption {
	return func(c *zk.Conn) {
		for _, option := range options {
			option(c)
		}
	}
}

// secure is the option that proves who is who.
func (n *connection) secure(c *zk.Conn) {
	for _, cr := range n.credentials {
		zk.WithAuth(cr.scheme, []byte(cr.auth))(c)
	}
	if n.tls != nil {
		zk.WithTLS(n.tls)(c)
	}
	if n.sasl != nil {
		zk.WithSASL(n.sasl)(c)
	}
}

// await returns when the session stands and the znode of the source was seen, or why that can not be.
func (n *connection) await(ctx context.Context, conn *zk.Conn, progress io.Writer) error {
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
			return failf(exitAuth, "%s refuses the credentials", conn.Server()).hinting(authHint)
		case errors.Is(err, zk.ErrSessionClosedRequireSasl):
			return failf(exitAuth, "%s takes no session without SASL", conn.Server()).hinting("--sasl=digest-md5 or --sasl=gssapi")
		case ctx.Err() != nil:
			return n.away(ctx, why)
		case errors.Is(err, zk.ErrNoServer) && why == "":
			found := diagnose(ctx, words(n.tls), zk.FormatServers(n.servers))
			why = found.text
			if found.hopeless {
				return failf(exitConnect, "%s", why).hinting("check the names in " + n.source)
			}
			say(progress, "%s; trying for %v", why, n.connectTimeout)
		case !errors.Is(err, zk.ErrNoServer) && !errors.Is(err, zk.ErrConnectionClosed) && !errors.Is(err, zk.ErrSessionExpired):
			return failf(exitConnect, "%s: %s", n.source, plain(err))
		}
	}
}

const authHint = "give credentials in ZKFS_AUTH or by --auth-file, as in digest:USER:PASSWORD"

// away is the failure of a command whose servers can not be used.
func (n *connection) away(ctx context.Context, why string) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return failf(exitConnect, "interrupted while connecting to %s", n.source)
	}
	if why == "" {
		why = diagnose(context.WithoutCancel(ctx), words(n.tls), zk.FormatServers(n.servers)).text
	}
	return failf(exitConnect, "can not connect to %s within %v: %s", n.source, n.connectTimeout, why).
		hinting("are host and port those of a ZooKeeper server that runs? `zkfs status " + n.source + "` asks it; --connect-timeout waits longer")
}
