package zk

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// The service and the host that servers have fixed for DIGEST-MD5, whatever their own names (SecurityUtils.java).
const digestMD5URI = "zookeeper/zk-sasl-md5"

// DigestMD5 is the SASL mechanism DIGEST-MD5 (RFC 2831) with the name and password of a user, as in the section "Server" of
// the server's JAAS configuration (DigestLoginModule). The password itself is never sent, and the server has to
// prove that it knows it too. The mechanism is obsolete (RFC 6331): who listens can try passwords
// at leisure, and the connection is neither encrypted nor signed. Use TLS with it, and long passwords.
func DigestMD5(user, password string) SASLMechanism { return digestMD5{user, password} }

type digestMD5 struct{ user, password string }

// String and GoString keep the password out of what prints a mechanism.
func (m digestMD5) String() string   { return fmt.Sprintf("DIGEST-MD5 as %q", m.user) }
func (m digestMD5) GoString() string { return m.String() }

func (m digestMD5) Begin(context.Context, string) (SASLExchange, error) {
	return &digestExchange{digestMD5: m, uri: digestMD5URI, cnonce: rand.Text()}, nil
}

// digestExchange: an empty token, then the response to the server's challenge, then a look at the server's own proof.
type digestExchange struct {
	digestMD5
	uri    string
	cnonce string
	step   int
	proof  string // what the server must answer in the end
}

func (x *digestExchange) Next(challenge []byte) (token []byte, done bool, err error) {
	switch x.step++; x.step {
	case 1:
		return []byte{}, false, nil
	case 2:
		token, err = x.respond(challenge)
	case 3:
		done, err = true, x.verify(challenge)
	default:
		err = errors.New("the exchange has ended")
	}
	if err != nil {
		x.step = 3
		return nil, false, fmt.Errorf("DIGEST-MD5: %w", err)
	}
	return token, done, nil
}

// respond answers the server's challenge (RFC 2831 section 2.1.2).
func (x *digestExchange) respond(challenge []byte) ([]byte, error) {
	c, err := parseDigestChallenge(challenge)
	if err != nil {
		return nil, fmt.Errorf("challenge: %w", err)
	}
	secret, err := x.secret(c)
	if err != nil {
		return nil, err
	}
	x.proof = digestResponse(secret, c.nonce, x.cnonce, ":"+x.uri)

	var b strings.Builder
	if c.utf8 {
		b.WriteString("charset=utf-8,")
	}
	fmt.Fprintf(&b, "username=%s,", quote(x.user))
	if c.realm != "" {
		fmt.Fprintf(&b, "realm=%s,", quote(c.realm))
	}
	fmt.Fprintf(&b, "nonce=%s,nc=%s,cnonce=%s,digest-uri=%s,qop=auth,response=%s",
		quote(c.nonce), digestNC, quote(x.cnonce), quote(x.uri), digestResponse(secret, c.nonce, x.cnonce, "AUTHENTICATE:"+x.uri))
	return []byte(b.String()), nil
}

// verify checks the server's proof that it knows the password (section 2.1.3).
func (x *digestExchange) verify(challenge []byte) error {
	directives, err := parseDirectives(challenge)
	if err == nil {
		for _, d := range directives {
			if d.name == "rspauth" && subtle.ConstantTimeCompare([]byte(d.value), []byte(x.proof)) == 1 {
				return nil
			}
		}
	}
	return fmt.Errorf("%w: the server cannot prove that it knows the password", ErrAuthFailed)
}

// secret returns H({ username-value, ":", realm-value, ":", passwd }). Each of the three that fits into ISO 8859-1
// is hashed in that form, even if UTF-8 is agreed on. Without that agreement only ASCII, the same in both, is
// taken: no server of ZooKeeper's is without it.
func (x *digestExchange) secret(c *digestChallenge) ([]byte, error) {
	h := md5.New()
	for i, s := range []string{x.user, c.realm, x.password} {
		if i > 0 {
			h.Write([]byte{':'})
		}
		if !c.utf8 && !isASCII(s) {
			return nil, fmt.Errorf("%w: the server takes names and passwords in ASCII only", ErrAuthFailed)
		}
		h.Write(hashedForm(s))
	}
	return h.Sum(nil), nil
}

// hashedForm returns s in ISO 8859-1, or if it has other characters, in UTF-8.
func hashedForm(s string) []byte {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			return []byte(s)
		}
		b = append(b, byte(r))
	}
	return b
}

func isASCII(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return r > 0x7f }) < 0 }

const digestNC = "00000001" // how often the nonce was used: this package uses each once

// digestResponse computes response-value of section 2.1.2.1 for qop "auth" without authzid.
func digestResponse(secret []byte, nonce, cnonce, a2 string) string {
	a1 := string(secret) + ":" + nonce + ":" + cnonce
	return hexMD5(strings.Join([]string{hexMD5(a1), nonce, digestNC, cnonce, "auth", hexMD5(a2)}, ":"))
}

func hexMD5(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}
