package zk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// SASLMechanism authenticates the connections of a client, see [WithSASL]. [DigestMD5] is one; package zk/gssapi has
// another, for Kerberos.
type SASLMechanism interface {
	// Begin starts the exchange of one connection with the server on host, the name or address in the list
	// of Connect. It is called for every connection, and gives up when ctx ends, as all steps of the exchange must.
	Begin(ctx context.Context, host string) (SASLExchange, error)
}

// SASLExchange is the client's side of the authentication of one connection. An error of it, or of Begin, that wraps
// [ErrAuthFailed] says that the credentials are no good, or that the server could not prove who it is, and ends the client.
// After any other error the client goes on to the next server. No error may contain a secret.
type SASLExchange interface {
	// Next returns the next token for the server. challenge is what the server answered to the last one, and
	// nil in the first call. done says that the exchange has succeeded, and that there is no further token.
	Next(challenge []byte) (token []byte, done bool, err error)
}

// WithSASL authenticates every connection by the mechanism, before anything else is asked of the server: credentials of other
// schemes, watches and calls wait. The identity is that of the scheme "sasl" in ACLs. The exchange counts into the
// connect timeout. It ends with a [StateSaslAuthenticated] event, which [StateHasSession] follows.
//
// If the server refuses the credentials, cannot prove that it knows them, or does not know SASL, the client
// ends: its state is [StateAuthFailed], and all calls fail with an error that wraps [ErrAuthFailed].
// So does a server that closes the connection in the middle of the exchange, as those before 3.6 refuse, but only if that
// happens twice in a row: once may have been the server's end.
func WithSASL(m SASLMechanism) Option { return func(c *Conn) { c.given.SASL = m } }

// authenticate runs the exchange on a connection whose session is agreed on.
func (c *client) authenticate(ctx context.Context, t *transport, server string) error {
	err := c.exchange(ctx, t, server)
	switch {
	case err == nil:
		c.mute = 0
		c.setState(StateSaslAuthenticated, nil)
	case ctx.Err() == nil && errors.Is(err, errExchangeClosed):
		return c.closedMute(err)
	}
	return err
}

var errExchangeClosed = errors.New("connection closed by the server")

// exchange lets the server and the mechanism talk until the identity of a connection is proved.
func (c *client) exchange(ctx context.Context, t *transport, server string) error {
	exchange, err := t.secrets.SASL.Begin(ctx, hostOf(server))
	if err != nil {
		return err
	}
	for round, challenge := 0, []byte(nil); ; round++ {
		token, done, err := exchange.Next(challenge)
		if err != nil {
			return err
		}
		if done {
			return nil
		}
		challenge, err = t.sasl(token)
		switch {
		case err != nil && closedByPeer(err):
			return fmt.Errorf("%w: %w", errExchangeClosed, err)
		case err != nil:
			return err
		case challenge == nil && round == 0: // what a server without a login section answers
			return fmt.Errorf("%w: the server does not offer SASL", ErrAuthFailed)
		}
	}
}

// closedMute tells what to make of a connection that the server has closed during the exchange.
func (c *client) closedMute(err error) error {
	if c.mute++; c.mute < 2 {
		return err
	}
	return fmt.Errorf("%w: the server closes the connection during the exchange: %w", ErrAuthFailed, err)
}

// closedByPeer tells whether a read or write failed because the other side has closed the connection.
func closedByPeer(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// maxSASLReply bounds the frames of the exchange. Tokens of a server are small; large Kerberos tickets go the other way only.
const maxSASLReply = 64 << 10

// sasl sends one token and returns the server's answer, nil if it is null (ZooKeeperServer.java processSasl). No
// other request is under way, and the server has no reason to send an event.
func (t *transport) sasl(token []byte) ([]byte, error) {
	t.xid++
	h := wire.RequestHeader{Xid: t.xid, Op: wire.OpSasl}
	if _, err := t.conn.Write(wire.AppendFrame(nil, &h, &wire.GetSASLRequest{Token: token})); err != nil {
		return nil, err
	}
	t.in.next()
	frame, err := wire.ReadFrame(t.r, nil, maxSASLReply)
	if err != nil {
		return nil, err
	}
	if len(frame) < wire.ReplyHeaderSize {
		return nil, fmt.Errorf("reply of %d bytes, too short for its header", len(frame))
	}
	var reply wire.ReplyHeader
	if err := wire.Unmarshal(frame[:wire.ReplyHeaderSize], &reply); err != nil {
		return nil, err
	}
	switch {
	case reply.Xid != t.xid:
		return nil, fmt.Errorf("reply to xid %d where one to %d is due", reply.Xid, t.xid)
	case reply.Err == wire.CodeAuthFailed || reply.Err == wire.CodeSessionClosedRequireSasl:
		return nil, fmt.Errorf("%w: refused by the server", ErrAuthFailed)
	case reply.Err == wire.CodeUnimplemented:
		return nil, fmt.Errorf("%w: the server does not know SASL", ErrAuthFailed)
	case reply.Err != wire.CodeOK:
		return nil, errorOf(reply.Err)
	}
	var response wire.SetSASLResponse
	err = wire.Unmarshal(frame[wire.ReplyHeaderSize:], &response)
	return response.Token, err
}
