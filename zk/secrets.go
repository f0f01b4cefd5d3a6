package zk

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// Secrets is what a connection proves its identity with, and the authorities that it trusts.
type Secrets struct {
	TLS  *tls.Config   // as that of [WithTLS]; nil for plain TCP
	SASL SASLMechanism // as that of [WithSASL]; nil for none
	Auth []Credential  // each as that of [WithAuth]
}

// A Credential is what [WithAuth] proves.
type Credential struct {
	Scheme string
	Auth   []byte // secret
}

// String and GoString keep the secret out of what prints a Credential.
func (c Credential) String() string   { return c.Scheme + ":..." }
func (c Credential) GoString() string { return c.String() }

// WithSecrets calls current before each connection, the first and all later ones, and takes what it
// returns in place of what WithTLS and WithSASL gave. Its credentials come before those of WithAuth
// and AddAuth. So a program goes on without a new client when its secrets change. A connection that
// stands is left alone. An expired session is followed by another one with the same secrets, and
// after Close current is not called any more.
//
// current returns the same pointer for as long as nothing has changed, and what it points to must
// not change. Several goroutines may call it at once: what asks servers for their features has
// connections of its own. It counts into no timeout, so it must not block.
//
// A server that refuses the secrets, or in TLS the certificate, does not end the client at once:
// the next server is tried, with what current then returns. The attempt ends in a
// [StateDisconnected] event with an Err that wraps [ErrAuthFailed], and is logged as an error. A
// refusal is final, and the state becomes [StateAuthFailed], when each server has refused the same
// secrets in its last attempts, twice or more, over the session timeout or longer, and none has
// accepted meanwhile. A server that can not be reached may accept, and keeps the client going.
// Before any server has accepted once, one refusal by each is final.
//
// A server that the client does not trust, by its own TLS configuration, refuses nothing: the
// client tries for as long as it lives.
func WithSecrets(current func() *Secrets) Option {
	return func(c *Conn) { c.renewed, c.secrets = true, current }
}

// refusals is what servers have refused since one has accepted.
type refusals struct {
	secrets *Secrets
	first   time.Time
	times   map[string]int // by server, as it was tried
}

// refused notes that the server has refused the secrets, and reports whether that is final.
func (c *client) refused(server string, s *Secrets) bool {
	if !c.renewed {
		return true // it would refuse the same ones again
	}
	r := &c.refusals
	if r.secrets != s || len(r.times) == 0 {
		*r = refusals{secrets: s, first: time.Now(), times: map[string]int{}}
	}
	r.times[server]++
	if len(r.times) < c.hosts.Len() {
		return false
	}
	for _, n := range r.times {
		if c.accepted && n < 2 {
			return false
		}
	}
	return !c.accepted || time.Since(r.first) >= c.timeout()
}

// unanswered notes that the server has neither accepted nor refused.
func (r *refusals) unanswered(server string) { delete(r.times, server) }

// accepts notes that a server has accepted the secrets.
func (c *client) accepts() {
	c.accepted = true
	c.refusals = refusals{}
}

// orRefusal wraps ErrAuthFailed into the error of a server that did not like the client's
// certificate, or its lack, where such a refusal can be final.
func (c *client) orRefusal(err error) error {
	if c.renewed && isRefusedCertificate(err) {
		return fmt.Errorf("%w: %w", ErrAuthFailed, err)
	}
	return err
}

// isRefusedCertificate reports whether an alert of TLS says so (RFC 8446 section 6.2). The library
// has no type for an alert of the other side, but its text.
func isRefusedCertificate(err error) bool {
	alert, ok := errors.AsType[*net.OpError](err)
	return ok && alert.Op == "remote error" &&
		(strings.Contains(alert.Err.Error(), "certificate") || strings.Contains(alert.Err.Error(), "access denied"))
}
