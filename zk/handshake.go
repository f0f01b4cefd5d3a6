package zk

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// open connects to server and agrees on the session. The error is ErrSessionExpired if the server says so.
func (c *client) open(server string, s *Secrets) (*transport, error) {
	limit := c.connectLimit()
	ctx, cancel := context.WithTimeout(c.life, limit)
	defer cancel()
	conn, err := c.dial(ctx, server, limit)
	if err != nil {
		c.slow = c.slow || ctx.Err() != nil
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	t, err := c.handshake(ctx, server, s, conn)
	if err == nil && !stop() {
		err = context.Cause(ctx)
	}
	if err != nil && ctx.Err() != nil {
		c.slow = true
		err = fmt.Errorf("no connection after %v: %w", limit, err)
	}
	if err != nil {
		c.current.Store(nil)
		conn.Close()
		return nil, err
	}
	return t, nil
}

// maxPatience is how long an attempt to connect may take at least, after shorter ones have not
// sufficed.
const maxPatience = 10 * time.Second

// connectLimit bounds one attempt to connect, so that the session survives one that hangs. It
// doubles with each round of the servers in which it was not enough for one of them: a server may
// be slow rather than dead.
func (c *client) connectLimit() time.Duration {
	if c.connectTimeout > 0 {
		return c.connectTimeout
	}
	limit := min(c.timeout()*2/3, c.timeout()/time.Duration(max(1, c.hosts.Len())))
	return min(limit<<min(c.slowRounds, 10), max(limit, maxPatience))
}

// dial opens the transport. A dialer of the user's cannot be interrupted, so it is left behind when ctx
// ends, and its connection closed if it comes after all.
func (c *client) dial(ctx context.Context, server string, limit time.Duration) (net.Conn, error) {
	if c.dialer == nil {
		return dialAny(ctx, server)
	}
	type result struct {
		conn net.Conn
		err  error
	}
	results := make(chan result)
	go func() { // ends when the dialer returns
		conn, err := c.dialer("tcp", server, limit)
		select {
		case results <- result{conn, err}:
		case <-ctx.Done():
			if err == nil {
				conn.Close()
			}
		}
	}()
	select {
	case r := <-results:
		return r.conn, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("dialer has not returned: %w", ctx.Err())
	}
}

// dialAny connects to one of the addresses of server, in random order: the first that accepts a connection may be that of
// a server which then does not serve, so that it must not be the first each time.
func dialAny(ctx context.Context, server string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		return nil, err
	}
	addresses, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return nil, err
	}
	rand.Shuffle(len(addresses), func(i, j int) { addresses[i], addresses[j] = addresses[j], addresses[i] })
	deadline, _ := ctx.Deadline()
	for i, address := range addresses {
		share := time.Until(deadline) / time.Duration(len(addresses)-i)
		var conn net.Conn
		conn, err = (&net.Dialer{Timeout: share}).DialContext(ctx, "tcp", net.JoinHostPort(address, port))
		if err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// handshake turns a fresh connection into a transport whose output begins with the prelude.
func (c *client) handshake(ctx context.Context, server string, s *Secrets, conn net.Conn) (*transport, error) {
	conn, err := c.encrypt(ctx, server, s.TLS, conn)
	if err != nil {
		return nil, err
	}
	if c.trace != nil {
		conn = traced(conn, c.trace)
	}
	c.setState(StateConnected, nil)
	deadline, _ := ctx.Deadline()
	in := &pacedReader{conn: conn, silence: time.Until(deadline)}
	t := &transport{
		c: c, conn: conn, in: in, r: bufio.NewReaderSize(in, readBuffer),
		stop: make(chan struct{}), server: server, secrets: s,
	}
	if err := conn.SetWriteDeadline(deadline); err != nil {
		return nil, err
	}
	sent := time.Since(c.birth)
	request := c.connectRequest()
	if _, err := conn.Write(wire.AppendFrame(nil, &request)); err != nil {
		return nil, err
	}
	response, err := readConnectResponse(t.r)
	if err != nil {
		err = c.orRefusal(err) // TLS 1.3 tells here what the server makes of a certificate
	} else {
		err = refused(response, request.SessionID)
	}
	if err != nil {
		return nil, err
	}
	t.kind = kindOf(server, response)
	c.resumed(t, &request, response)
	c.agreed(response)
	c.prove(sent)
	if s.SASL != nil {
		if err := c.authenticate(ctx, t, server); err != nil {
			return nil, fmt.Errorf("SASL: %w", err)
		}
	}
	if err := conn.SetWriteDeadline(time.Time{}); err != nil {
		return nil, err
	}
	c.begin(t, response)
	return t, nil
}

// encrypt puts TLS on a fresh connection, if that is wanted.
func (c *client) encrypt(ctx context.Context, server string, cfg *tls.Config, conn net.Conn) (net.Conn, error) {
	if cfg == nil {
		return conn, nil
	}
	encrypted := tls.Client(conn, named(cfg, server))
	switch err := encrypted.HandshakeContext(ctx); {
	case closedByPeer(err):
		return nil, fmt.Errorf("TLS: the server has closed the connection, as one that has no TLS on this port: %w", err)
	case err != nil:
		return nil, fmt.Errorf("TLS: %w", c.orRefusal(err))
	}
	return encrypted, nil
}

// named returns the configuration with the server's name in it.
func named(cfg *tls.Config, server string) *tls.Config {
	if cfg.ServerName != "" || cfg.InsecureSkipVerify {
		return cfg
	}
	cfg = cfg.Clone()
	cfg.ServerName = hostOf(server)
	return cfg
}

// connectRequest returns the first frame of a connection. Sessions of read-only servers are
// known to nobody else, so the id of one is not shown to other servers (ClientCnxn.java primeConnection).
func (c *client) connectRequest() wire.ConnectRequest {
	id, password := c.session()
	if !c.seenRW {
		id, password = 0, noPassword
	}
	return wire.ConnectRequest{
		LastZxidSeen: c.lastZxid.Load(),
		TimeOut:      int32(c.sessionTimeout / time.Millisecond),
		SessionID:    id,
		Passwd:       password,
		ReadOnly:     c.readOnly,
	}
}

// maxConnectResponse bounds the first frame; ZooKeeper's has 37 bytes.
const maxConnectResponse = 1 << 10

// readConnectResponse reads the server's answer to the handshake, and tells apart what else may answer.
func readConnectResponse(r *bufio.Reader) (*wire.ConnectResponse, error) {
	if head, err := r.Peek(4); err == nil {
		switch {
		case head[0] == 0x15 && head[1] == 3: // a TLS alert record
			return nil, errors.New("the server speaks TLS on this port")
		case string(head) == "HTTP":
			return nil, errors.New("an HTTP server, not ZooKeeper, is on this port")
		}
	}
	frame, err := wire.ReadFrame(r, nil, maxConnectResponse)
	switch {
	case err == io.EOF:
		return nil, errMute
	case err != nil:
		return nil, fmt.Errorf("handshake: %w", err)
	}
	// A server that has lost its quorum and has no local sessions answers with a bare reply header, and then never again.
	if len(frame) == wire.ReplyHeaderSize && wire.Code(int32(binary.BigEndian.Uint32(frame[12:]))) == wire.CodeNotReadOnly {
		return nil, errors.New("handshake: the server is read-only and cannot open a session")
	}
	var response wire.ConnectResponse
	if err := wire.Unmarshal(frame, &response); err != nil {
		return nil, fmt.Errorf("handshake: %w", err)
	}
	response.Passwd = append([]byte(nil), response.Passwd...)
	return &response, nil
}

// errMute lists the reasons that a server has to close a connection without a word (ZooKeeperServer.java processConnectRequest).
var errMute = fmt.Errorf("handshake: the server has closed the connection without an answer: "+
	"it does not serve yet, lags behind this session, is read-only, or wants TLS on this port: %w", io.EOF)

// protocolReject is the version in the answer of a ClickHouse Keeper or RaftKeeper that opens no session.
const protocolReject = 42

var errNoLeader = errors.New("handshake: the server knows no leader")

// refused returns the reason for which a server has not taken the session that it was asked for, or opened one
// where asked is 0. RaftKeeper has one answer for a session that has expired and for its own lack of a leader, but
// for the id.
func refused(response *wire.ConnectResponse, asked int64) error {
	if response.ProtocolVersion == protocolReject &&
		(response.TimeOut > 0 || asked == 0 || response.SessionID != asked) {
		return errNoLeader
	}
	if response.TimeOut <= 0 {
		return ErrSessionExpired
	}
	return nil
}

var errForeign = fmt.Errorf("%w: the server has opened another one", ErrSessionExpired)

// resumed gives up the session that was asked for if the server has opened another one in its place, as every ClickHouse
// Keeper does. Read-only servers make up sessions, which end none.
func (c *client) resumed(t *transport, request *wire.ConnectRequest, response *wire.ConnectResponse) {
	if request.SessionID == 0 || response.ReadOnly {
		return
	}
	before := kindOf(t.server, &wire.ConnectResponse{Passwd: request.Passwd})
	if response.SessionID != request.SessionID || before.zooKeeper && !t.kind.zooKeeper {
		c.features.learn(t.kind, FeatureResume, Lacking)
		c.expire(errForeign)
		return
	}
	c.features.learn(t.kind, FeatureResume, Supported)
	if !t.kind.zooKeeper { // its ids are small numbers: one that has lost its data may give the same again
		t.after = request.LastZxidSeen
	}
}

// agreed takes over the session that the server granted. From here on it is resumed, whatever becomes of the connection.
func (c *client) agreed(response *wire.ConnectResponse) {
	if !response.ReadOnly || !c.seenRW { // else the session waits elsewhere, and is not the one that this server made up
		c.setSession(response.SessionID, response.Passwd)
	}
	c.negotiated.Store(int64(response.TimeOut) * int64(time.Millisecond))
	c.hear()
	if !response.ReadOnly {
		c.seenRW = true
	}
}

// begin puts the prelude at the front of the connection and tells that it serves.
func (c *client) begin(t *transport, response *wire.ConnectResponse) {
	t.in.silence, t.in.heard = c.timeout()*2/3, c.hear
	t.ping = min(c.timeout()/3, maxPing)
	c.features.use(t.kind)
	for _, a := range t.secrets.Auth {
		t.prove(credential{a.Scheme, a.Auth})
	}
	c.creds.prime(t)
	c.watches.prime(t)
	c.current.Store(t) // before it is told: SetServers may follow at once
	if t.readOnly = response.ReadOnly; t.readOnly {
		c.setState(StateConnectedReadOnly, nil)
		return
	}
	c.setState(StateHasSession, nil)
}
