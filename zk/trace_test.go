package zk

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// pipeListener accepts connections made in memory.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// Dial returns the client's end of a connection that Accept returns the other end of.
func (l *pipeListener) Dial() (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, errors.New("connection refused")
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	close(l.closed)
	return nil
}

func (l *pipeListener) Addr() net.Addr { return nil }

// traceTest is a tracer in a synctest bubble, with the test at both ends of a connection through it.
type traceTest struct {
	*testing.T
	out            bytes.Buffer // to be read when the bubble waits
	client, server net.Conn
	shown          int // bytes of out that lines has returned
}

func testTrace(t *testing.T, f func(t *traceTest)) {
	synctest.Test(t, func(t *testing.T) {
		front, back := newPipeListener(), newPipeListener()
		tt := &traceTest{T: t}
		served := make(chan struct{})
		go func() { // ends when front is closed
			newTracer(&tt.out, back.Dial).serve(front)
			close(served)
		}()
		tt.client, _ = front.Dial()
		tt.server, _ = back.Accept()
		f(tt)
		tt.client.Close()
		tt.server.Close()
		front.Close()
		<-served
	})
}

// send writes b at one end and checks that it comes out of the other.
func (t *traceTest) send(from, to net.Conn, b []byte) {
	t.Helper()
	go from.Write(b) // ends when read below
	got := make([]byte, len(b))
	if _, err := io.ReadFull(to, got); err != nil || !bytes.Equal(got, b) {
		t.Fatalf("sent %x, arrived %x, %v", b, got, err)
	}
}

var timeOfDay = regexp.MustCompile(`(?m)^[0-9:.]+ `)

// lines returns what has been printed since the last call, without the times.
func (t *traceTest) lines() string {
	synctest.Wait()
	s := t.out.String()[t.shown:]
	t.shown = t.out.Len()
	return timeOfDay.ReplaceAllString(s, "")
}

func (t *traceTest) expect(want ...string) {
	t.Helper()
	if got := t.lines(); got != strings.Join(want, "\n")+"\n" {
		t.Errorf("got\n%swant\n%s", got, strings.Join(want, "\n"))
	}
}

// The trace of a recorded conversation is the text beside it in the record.
func TestTraceOfRecordedConversation(t *testing.T) {
	content, err := os.ReadFile("internal/wire/testdata/3.8.0.txt")
	if err != nil {
		t.Fatal(err)
	}
	for i, conversation := range strings.Split(string(content), "# connection\n")[1:] {
		lines := strings.Split(strings.TrimSpace(conversation), "\n")
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			testTrace(t, func(t *traceTest) { replay(t, lines) })
		})
	}
}

func replay(t *traceTest, lines []string) {
	t.lines()
	for len(lines) > 1 {
		frame, err := hex.DecodeString(strings.TrimSpace(lines[1]))
		if err != nil {
			t.Fatal(err)
		}
		if lines[0][0] == '>' {
			t.send(t.client, t.server, frame)
		} else {
			t.send(t.server, t.client, frame)
		}
		t.expect("1 " + lines[0])
		lines = lines[2:]
	}
}

func TestTraceConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		front := newPipeListener()
		var out bytes.Buffer
		served := make(chan struct{})
		go func() { // ends when front is closed
			newTracer(&out, func() (net.Conn, error) { return nil, errors.New("refused") }).serve(front)
			close(served)
		}()
		for range 2 {
			c, err := front.Dial()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("read: %v, want EOF", err)
			}
		}
		front.Close()
		<-served
		synctest.Wait()
		want := "1 # connection from pipe\n1 # refused\n2 # connection from pipe\n2 # refused\n"
		if got := timeOfDay.ReplaceAllString(out.String(), ""); got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	})
}

// Frames are shown whatever the portions in which they arrive, and several at once.
func TestTracePortions(t *testing.T) {
	testTrace(t, func(t *traceTest) {
		var stream []byte
		for _, text := range []string{`createSession timeOut=4000`, `getData xid=1 path="/a"`, `ping`} {
			m, err := wire.ParseRequest(text)
			if err != nil {
				t.Fatal(err)
			}
			stream = m.AppendRequest(stream)
		}
		for _, b := range stream[:40] {
			t.send(t.client, t.server, []byte{b})
		}
		t.send(t.client, t.server, stream[40:])
		t.expect("1 # connection from pipe", "1 > createSession timeOut=4000", `1 > getData xid=1 path="/a"`, "1 > ping")
		t.client.Write([]byte{0, 0, 0, 9, 1})
		t.client.Close()
		if _, err := io.ReadAll(t.server); err != nil {
			t.Error(err)
		}
		t.expect("1 # > 5 bytes of an unfinished frame", "1 # connection closed")
	})
}

