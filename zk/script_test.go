package zk

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// A protocol script plays the servers of one client, frame by frame, in time that passes only when everybody waits. Frames
// stand as they do in a trace. What the client sends must be in the script, all of it and in this order.
//
//	connect [timeout=10s] [servers=2] [chroot=/app] [auth=digest:u:p] [readonly]    start the client
//	accept                   the client dials, and this is its connection from here on
//	refuse                   the client dials, in vain
//	session [field=value]... the client is accepted, asks for a session, and gets one: 0x1 of 10 s if nothing else is said
//	> TEXT                   the client has sent this frame, or this four-letter word
//	< TEXT                   send this frame
//	<< "BYTES"               send these bytes
//	hangup                   close the connection
//	eof                      the client has closed the connection
//	call NAME METHOD ARG...  call a method of the client, in the background; within=1s bounds it
//	done NAME RESULT         the call has returned this
//	pending NAME             the call has not returned
//	watch NAME EVENT         the watch that the call has set delivers this, and ends
//	armed NAME               it has not
//	state STATE              the client is in this state
//	event STATE              the next change that the client tells of is this one
//	sleep 2s                 let time pass
func TestScripts(t *testing.T) {
	files, _ := filepath.Glob("testdata/wire/*.txt")
	if len(files) == 0 {
		t.Fatal("no scripts in testdata/wire")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				if err := runScript(t, string(content)); err != nil {
					t.Errorf("%s:%v", file, err)
				}
			})
		})
	}
}

// A script that says something else than what happens fails, and names the line.
func TestScriptsFail(t *testing.T) {
	for script, want := range map[string]string{
		"say hello":                       "1: unknown verb say",
		"connect now=1":                   "1: connect now=1\nunknown option now=1",
		"accept":                          "1: accept\nthe client does not dial",
		"connect\nrefuse\naccept\n> ping": "4: > ping\ngot  createSession timeOut=10000 passwd=secret(16)\nwant ping",
		"connect\nsession\n< getDate":     `3: < getDate` + "\n" + `unknown name "getDate" at ""`,
		"connect\nsession\n> getData":     "3: > getData\ngot  ping\nwant getData",
		"connect\nsession\n<< \"\\xff\\xff\\xff\\xff\"\n> ping": "4: > ping\nthe client has closed the connection",
		"connect\nsession\neof":                                 "3: eof\nthe client sends ping",
		"connect\nsession\ncall 1 get /a":                       `end: the client has also sent: getData xid=1 path="/a"`,
		"connect\nsession\ncall 1 get /a\ndone 1 x":             "4: done 1 x\ngot  maybe applied: zk: connection closed\nwant x",
		"connect\nsession\ncall 1 close\n> closeSession xid=2147483647\n< closeSession xid=2147483647\ndone 1 x": "6: done 1 x\ngot  ok\nwant x",
		"connect\ncall 1 get a\npending 1":                  "3: pending 1\nit has returned",
		"connect\nsession\nstate StateExpired":              "3: state StateExpired\ngot StateHasSession",
		"connect\nevent StateExpired":                       "2: event StateExpired\ngot StateConnecting, channel open true",
		"connect\ncall 1 close\narmed 1":                    "3: armed 1\nit is not",
		"connect\ncall 1 close\nwatch 1 EventNodeDeleted /": "3: watch 1 EventNodeDeleted /\nno such watch",
	} {
		synctest.Test(t, func(t *testing.T) {
			err := runScript(t, script)
			if err == nil || err.Error() != want {
				t.Errorf("%s\ngot  %v\nwant %s", script, err, want)
			}
		})
	}
}

// patience is how long a script waits for the client to do something.
const patience = time.Minute

type script struct {
	*testing.T
	client *Conn
	events <-chan Event
	dials  chan chan net.Conn // an attempt of the client, answered with its end of a connection or nil
	server *scriptServer
	calls  map[string]*scriptCall
	ended  chan struct{}
}

// scriptServer is the server's end of a connection.
type scriptServer struct {
	net.Conn
	frames chan string // what the client has sent, as text
}

// runScript runs a script in a bubble. The error begins with the number of the line.
func runScript(t *testing.T, text string) error {
	s := &script{T: t, dials: make(chan chan net.Conn), calls: map[string]*scriptCall{}, ended: make(chan struct{})}
	defer s.end()
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		verb, rest, _ := strings.Cut(line, " ")
		do := scriptVerbs[verb]
		if do == nil {
			return fmt.Errorf("%d: unknown verb %s", n+1, verb)
		}
		if err := do(s, strings.TrimSpace(rest)); err != nil {
			return fmt.Errorf("%d: %s\n%v", n+1, line, err)
		}
	}
	synctest.Wait()
	if s.server != nil && len(s.server.frames) > 0 {
		return fmt.Errorf("end: the client has also sent: %s", <-s.server.frames)
	}
	return nil
}

// end ends the client and all that the script has left open.
func (s *script) end() {
	close(s.ended)
	if s.server != nil {
		s.server.Close()
	}
	if s.client != nil {
		s.client.Close()
	}
}

