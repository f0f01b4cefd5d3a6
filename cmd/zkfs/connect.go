package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/zkfs/zkfs/zk"
)

// requestRoom is what a request needs besides the data of a znode: header, path, ACL.
const requestRoom = 1024

// connect opens the session for a mount. The connection that it returns stands, and the znode to mount exists.
// While it waits for a server it tells why on progress.
func connect(ctx context.Context, s *settings, log *slog.Logger, progress io.Writer) (*zk.Conn, error) {
	conn, _, err := zk.Connect(s.servers, s.sessionTimeout, zk.WithChroot(s.chroot), zk.WithSlog(log), s.authenticate, s.enlarge)
	if err != nil {
		return nil, usagef("source %q: %s", s.source, plain(err))
	}
	ctx, cancel := context.WithTimeout(ctx, s.connectTimeout)
	defer cancel()
	if err := s.await(ctx, conn, progress); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// authenticate is an option of zk.Connect.
func (s *settings) authenticate(c *zk.Conn) {
	for _, cr := range s.credentials {
		zk.WithAuth(cr.scheme, []byte(cr.auth))(c)
	}
}

// enlarge is an option of zk.Connect.
func (s *settings) enlarge(c *zk.Conn) {
	if s.fs.MaxData > 0 {
		zk.WithMaxConnBufferSize(s.fs.MaxData + requestRoom)(c)
	}
}

// await returns when the session stands and the znode to mount was seen, or why that can not be.
func (s *settings) await(ctx context.Context, conn *zk.Conn, progress io.Writer) error {
	var why string // the servers can not be used
	for {
		exists, _, err := conn.WithContext(ctx).Exists("/")
		switch {
		case err == nil && exists:
			return nil
		case err == nil:
			return failf(exitChroot, "the znode %s does not exist on %s", s.chroot, conn.Server()).
				hinting("create it, or mount the root: zkfs mount " + strings.Join(s.servers, ",") + " " + s.mountpoint)
		case errors.Is(err, zk.ErrAuthFailed):
			return failf(exitAuth, "%s refuses the credentials", conn.Server()).hinting(authHint)
		case ctx.Err() != nil:
			return s.away(ctx, why)
		case errors.Is(err, zk.ErrNoServer) && why == "":
			found := diagnose(ctx, s.fs.Servers)
			why = found.text
			if found.hopeless {
				return failf(exitConnect, "%s", why).hinting("check the names in " + s.source)
			}
			fmt.Fprintf(progress, "zkfs: %s; trying for %v\n", why, s.connectTimeout)
		case !errors.Is(err, zk.ErrNoServer) && !errors.Is(err, zk.ErrConnectionClosed) && !errors.Is(err, zk.ErrSessionExpired):
			return failf(exitConnect, "%s: %s", s.source, plain(err))
		}
	}
}

const authHint = "give credentials in ZKFS_AUTH or by --auth-file, as in digest:bob:secret"

// away is the failure of a mount whose servers can not be used.
func (s *settings) away(ctx context.Context, why string) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return failf(exitConnect, "interrupted while connecting to %s", s.source)
	}
	if why == "" {
		why = "no answer"
	}
	return failf(exitConnect, "can not connect to %s within %v: %s", s.source, s.connectTimeout, why).
		hinting("are host and port those of a ZooKeeper server that runs? `echo srvr | nc HOST PORT` asks it; --connect-timeout waits longer")
}
