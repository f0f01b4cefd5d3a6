package zk

import (
	"bufio"
	"context"
	"errors"
	"fmt"
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

// A saslPeer is the server's side of one connection, and follows a script.
type saslPeer struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
	xid  int32 // of the last request
}

// saslScripts returns a client each of whose connections meets the next script, the last one again and again. A
// connection is closed when its script ends.
func saslScripts(t *testing.T, log Logger, options []Option, scripts ...func(*saslPeer)) (*Conn, <-chan Event) {
	t.Helper()
	var running sync.WaitGroup
	dial := 0
	dialer := func(string, string, time.Duration) (net.Conn, error) { // called by one goroutine at a time
		script := scripts[min(dial, len(scripts)-1)]
		dial++
		client, server := net.Pipe()
		running.Go(func() { // ends with the script
			defer server.Close()
			script(&saslPeer{t: t, conn: server, r: bufio.NewReader(server)})
		})
		return client, nil
	}
	options = append([]Option{WithDialer(dialer), WithLogger(log)}, options...)
	c, events, err := Connect([]string{"zoo.example:2181"}, 10*time.Second, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		running.Wait()
	})
	return c, events
}

// frame reads a frame and decodes it into the records. It returns io.EOF once the client has closed the connection.
func (p *saslPeer) frame(records ...wire.Record) error {
	frame, err := wire.ReadFrame(p.r, nil, 1<<20)
	if err != nil {
		return err
	}
	d := wire.NewDecoder(frame)
	for _, r := range records {
		r.Decode(&d)
	}
	return d.End()
}

func (p *saslPeer) write(records ...wire.Record) {
	if _, err := p.conn.Write(wire.AppendFrame(nil, records...)); err != nil {
		p.t.Errorf("peer: %v", err)
	}
}

// session answers the ConnectRequest, and returns it.
func (p *saslPeer) session() (request wire.ConnectRequest) {
	if err := p.frame(&request); err != nil {
		p.t.Errorf("ConnectRequest: %v", err)
	}
	p.write(&wire.ConnectResponse{TimeOut: request.TimeOut, SessionID: 7, Passwd: make([]byte, 16)})
	return request
}

// token returns the client's next SASL token.
func (p *saslPeer) token() string {
	var h wire.RequestHeader
	var request wire.GetSASLRequest
	if err := p.frame(&h, &request); err != nil || h.Op != wire.OpSasl || h.Xid < 1 {
		p.t.Errorf("request %v, error %v, where a SASL token is due", h, err)
	}
	p.xid = h.Xid
	return string(request.Token)
}

// answer answers the last request.
func (p *saslPeer) answer(code wire.Code, records ...wire.Record) {
	p.write(append([]wire.Record{&wire.ReplyHeader{Xid: p.xid, Err: code}}, records...)...)
}

func (p *saslPeer) challenge(token string) {
	p.answer(wire.CodeOK, &wire.SetSASLResponse{Token: []byte(token)})
}

// digest authenticates bob, and returns what proves that the server knows the password.
func (p *saslPeer) digest() (proof string) {
	if token := p.token(); token != "" {
		p.t.Errorf("initial token %q", token)
	}
	p.challenge(`realm="zk-sasl-md5",nonce="n",charset=utf-8,algorithm=md5-sess`)
	sent, err := parseDirectives([]byte(p.token()))
	if err != nil {
		p.t.Errorf("response: %v", err)
	}
	value := map[string]string{}
	for _, d := range sent {
		value[d.name] = d.value
	}
	x := &digestExchange{digestMD5: digestMD5{value["username"], "bobpw"}}
	secret, _ := x.secret(&digestChallenge{realm: value["realm"], nonce: "n", utf8: true})
	if want := digestResponse(secret, "n", value["cnonce"], "AUTHENTICATE:zookeeper/zk-sasl-md5"); value["username"] != "bob" || value["response"] != want {
		p.t.Errorf("response %v, want %s", value, want)
	}
	return "rspauth=" + digestResponse(secret, "n", value["cnonce"], ":zookeeper/zk-sasl-md5")
}

// serve answers n requests with what replies holds for their operation, and returns the operations.
func (p *saslPeer) serve(n int) (ops []wire.Op) {
	for range n {
		frame, err := wire.ReadFrame(p.r, nil, 1<<20)
		if err != nil {
			p.t.Errorf("after %v: %v", ops, err)
			return ops
		}
		var h wire.RequestHeader
		wire.Unmarshal(frame[:8], &h)
		ops = append(ops, h.Op)
		p.xid = h.Xid
		if h.Op == wire.OpGetData {
			p.answer(wire.CodeOK, &wire.GetDataResponse{})
		} else {
			p.answer(wire.CodeOK)
		}
	}
	return ops
}