func TestTraceFourLetterWord(t *testing.T) {
	testTrace(t, func(t *traceTest) {
		t.lines()
		t.send(t.client, t.server, []byte("srvr"))
		t.expect(`1 > "srvr"`)
		t.send(t.server, t.client, []byte("Zookeeper version: 3.8.0\nLatency min/avg/max: 0/0.0/0\n"))
		t.send(t.server, t.client, []byte("Mode: standalone\n"))
		t.expect(`1 < "Zookeeper version: 3.8.0"`, `1 < "Latency min/avg/max: 0/0.0/0"`, `1 < "Mode: standalone"`)
	})
	testTrace(t, func(t *traceTest) { // the answer to isro, the shortest
		t.lines()
		t.send(t.server, t.client, []byte("rw"))
		t.server.Close()
		if _, err := t.client.Read(make([]byte, 1)); err != io.EOF {
			t.Error(err)
		}
		t.expect(`1 < "rw"`, "1 # connection closed")
	})
}

// What is no frame goes through unchanged.
func TestTraceGarbage(t *testing.T) {
	hello := append([]byte{0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 0xaa, 0xbb, 0xcc, 0xdd, 0xee}, make([]byte, 100_000)...)
	tests := []struct {
		name, bytes, want string
	}{
		{"TLS", string(hello), "1 # < not a frame: 1603010200010001fc0303aabbccddee; nothing more is shown"},
		{"negative", "\xff\xff\xff\xff\x00", "1 # < not a frame: ffffffff00; nothing more is shown"},
		{"HTTP", "HTTP/1.1 400 Bad Request\r\n", `1 < "HTTP/1.1 400 Bad Request\r"`},
		{"read-only", "\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\xff\xff\xff\x89",
			"1 # < createSession: malformed record: 4 bytes wanted, 0 left: 16 bytes, 000000000000000100000000ffffff89"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			testTrace(t, func(t *traceTest) {
				t.lines()
				t.send(t.server, t.client, []byte(tt.bytes))
				t.expect(tt.want)
				t.send(t.server, t.client, []byte(tt.bytes))
			})
		})
	}
}

// Frames that are malformed are shown as far as they are understood, without the secrets in them.
func TestTraceMalformed(t *testing.T) {
	testTrace(t, func(t *traceTest) {
		request := func(m wire.Message, trailing string) {
			b := m.AppendRequest(nil)[4:]
			b = append(b, trailing...)
			t.send(t.client, t.server, append([]byte{0, 0, 0, byte(len(b))}, b...))
		}
		reply := func(m wire.Message) { t.send(t.server, t.client, m.AppendReply(nil)) }
		t.lines()
		secret := []byte("hunter2hunter2")
		request(wire.Message{Op: wire.OpCreateSession, Record: &wire.ConnectRequest{Passwd: secret}}, "trailing")
		t.expect("1 # > createSession: malformed record: 8 bytes left over: 51 bytes, 00000000000000000000000000000000")
		reply(wire.Message{Op: wire.OpCreateSession, Record: &wire.ConnectResponse{Passwd: secret}})
		t.expect("1 < createSession passwd=secret(14)")
		request(wire.Message{Op: wire.OpAuth, Xid: -4, Record: &wire.AuthPacket{Scheme: "digest", Auth: secret}}, "x")
		t.expect("1 # > auth: malformed record: 1 bytes left over: 41 bytes, fffffffc000000640000000000000006")
		request(wire.Message{Op: wire.OpSasl, Xid: 3, Record: &wire.GetSASLRequest{Token: secret}}, "x")
		t.expect("1 # > sasl xid=3: malformed record: 1 bytes left over: 27 bytes, 00000003000000660000000e")
		request(wire.Message{Op: 99, Xid: 4}, "abc")
		t.expect("1 # > 99 xid=4: malformed record: 3 bytes left over: 11 bytes, 0000000400000063616263")
		reply(wire.Message{Op: 99, Xid: 4, Zxid: 9, Err: wire.CodeUnimplemented})
		t.expect("1 < 99 xid=4 zxid=0x9 error=Unimplemented")
		reply(wire.Message{Xid: 77, Zxid: 9, Err: wire.CodeNoNode})
		t.expect("1 # < reply to no request: xid=77 zxid=0x9 error=NoNode")
		t.send(t.server, t.client, []byte("\x00\x00\x00\x02ab"))
		t.expect("1 # < 2 bytes: 6162")
	})
}

func TestStartTracerPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic although it cannot listen")
		}
	}()
	StartTracer("127.0.0.1:-1", "127.0.0.1:2181")
}
