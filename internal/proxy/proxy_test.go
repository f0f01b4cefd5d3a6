package proxy

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a listener that sends back what it is sent, after a prefix.
func server(t *testing.T, prefix string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { // ends with the connection
				defer c.Close()
				io.WriteString(c, prefix)
				io.Copy(c, c)
			}()
		}
	}()
	return l.Addr().String()
}

func way(t *testing.T) *Proxy {
	t.Helper()
	p, err := New(server(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func dial(t *testing.T, p *Proxy) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(10 * time.Second))
	return c
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, c net.Conn, text string) {
	t.Helper()
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
		t.Fatalf("got %q, error %v, want %q", got, err, text)
	}
}

// wantEnd waits for the end of the connection. Only an end by the peer counts.
func wantEnd(t *testing.T, c net.Conn) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%d bytes, error %v, want the end", n, err)
	}
}

func TestCarries(t *testing.T) {
	c := dial(t, way(t))
	send(t, c, "hello")
	want(t, c, "hello")
}

func TestBreakAndMend(t *testing.T) {
	p := way(t)
	c := dial(t, p)
	send(t, c, "hello")
	want(t, c, "hello")
	p.Break()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("error %v, want a reset", err)
	}
	if c, err := net.Dial("tcp", p.Addr()); err == nil {
		defer c.Close()
		wantEnd(t, c)
	}
	p.Mend()
	c = dial(t, p)
	send(t, c, "again")
	want(t, c, "again")
}

// What is stalled arrives when the stall is over, on both ways.
func TestStall(t *testing.T) {
	for _, f := range []Fault{{StallUp: true}, {StallDown: true}} {
		p := way(t)
		c := dial(t, p)
		send(t, c, "hello")
		want(t, c, "hello")
		p.Set(f)
		send(t, c, "late")
		c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if n, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%+v: %d bytes, error %v", f, n, err)
		}
		c.SetReadDeadline(time.Now().Add(10 * time.Second))
		p.Mend()
		want(t, c, "late")
	}
}

// A cut ends what is stalled.
func TestCutWhileStalled(t *testing.T) {
	p := way(t)
	c := dial(t, p)
	send(t, c, "hello")
	want(t, c, "hello")
	p.Set(Fault{StallDown: true})
	send(t, c, "never")
	p.Cut()
	wantEnd(t, c)
}

func TestDrop(t *testing.T) {
	p := way(t)
	c := dial(t, p)
	send(t, c, "hello")
	want(t, c, "hello")
	p.Set(Fault{Drop: 3})
	send(t, c, "hello")
	got, _ := io.ReadAll(c)
	if len(got) > 3 { // a reset may overtake them
		t.Errorf("got %q", got)
	}
}

func TestDelayAndRate(t *testing.T) {
	text := string(bytes.Repeat([]byte("x"), 100))
	for _, f := range []Fault{{Delay: 30 * time.Millisecond}, {Rate: 2000}} {
		p := way(t)
		p.Set(f)
		c := dial(t, p)
		start := time.Now()
		send(t, c, text)
		want(t, c, text)
		if took := time.Since(start); took < 50*time.Millisecond {
			t.Errorf("%+v: there and back in %v", f, took)
		}
	}
}

func TestElsewhere(t *testing.T) {
	p := way(t)
	p.Set(Fault{Server: server(t, "other")})
	want(t, dial(t, p), "other")
	p.Set(Fault{Garbage: []byte("HTTP/1.1 400 Bad Request\r\n\r\n")})
	c := dial(t, p)
	send(t, c, "hello")
	want(t, c, "HTTP/1.1 400 Bad Request\r\n\r\n")
}

func TestNoServer(t *testing.T) {
	p, err := New("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if c, err := net.Dial("tcp", p.Addr()); err == nil { // else it was reset at once
		defer c.Close()
		wantEnd(t, c)
	}
}

// What a server says before it hangs up arrives.
func TestLastWords(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { // ends with the connection
		if c, err := l.Accept(); err == nil {
			io.WriteString(c, "bye")
			c.Close()
		}
	}()
	p, err := New(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if got, err := io.ReadAll(dial(t, p)); err != nil || string(got) != "bye" {
		t.Errorf("got %q, error %v", got, err)
	}
}
