package zk

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// secretPeers are two servers, a and b, each of which knows one password of bob's, none if it is "",
// and is away if it is "-". They end a connection when they are told to.
type secretPeers struct {
	t *testing.T

	mu       sync.Mutex // guards the following
	password map[string]string
	drop     chan struct{} // closed to end the connections
	strange  bool          // the servers do not know each other's sessions
	dials    map[string]int
	running  sync.WaitGroup
}

func (p *secretPeers) set(a, b string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.password = map[string]string{"a:2181": a, "b:2181": b}
	close(p.drop)
	p.drop = make(chan struct{})
}

func (p *secretPeers) dial(_, address string, _ time.Duration) (net.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	password, drop, session := p.password[address], p.drop, int64(7)
	if p.strange {
		session = int64(address[0])
	}
	p.dials[address]++
	if password == "-" {
		return nil, errors.New("connection refused")
	}
	client, server := net.Pipe()
	p.running.Go(func() { // ends with the connection
		defer server.Close()
		p.serve(&saslPeer{t: p.t, conn: server, r: bufio.NewReader(server)}, session, password, drop)
	})
	return client, nil
}

// serve is the server's side of a connection. A secret is the credential of the scheme "x", or the
// only token of a mechanism.
func (p *secretPeers) serve(peer *saslPeer, session int64, password string, drop <-chan struct{}) {
	var request wire.ConnectRequest
	peer.frame(&request)
	if request.SessionID != 0 && request.SessionID != session {
		peer.write(&wire.ConnectResponse{Passwd: make([]byte, 16)}) // expired
		return
	}
	peer.write(&wire.ConnectResponse{TimeOut: request.TimeOut, SessionID: session, Passwd: make([]byte, 16)})
	ended := make(chan struct{})
	defer close(ended)
	go func() { // ends with the connection
		select {
		case <-drop:
			peer.conn.Close()
		case <-ended:
		}
	}()
	for {
		frame, err := wire.ReadFrame(peer.r, nil, 1<<20)
		if err != nil {
			return
		}
		var h wire.RequestHeader
		wire.Unmarshal(frame[:8], &h)
		peer.xid = h.Xid
		switch h.Op {
		case wire.OpAuth, wire.OpSasl:
			if !strings.HasSuffix(string(frame), password) {
				peer.answer(wire.CodeAuthFailed)
				return
			}
			if h.Op == wire.OpSasl {
				peer.challenge("welcome")
			} else {
				peer.answer(wire.CodeOK)
			}
		case wire.OpGetData:
			peer.answer(wire.CodeOK, &wire.GetDataResponse{})
		case wire.OpCloseSession:
			peer.answer(wire.CodeOK)
			return
		default:
			peer.answer(wire.CodeOK)
		}
	}
}

// oneToken is a mechanism that sends its secret.
type oneToken string

func (m oneToken) Begin(context.Context, string) (SASLExchange, error) {
	return &m, nil
}

func (m *oneToken) Next(challenge []byte) ([]byte, bool, error) {
	return []byte(*m), challenge != nil, nil
}

// holder holds the secret that a client uses.
type holder struct {
	make func(password string) *Secrets

	mu      sync.Mutex // guards current
	current *Secrets
}

func (h *holder) set(password string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.current = h.make(password)
}

func (h *holder) get() *Secrets {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.current
}

