package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"maps"
	"net"
	"sync"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/flw"
	"github.com/zkfs/zkfs/zk"
)

// secrets are what connections prove their identity with, and the authorities that they trust.
// Files that can be read again are read for each connection: secrets rotate while a mount lives.
type secrets struct {
	c   *cli.Context // its flags name the files
	log *slog.Logger // set before the first connection

	mu      sync.Mutex // guards the following
	in      *inputs    // that current was made of
	current *zk.Secrets
}

// secretsOf reads the flags of connectionFlags that are about secrets, and the files that they
// name.
func secretsOf(c *cli.Context, in *inputs) (*secrets, error) {
	current, err := readSecrets(c, in)
	return &secrets{c: c, log: slog.New(slog.DiscardHandler), in: in, current: current}, err
}

func readSecrets(c *cli.Context, in *inputs) (s *zk.Secrets, err error) {
	s = &zk.Secrets{}
	if s.TLS, err = tlsOf(c, in); err != nil {
		return nil, err
	}
	all, err := credentials(c, in)
	if err != nil {
		return nil, err
	}
	s.Auth, s.SASL, err = saslOf(c, all, in)
	return s, err
}

// get returns what the files hold now, and the same pointer if that is what they held before. Where
// they can not be used, what they held last is used on.
func (s *secrets) get() *zk.Secrets {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.in.again()
	next, err := readSecrets(s.c, in)
	switch {
	case err != nil:
		s.log.Error("a secret can not be read again, the last one is used on", "err", plain(err))
	case !maps.EqualFunc(in.Files, s.in.Files, bytes.Equal):
		s.log.Info("secrets have changed")
		s.in, s.current = in, next
	}
	return s.current
}

// prove reports whether there is an identity to prove, besides that of a certificate.
func (s *secrets) prove() bool {
	now := s.get()
	return len(now.Auth) > 0 || now.SASL != nil
}

// words returns the client that asks the servers their four-letter words, by the TLS of the moment.
func (s *secrets) words() *flw.Client {
	return &flw.Client{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		return dialerOf(s.get().TLS).DialContext(ctx, network, address)
	}}
}

// dialer is *net.Dialer or *tls.Dialer.
type dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// dialerOf returns the way to servers that speak TLS, or do not if cfg is nil.
func dialerOf(cfg *tls.Config) dialer {
	if cfg == nil {
		return &net.Dialer{}
	}
	return &tls.Dialer{Config: cfg}
}
