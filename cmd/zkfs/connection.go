package main

import (
	"crypto/tls"
	"crypto/x509"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/zk"
)

// connection is what a command line says about an ensemble and the way to it.
type connection struct {
	source  string // as given
	servers []string
	chroot  string // "" for the root

	connectTimeout time.Duration
	sessionTimeout time.Duration

	secrets *secrets
}

// connectionFlags are those of every command that opens a session.
func connectionFlags() []cli.Flag {
	return append([]cli.Flag{
		&valued{&cli.StringFlag{Name: "connect-timeout", Value: "10s", Category: inConnect,
			Usage: "give up when no server has taken the session by then"}, aTime},
		&valued{&cli.StringFlag{Name: "session-timeout", Value: "10s", Category: inConnect,
			Usage: "how long the session, and with it locks, outlive a lost connection; the servers " +
				"bound it"}, aSession},
		&valued{&cli.StringFlag{Name: "auth-file", Category: inSecurity,
			Usage: "read credentials from `FILE`, one scheme:credentials on a line, as in " +
				"digest:USER:PASSWORD. Other users must not be able to read " +
				"it, unless root has given it to a group of this process. The environment " +
				"variable ZKFS_AUTH holds such lines too"}, aFile},
	}, slices.Concat(saslFlags(), tlsFlags())...)
}

// tlsFlags are those of every command that asks servers.
func tlsFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "tls", Category: inSecurity,
			Usage: "speak TLS with the servers, at their secure port; the other flags that begin with " +
				"--tls imply it"},
		&valued{&cli.StringFlag{Name: "tls-ca", Category: inSecurity, DefaultText: "those of the system",
			Usage: "trust the authorities in `FILE` only (PEM)"}, aFile},
		&valued{&cli.StringFlag{Name: "tls-cert", Category: inSecurity,
			Usage: "show the servers the certificate in `FILE` (PEM)"}, aFile},
		&valued{&cli.StringFlag{Name: "tls-key", Category: inSecurity,
			Usage: "its key is in `FILE` (PEM)"}, aFile},
		&valued{&cli.StringFlag{Name: "tls-server-name", Category: inSecurity, DefaultText: "each server's own, as given",
			Usage: "the certificates of the servers must be for `NAME`"}, aText},
	}
}

// connectionOf reads the flags of connectionFlags, and the files that they name.
func connectionOf(c *cli.Context, source string, in *inputs) (*connection, error) {
	n := &connection{
		source:         source,
		connectTimeout: timeOf(c, "connect-timeout"),
		sessionTimeout: timeOf(c, "session-timeout"),
	}
	var err error
	if n.servers, n.chroot, err = parseSource(source); err != nil {
		return nil, err
	}
	n.secrets, err = secretsOf(c, in)
	return n, err
}

// parseSource splits a source into the servers, as given, and the path of the znode, "" for the root.
func parseSource(source string) (servers []string, chroot string, err error) {
	if servers, chroot, err = zk.ParseConnectString(source); err != nil {
		return nil, "", usagef("source %q: %s", source, plain(err)).hinting("it looks like zk1:2181,zk2:2181/path")
	}
	for _, server := range zk.FormatServers(servers) {
		_, port, _ := strings.Cut(server[strings.LastIndexByte(server, ']')+1:], ":")
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, "", usagef("source %q: %q is no port", source, port).
				hinting("a port is a number from 1 to 65535")
		}
	}
	return servers, chroot, nil
}

// tlsOf reads the flags of tlsFlags, and the files that they name. It returns nil if none of them
// is given.
func tlsOf(c *cli.Context, in *inputs) (*tls.Config, error) {
	ca, cert, key, name := c.String("tls-ca"), c.String("tls-cert"), c.String("tls-key"), c.String("tls-server-name")
	if !c.Bool("tls") && ca+cert+key+name == "" {
		return nil, nil
	}
	cfg := &tls.Config{ServerName: name}
	if ca != "" {
		pem, err := in.file(c, "tls-ca", nil)
		if err != nil {
			return nil, err
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, usagef("--tls-ca %s: no certificate in it", ca).hinting("it is a PEM file: -----BEGIN CERTIFICATE-----")
		}
	}
	switch {
	case cert == "" && key == "":
		return cfg, nil
	case cert == "" || key == "":
		return nil, usagef("--tls-cert and --tls-key need each other")
	}
	certPEM, err := in.file(c, "tls-cert", nil)
	if err != nil {
		return nil, err
	}
	keyPEM, err := in.file(c, "tls-key", nil)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, usagef("--tls-cert, --tls-key: %s", plain(err)).hinting("both are PEM files, and the key is not encrypted")
	}
	cfg.Certificates = []tls.Certificate{pair}
	return cfg, nil
}