// rest swallows what the client still sends, until it closes the connection.
func (p *saslPeer) rest() { io.Copy(io.Discard, p.r) }

// states returns the states until the client has ended or has the wanted one.
func states(events <-chan Event, until State) (list []State) {
	for e := range events {
		if e.Type == EventSession {
			if list = append(list, e.State); e.State == until {
				break
			}
		}
	}
	return list
}

// saslLog collects what is logged.
type saslLog struct {
	mu    sync.Mutex // guards lines
	lines []string
}

func (l *saslLog) Printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

func (l *saslLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

var bob = []Option{WithSASL(DigestMD5("bob", "bobpw"))}

func TestSASLPrecedesAllElseOnEveryConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := func(p *saslPeer) {
			p.session()
			p.challenge(p.digest())
			if ops := p.serve(2); !slices.Equal(ops, []wire.Op{wire.OpAuth, wire.OpGetData}) {
				t.Errorf("first connection: %v", ops)
			}
		}
		second := func(p *saslPeer) {
			if request := p.session(); request.SessionID != 7 {
				t.Errorf("session %d resumed", request.SessionID)
			}
			p.challenge(p.digest())
			if ops := p.serve(3); !slices.Equal(ops, []wire.Op{wire.OpAuth, wire.OpSetWatches, wire.OpGetData}) {
				t.Errorf("second connection: %v", ops)
			}
			p.rest()
		}
		c, events := saslScripts(t, &saslLog{}, append(bob, WithAuth("digest", []byte("a:b"))), first, second)
		if _, _, _, err := c.GetW("/w"); err != nil {
			t.Error(err)
		}
		want := []State{StateConnecting, StateConnected, StateSaslAuthenticated, StateHasSession}
		if got := states(events, StateHasSession); !slices.Equal(got, want) {
			t.Errorf("first connection: %v", got)
		}
		if got := states(events, StateHasSession); !slices.Equal(got, append([]State{StateDisconnected}, want...)) {
			t.Errorf("second connection: %v", got)
		}
		if _, _, err := c.Get("/x"); err != nil {
			t.Error(err)
		}
	})
}

func TestSASLFailureEndsTheClient(t *testing.T) {
	for name, test := range map[string]struct {
		script func(*saslPeer)
		want   string
	}{
		"refused": {func(p *saslPeer) { p.digest(); p.answer(wire.CodeAuthFailed, &wire.SetSASLResponse{}) }, "refused by the server"},
		"refused where SASL is required": {
			func(p *saslPeer) { p.digest(); p.answer(wire.CodeSessionClosedRequireSasl, &wire.SetSASLResponse{}) }, "refused by the server",
		},
		"server without the password": {func(p *saslPeer) { p.digest(); p.challenge("rspauth=0123456789abcdef0123456789abcdef") }, "cannot prove"},
		// So answers a server that lets clients stay who failed (zookeeper.allowSaslFailedClients).
		"failed but tolerated":      {func(p *saslPeer) { p.digest(); p.answer(wire.CodeOK, &wire.SetSASLResponse{}) }, "cannot prove"},
		"server without SASL":       {func(p *saslPeer) { p.token(); p.answer(wire.CodeOK, &wire.SetSASLResponse{}) }, "does not offer SASL"},
		"server that knows no SASL": {func(p *saslPeer) { p.token(); p.answer(wire.CodeUnimplemented) }, "does not know SASL"},
		"server that just closes":   {func(p *saslPeer) { p.digest() }, "closes the connection"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log saslLog
				c, events := saslScripts(t, &log, bob, func(p *saslPeer) { p.session(); test.script(p) })
				if got := states(events, StateUnknown); got[len(got)-1] != StateAuthFailed || slices.Contains(got, StateSaslAuthenticated) {
					t.Errorf("states %v", got)
				}
				if c.State() != StateAuthFailed {
					t.Errorf("state %v", c.State())
				}
				_, _, err := c.Get("/")
				if !errors.Is(err, ErrAuthFailed) || !strings.Contains(err.Error(), test.want) {
					t.Fatalf("error %v, want one with %q", err, test.want)
				}
				if s := log.String(); !strings.Contains(s, test.want) || strings.Contains(s+err.Error(), "bobpw") {
					t.Errorf("log %q", s)
				}
			})
		})
	}
}

