package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/gssapi"
)

// mechanisms are the words of --sasl.
var mechanisms = map[string]bool{"digest-md5": true, "gssapi": true}

// saslFlags say how a session proves by SASL whose it is.
func saslFlags() []cli.Flag {
	return []cli.Flag{
		&valued{&cli.StringFlag{Name: "sasl", Category: inSecurity,
			Usage: "authenticate by `MECHANISM`: digest-md5, with the credentials sasl:USER:PASSWORD, or " +
				"gssapi, which is Kerberos, with a keytab, with sasl:PRINCIPAL:PASSWORD, or with the " +
				"tickets of kinit"}, oneOf(mechanisms)},
		&valued{&cli.StringFlag{Name: "sasl-keytab", Category: inSecurity,
			Usage: "with gssapi: the keys of --sasl-principal are in `FILE`. No other user may be " +
				"able to read it"}, aFile},
		&valued{&cli.StringFlag{Name: "sasl-principal", Category: inSecurity,
			Usage: "take the keys of the principal `NAME`, or NAME@REALM, from --sasl-keytab"}, aText},
	}
}

// schemeSASL is the scheme of the credentials that are for SASL and not sent as they are.
const schemeSASL = "sasl"

// saslOf returns the mechanism that the flags name, nil for none, and the credentials that it does not use up.
func saslOf(c *cli.Context, list []zk.Credential, in *inputs) (rest []zk.Credential, m zk.SASLMechanism, err error) {
	var user, password string
	for _, cr := range list {
		if cr.Scheme == schemeSASL {
			user, password, _ = strings.Cut(string(cr.Auth), ":")
		} else {
			rest = append(rest, cr)
		}
	}
	name := c.String("sasl")
	if name != "gssapi" && (c.IsSet("sasl-keytab") || c.IsSet("sasl-principal")) {
		return nil, nil, usagef("--sasl-keytab and --sasl-principal are for Kerberos").hinting("--sasl=gssapi")
	}
	switch {
	case name == "" && user == "":
	case name == "":
		err = usagef("there are credentials for SASL, and no mechanism").hinting("--sasl=digest-md5 or --sasl=gssapi")
	case name == "digest-md5" && user == "":
		err = usagef("--sasl=digest-md5 needs credentials").hinting("a line sasl:USER:PASSWORD in ZKFS_AUTH or --auth-file")
	case name == "digest-md5":
		m = zk.DigestMD5(user, password)
	case name == "gssapi":
		m, err = kerberos(c, in, user, password)
	}
	return rest, m, err
}

// kerberos returns the mechanism with the keys of a keytab, the password of a user, or what kinit has left.
func kerberos(c *cli.Context, in *inputs, user, password string) (zk.SASLMechanism, error) {
	principal, keytab := c.String("sasl-principal"), c.String("sasl-keytab")
	cfg := gssapi.Config{Principal: principal}
	switch {
	case (principal == "") != (keytab == ""):
		return nil, usagef("--sasl-keytab and --sasl-principal need each other").hinting("`klist -k FILE` shows whose keys a keytab has")
	case keytab != "" && user != "":
		return nil, usagef("there are a keytab and credentials for SASL").hinting("leave one of them away")
	case keytab != "":
		var err error
		if cfg.Keys, err = in.file(c, "sasl-keytab", isSecret); err != nil {
			return nil, err
		}
	case user != "":
		cfg.Principal, cfg.Password = user, password
	default:
		cfg.Cache = ticketCache()
	}
	m, err := gssapi.New(cfg)
	if err != nil {
		return nil, usagef("--sasl=gssapi: %s", plain(err)).
			hinting("`kinit` gets a ticket, `klist` shows it; or --sasl-keytab; or a line sasl:PRINCIPAL:PASSWORD in ZKFS_AUTH or --auth-file")
	}
	return m, nil
}

// ticketCache returns the file in which kinit leaves its tickets.
func ticketCache() string {
	if name := os.Getenv("KRB5CCNAME"); name != "" {
		return name
	}
	return fmt.Sprintf("/tmp/krb5cc_%d", os.Getuid())
}