// What becomes of a client when its secrets rotate, or are refused, for each way to prove them.
func TestSecretsRotate(t *testing.T) {
	const patience = 10 * time.Second // the session timeout
	kinds := map[string]func(string) *Secrets{
		"SASL": func(p string) *Secrets { return &Secrets{SASL: oneToken(p)} },
		"auth": func(p string) *Secrets { return &Secrets{Auth: []Credential{{"x", []byte(p)}}} },
	}
	type world struct {
		*testing.T
		*secretPeers
		*holder
		c *Conn
	}
	steps := map[string]func(w world) (ends bool){
		"rotated before a reconnect": func(w world) bool {
			w.holder.set("new")
			w.secretPeers.set("new", "new")
			return false
		},
		"rotated after refusals": func(w world) bool {
			w.secretPeers.set("new", "new")
			time.Sleep(patience * 2 / 3)
			w.holder.set("new")
			return false
		},
		// The count begins again with the secret.
		"rotated to another one that is refused": func(w world) bool {
			w.secretPeers.set("new", "new")
			time.Sleep(patience * 2 / 3)
			w.holder.set("wrong")
			time.Sleep(patience * 2 / 3)
			if w.c.State() == StateAuthFailed {
				w.Error("ended by refusals of two secrets, neither of which was refused for long")
			}
			return true
		},
		"refused by all": func(w world) bool {
			w.secretPeers.set("new", "new")
			return true
		},
		"refused by one of two": func(w world) bool {
			w.secretPeers.set("old", "new")
			return false
		},
		"refused by one, the other is away": func(w world) bool {
			w.secretPeers.set("new", "new")
			time.Sleep(patience / 2)
			w.secretPeers.set("-", "new")
			time.Sleep(10 * patience)
			if w.c.State() == StateAuthFailed {
				w.Error("ended while a server is away")
			}
			w.secretPeers.set("old", "new")
			return false
		},
	}
	for kind, secrets := range kinds {
		for name, step := range steps {
			t.Run(kind+", "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := &secretPeers{t: t, drop: make(chan struct{}), dials: map[string]int{}}
					p.set("old", "old")
					h := &holder{make: secrets}
					h.set("old")
					var log saslLog
					c, _, err := Connect([]string{"a", "b"}, patience,
						WithDialer(p.dial), WithLogger(&log), WithSecrets(h.get))
					if err != nil {
						t.Fatal(err)
					}
					defer p.running.Wait()
					defer c.Close()
					serves(t, c)
					synctest.Wait()
					ends := step(world{t, p, h, c})
					if !ends {
						serves(t, c)
						return
					}
					began := time.Now()
					for c.State() != StateAuthFailed {
						if time.Since(began) > time.Hour {
							t.Fatal("the client goes on")
						}
						time.Sleep(time.Second)
					}
					if _, _, err := c.Get("/"); !errors.Is(err, ErrAuthFailed) {
						t.Errorf("error %v", err)
					}
					if p.dials["a:2181"] < 2 || p.dials["b:2181"] < 2 {
						t.Errorf("connections: %v", p.dials)
					}
					if s := log.String(); !strings.Contains(s, ErrAuthFailed.Error()) ||
						strings.Contains(s, "new") || strings.Contains(s, "old") {
						t.Errorf("log %q", s)
					}
				})
			})
		}
	}
}

// serves waits until a call is answered.
func serves(t *testing.T, c *Conn) {
	t.Helper()
	for began := time.Now(); ; {
		_, _, err := c.Get("/")
		if err == nil {
			return
		}
		if errors.Is(err, ErrAuthFailed) || time.Since(began) > time.Hour {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// A client that no server has accepted yet tries each of them once.
func TestSecretsRefusedAtFirst(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want State
	}{
		{"new", "new", StateAuthFailed},
		{"old", "new", StateHasSession},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := &secretPeers{t: t, drop: make(chan struct{}), dials: map[string]int{}}
			p.set(test.a, test.b)
			s := &Secrets{SASL: oneToken("old")}
			c, events, err := Connect([]string{"a", "b"}, 10*time.Second, WithDialer(p.dial), WithLogger(&saslLog{}),
				WithSecrets(func() *Secrets { return s }))
			if err != nil {
				t.Fatal(err)
			}
			defer p.running.Wait()
			defer c.Close()
			if got := states(events, test.want); !slices.Contains(got, test.want) {
				t.Errorf("%+v: states %v", test, got)
			}
			if p.dials["a:2181"] > 1 || p.dials["b:2181"] > 1 {
				t.Errorf("%+v: connections %v", test, p.dials)
			}
		})
	}
}

// Servers that are no ensemble call each other's sessions expired. That hides no refusal, and the
// client does not spin.
func TestSecretsRefusedByServersWithoutCommonSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &secretPeers{t: t, drop: make(chan struct{}), dials: map[string]int{}, strange: true}
		p.set("old", "old")
		s := &Secrets{SASL: oneToken("old")}
		c, events, err := Connect([]string{"a", "b"}, 10*time.Second, WithDialer(p.dial), WithLogger(&saslLog{}),
			WithSecrets(func() *Secrets { return s }))
		if err != nil {
			t.Fatal(err)
		}
		defer p.running.Wait()
		defer c.Close()
		serves(t, c)
		p.set("new", "new")
		if got := states(events, StateAuthFailed); !slices.Contains(got, StateAuthFailed) {
			t.Errorf("states %v", got)
		}
		if n := p.dials["a:2181"] + p.dials["b:2181"]; n > 100 {
			t.Errorf("%d connections", n)
		}
	})
}

func TestRefusedCertificates(t *testing.T) {
	remote := func(text string) error { return &net.OpError{Op: "remote error", Err: errors.New("tls: " + text)} }
	for _, test := range []struct {
		err  error
		want bool
	}{
		{remote("bad certificate"), true},
		{remote("unknown certificate authority"), true},
		{remote("certificate required"), true},
		{remote("access denied"), true},
		{remote("protocol version not supported"), false},
		{&net.OpError{Op: "read", Err: errors.New("certificate")}, false},
		{io.EOF, false},
	} {
		if got := isRefusedCertificate(test.err); got != test.want {
			t.Errorf("%v: %v", test.err, got)
		}
	}
}
