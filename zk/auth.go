package zk

import (
	"bytes"
	"slices"
	"sync"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// credential is what one AddAuth proves.
type credential struct {
	scheme string
	auth   []byte
}

func (c *client) authCall(a credential) *call {
	cl := c.newCall(wire.OpAuth)
	cl.body = (&wire.AuthPacket{Scheme: a.scheme, Auth: a.auth}).Append(cl.body)
	return cl
}

// credentials are what every connection proves before anything else is asked of its server.
type credentials struct {
	mu   sync.Mutex // guards list
	list []credential
}

func (cs *credentials) remember(a credential) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, old := range cs.list {
		if old.scheme == a.scheme && bytes.Equal(old.auth, a.auth) {
			return
		}
	}
	cs.list = append(cs.list, a)
}

// all returns the credentials, in the order in which they were proved.
func (cs *credentials) all() []credential {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return slices.Clone(cs.list)
}

// prime puts the credentials at the front of the connection.
func (cs *credentials) prime(t *transport) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, a := range cs.list {
		t.prove(a)
	}
}

// prove puts a credential into the output, without which the connection is of no use.
func (t *transport) prove(a credential) {
	cl := t.c.authCall(a)
	cl.alone = true
	t.append(cl)
}

// AddAuth authenticates the session's connection with the server, "digest" with "user:password" for example, and every
// later connection too. ErrAuthFailed says that the server refuses; it then closes the connection,
// which is made again without these credentials. If a later server refuses credentials that were
// accepted before, the client ends, but see [WithSecrets]: its state is [StateAuthFailed] and all
// calls fail with ErrAuthFailed.
func (c *Conn) AddAuth(scheme string, auth []byte) error {
	a := credential{scheme, append([]byte(nil), auth...)}
	cl := c.authCall(a)
	cl.onReply = func(code wire.Code) {
		if code == wire.CodeOK {
			c.creds.remember(a)
		}
	}
	return c.doEmpty(cl)
}