func TestSASLGoesOnAfterWhatIsNoRefusal(t *testing.T) {
	for name, broken := range map[string]func(*saslPeer){
		"closed once": func(p *saslPeer) { p.digest() },
		"stalled":     func(p *saslPeer) { p.token(); p.rest() },
		"malformed":   func(p *saslPeer) { p.token(); p.challenge("nonsense"); p.rest() },
		"short reply": func(p *saslPeer) { p.token(); p.write(&wire.WatcherEvent{}); p.rest() },
		"wrong xid":   func(p *saslPeer) { p.token(); p.xid += 9; p.challenge(""); p.rest() },
		"trailing bytes": func(p *saslPeer) {
			p.token()
			p.answer(wire.CodeOK, &wire.SetSASLResponse{}, &wire.SetSASLResponse{})
			p.rest()
		},
		"other error":       func(p *saslPeer) { p.token(); p.answer(wire.CodeSystemError); p.rest() },
		"frame of 2 GiB":    func(p *saslPeer) { p.token(); p.conn.Write([]byte{0x7f, 0xff, 0xff, 0xff}); p.rest() },
		"oversized in part": func(p *saslPeer) { p.token(); p.conn.Write([]byte{0, 0, 0x80, 0, 1, 2, 3}); p.rest() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				good := func(p *saslPeer) {
					p.session()
					p.challenge(p.digest())
					p.serve(1)
					p.rest()
				}
				c, _ := saslScripts(t, &saslLog{}, append(bob, WithConnectTimeout(2*time.Second)),
					func(p *saslPeer) { p.session(); broken(p) }, good)
				begin := time.Now()
				var err error
				for range 2 { // the first call may end with ErrNoServer, the second must not
					if _, _, err = c.Get("/"); err == nil {
						break
					}
				}
				if took := time.Since(begin); err != nil || took > 3*time.Second {
					t.Errorf("after %v: %v", took, err)
				}
			})
		})
	}
}

func TestCloseInTheMiddleOfTheExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, events := saslScripts(t, &saslLog{}, bob, func(p *saslPeer) { p.session(); p.token(); p.rest() })
		synctest.Wait() // for the server, which does not answer
		begin := time.Now()
		c.Close()
		if took := time.Since(begin); took > 0 {
			t.Errorf("it took %v", took)
		}
		if got := states(events, StateUnknown); slices.Contains(got, StateAuthFailed) {
			t.Errorf("states %v", got)
		}
	})
}

// mechanism is a mechanism made of functions.
type mechanism struct {
	begin func(ctx context.Context, host string) error
	next  func(challenge []byte) ([]byte, bool, error)
}

func (m mechanism) Begin(ctx context.Context, host string) (SASLExchange, error) {
	return m, m.begin(ctx, host)
}
func (m mechanism) Next(challenge []byte) ([]byte, bool, error) { return m.next(challenge) }

// A mechanism whose last token is the client's sees the server's empty answer to it.
func TestSASLMechanismOfTheUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := 0
		m := mechanism{
			begin: func(ctx context.Context, host string) error {
				if begun++; begun == 1 {
					return errors.New("not yet")
				}
				deadline, ok := ctx.Deadline()
				if host != "zoo.example" || !ok || time.Until(deadline) > 10*time.Second {
					t.Errorf("host %q, deadline %v", host, deadline)
				}
				return nil
			},
		}
		var challenges []string
		m.next = func(challenge []byte) ([]byte, bool, error) {
			challenges = append(challenges, fmt.Sprintf("%q", challenge))
			return []byte{byte('0' + len(challenges))}, len(challenges) == 4, nil
		}
		c, events := saslScripts(t, &saslLog{}, []Option{WithSASL(m)}, func(p *saslPeer) { p.session(); p.rest() }, func(p *saslPeer) {
			p.session()
			for _, challenge := range []string{"a", ""} {
				p.token()
				p.challenge(challenge)
			}
			if token := p.token(); token != "3" {
				t.Errorf("last token %q", token)
			}
			p.answer(wire.CodeOK, &wire.SetSASLResponse{})
			p.rest()
		})
		states(events, StateHasSession)
		if want := []string{`""`, `"a"`, `""`, `""`}; !slices.Equal(challenges, want) {
			t.Errorf("challenges %q, want %q", challenges, want)
		}
		if c.State() != StateHasSession {
			t.Errorf("state %v", c.State())
		}
	})
}
