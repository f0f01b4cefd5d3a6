// Package gssapi authenticates a client of package zk by Kerberos 5: the SASL mechanism GSSAPI (RFC 4752).
//
//	kerberos, err := gssapi.New(gssapi.Config{Principal: "alice@EXAMPLE.COM", Keytab: "/etc/alice.keytab"})
//	...
//	c, events, err := zk.Connect(servers, timeout, zk.WithSASL(kerberos))
//
// The server must run with a Krb5LoginModule in the section "Server" of its JAAS configuration, and with
// authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider. In ACLs the client is the id of its principal,
// such as alice@EXAMPLE.COM, in the scheme "sasl".
//
// Kerberos proves who the two sides are, and nothing more: no security layer is negotiated, because ZooKeeper has
// none. Whoever needs privacy combines it with [zk.WithTLS].
//
// It is a package of its own so that only its users carry a Kerberos library.
package gssapi

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/jcmturner/gokrb5/v8/config"

	"github.com/zkfs/zkfs/zk"
)

// Config says who the client is and which of three ways proves it.
type Config struct {
	// Principal is the client's name, "alice" or "alice@EXAMPLE.COM". Without a realm it is of the default realm of
	// krb5.conf. A credential cache has it inside.
	Principal string

	// One of the following four is needed.
	Password string
	Keys     []byte // what a keytab holds that has the keys of Principal
	Keytab   string // the file that holds the keys of Principal; it is read for each ticket
	Cache    string // the credential cache that kinit has written, a file; it is read for each ticket

	// ServerPrincipal is the name of the servers; "zookeeper/_HOST" if empty. _HOST stands for
	// the name of each server in the list of Connect, in lower case; it is not looked up in DNS. Without a realm it
	// is of the one that krb5.conf has for the host, else of the client's.
	ServerPrincipal string

	// Krb5Conf is the file that tells where the realms have their KDCs; if empty that of the
	// environment variable KRB5_CONFIG, else /etc/krb5.conf. Files that it includes are not read.
	Krb5Conf string
}

// String and GoString keep the password out of what prints a Config.
func (c Config) String() string {
	return fmt.Sprintf("principal %q, keytab %q, cache %q, server %q", c.Principal, c.Keytab, c.Cache, c.ServerPrincipal)
}
func (c Config) GoString() string { return c.String() }

// New returns the mechanism, for [zk.WithSASL]. It reads the files that cfg names, but does not ask a KDC yet.
//
// A KDC is asked, over TCP or UDP as krb5.conf says, when a connection to a server is made and no ticket for it
// is at hand that is good for another minute. If the KDC refuses the client, the client ends with [zk.ErrAuthFailed]; if
// it does not answer, does not know the server, or if the credential cache has expired, the attempt to connect
// has failed and the next one follows.
func New(cfg Config) (zk.SASLMechanism, error) {
	if cfg.ServerPrincipal == "" {
		cfg.ServerPrincipal = "zookeeper/" + hostPattern
	}
	if cfg.Krb5Conf == "" {
		cfg.Krb5Conf = os.Getenv("KRB5_CONFIG")
	}
	if cfg.Krb5Conf == "" {
		cfg.Krb5Conf = "/etc/krb5.conf"
	}
	conf, err := config.Load(cfg.Krb5Conf)
	if errors.As(err, new(config.UnsupportedDirective)) {
		err = nil // the rest is valid
	}
	if err != nil {
		return nil, fmt.Errorf("gssapi: %w", err)
	}
	m := &mechanism{cfg: cfg, conf: conf, tickets: map[string]*ticket{}}
	if _, err := m.login(); err != nil {
		return nil, fmt.Errorf("gssapi: %w", err)
	}
	return m, nil
}

// hostPattern stands for the server's host, as in Hadoop and in ZooKeeper itself (SecurityUtils.java).
const hostPattern = "_HOST"

// mechanism keeps the tickets for the servers.
type mechanism struct {
	cfg  Config
	conf *config.Config

	mu      sync.Mutex // guards the following
	tickets map[string]*ticket
}

func (m *mechanism) String() string { return "GSSAPI, " + m.cfg.String() }

// Begin gets a ticket for the server on host. When ctx ends first, the request to the KDC goes on for some
// seconds, and its ticket serves the next attempt.
func (m *mechanism) Begin(ctx context.Context, host string) (zk.SASLExchange, error) {
	server := m.server(host)
	if t := m.cached(server); t != nil {
		return newExchange(t)
	}
	type result struct {
		t   *ticket
		err error
	}
	results := make(chan result, 1)
	go func() { // ends when a KDC has answered, or none has for as long as the library waits
		t, err := m.request(server)
		if err == nil {
			m.keep(server, t)
		}
		results <- result{t, err}
	}()
	select {
	case r := <-results:
		if r.err != nil {
			return nil, fmt.Errorf("GSSAPI: ticket for %s: %w", server, r.err)
		}
		return newExchange(r.t)
	case <-ctx.Done():
		return nil, fmt.Errorf("GSSAPI: ticket for %s: no answer of a KDC: %w", server, ctx.Err())
	}
}

// server returns the principal of the server on host.
func (m *mechanism) server(host string) string {
	return strings.ReplaceAll(m.cfg.ServerPrincipal, hostPattern, strings.ToLower(host))
}

func (m *mechanism) cached(server string) *ticket {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t := m.tickets[server]; t != nil && time.Until(t.end) > time.Minute {
		return t
	}
	return nil
}

func (m *mechanism) keep(server string, t *ticket) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tickets[server] = t
}