var scriptVerbs = map[string]func(s *script, rest string) error{
	"connect": (*script).connect,
	"accept":  (*script).accept,
	"refuse":  (*script).refuse,
	"session": (*script).session,
	">":       (*script).expect,
	"<":       (*script).send,
	"<<":      (*script).sendBytes,
	"hangup":  (*script).hangup,
	"eof":     (*script).eof,
	"call":    (*script).call,
	"done":    (*script).done,
	"pending": (*script).pending,
	"watch":   (*script).watch,
	"armed":   (*script).armed,
	"state":   (*script).state,
	"event":   (*script).event,
	"sleep":   (*script).sleep,
}

func (s *script) connect(rest string) error {
	options := []Option{WithDialer(s.dial), WithLogger(scriptLogger{s.T})}
	timeout, servers := 10*time.Second, []string{"server1"}
	for _, field := range strings.Fields(rest) {
		name, value, _ := strings.Cut(field, "=")
		switch name {
		case "timeout":
			timeout, _ = time.ParseDuration(value)
		case "servers":
			n, _ := strconv.Atoi(value)
			for len(servers) < n {
				servers = append(servers, fmt.Sprintf("server%d", len(servers)+1))
			}
		case "chroot":
			options = append(options, WithChroot(value))
		case "auth":
			scheme, auth, _ := strings.Cut(value, ":")
			options = append(options, WithAuth(scheme, []byte(auth)))
		case "readonly":
			options = append(options, WithReadOnly())
		default:
			return fmt.Errorf("unknown option %s", field)
		}
	}
	var err error
	s.client, s.events, err = Connect(servers, timeout, options...)
	return err
}

type scriptLogger struct{ *testing.T }

func (l scriptLogger) Printf(format string, args ...any) { l.Logf(format, args...) }

// dial is the client's dialer.
func (s *script) dial(_, address string, timeout time.Duration) (net.Conn, error) {
	answer := make(chan net.Conn)
	select {
	case s.dials <- answer:
		if conn := <-answer; conn != nil {
			return conn, nil
		}
		return nil, errors.New("connection refused")
	case <-time.After(timeout):
		return nil, fmt.Errorf("dial %s: no answer in %v", address, timeout)
	case <-s.ended:
		return nil, errors.New("the script has ended")
	}
}

func (s *script) accept(string) error {
	select {
	case answer := <-s.dials:
		client, server := net.Pipe()
		s.server = &scriptServer{server, make(chan string, 1000)}
		go s.server.read() // ends with the connection
		answer <- client
		return nil
	case <-time.After(patience):
		return errors.New("the client does not dial")
	}
}

func (s *script) refuse(string) error {
	select {
	case answer := <-s.dials:
		answer <- nil
		return nil
	case <-time.After(patience):
		return errors.New("the client does not dial")
	}
}

// read takes in what the client sends.
func (c *scriptServer) read() {
	defer close(c.frames)
	r := bufio.NewReader(c)
	if word, err := r.Peek(4); err == nil && isText(word) {
		c.frames <- strconv.Quote(string(word))
		return
	}
	for handshake := true; ; handshake = false {
		body, err := wire.ReadFrame(r, nil, 1<<20)
		if err != nil {
			return
		}
		m, err := wire.DecodeRequest(body, handshake)
		if err != nil {
			c.frames <- fmt.Sprintf("%v: %v: %x", &m, err, body)
			return
		}
		c.frames <- m.String()
	}
}

// next returns the next frame from the client, "" if it has closed the connection.
func (s *script) next() (string, error) {
	if s.server == nil {
		return "", errors.New("no connection has been accepted")
	}
	select {
	case text := <-s.server.frames:
		return text, nil
	case <-time.After(patience):
		return "", errors.New("the client does nothing")
	}
}

func (s *script) session(rest string) error {
	if err := s.accept(""); err != nil {
		return err
	}
	if got, err := s.next(); err != nil || !strings.HasPrefix(got, "createSession ") {
		return fmt.Errorf("client sends %s, %v", got, err)
	}
	reply := `createSession timeOut=10000 sessionID=0x1 passwd="0123456789abcdef" `
	if err := s.send(reply + rest); err != nil { // a field that stands twice has its last value
		return err
	}
	synctest.Wait() // until the client has its session: closed before, it would have none to close
	return nil
}

func (s *script) expect(want string) error {
	got, err := s.next()
	switch {
	case err != nil:
		return err
	case got == "":
		return errors.New("the client has closed the connection")
	case got != want:
		return fmt.Errorf("got  %s\nwant %s", got, want)
	}
	return nil
}

func (s *script) eof(string) error {
	got, err := s.next()
	if err == nil && got != "" {
		return fmt.Errorf("the client sends %s", got)
	}
	return err
}

func (s *script) hangup(string) error {
	err := s.server.Close()
	synctest.Wait()
	return err
}

func (s *script) send(text string) error {
	m, err := wire.ParseReply(text)
	if err != nil {
		return err
	}
	return s.write(m.AppendReply(nil))
}

func (s *script) sendBytes(text string) error {
	b, err := strconv.Unquote(text)
	if err != nil {
		return err
	}
	return s.write([]byte(b))
}

func (s *script) write(b []byte) error {
	if s.server == nil {
		return errors.New("no connection has been accepted")
	}
	s.server.SetWriteDeadline(time.Now().Add(patience))
	_, err := s.server.Write(b)
	return err
}
