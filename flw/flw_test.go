package flw

import (
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
)

// server answers on in-memory connections; answer gets the word and the server's end, which is closed when it
// returns. Every connection's goroutine ends with answer.
func server(answer func(address, word string, conn net.Conn)) *Client {
	return &Client{Dial: func(_ context.Context, _, address string) (net.Conn, error) {
		here, there := net.Pipe()
		go func() {
			defer there.Close()
			word := make([]byte, 4)
			if _, err := io.ReadFull(there, word); err == nil {
				answer(address, string(word), there)
			}
		}()
		return here, nil
	}}
}

// saying answers every word with the same text.
func saying(text string) *Client {
	return server(func(_, _ string, conn net.Conn) { io.WriteString(conn, text) })
}

func TestAskReadsToTheEnd(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	asked := make(chan string, 1)
	go func() { // ends after one connection, or with the listener
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		word := make([]byte, 5)
		n, _ := io.ReadAtLeast(conn, word, 4)
		asked <- string(word[:n])
		for range 1000 {
			io.WriteString(conn, "zk_a\t1\n")
		}
	}()
	text, err := Ask(t.Context(), listener.Addr().String(), "mntr")
	if err != nil || text != strings.Repeat("zk_a\t1\n", 1000) {
		t.Errorf("got %d bytes, %v; want all 7000", len(text), err)
	}
	if word := <-asked; word != "mntr" {
		t.Errorf("the server was sent %q", word)
	}
}

func TestAskRefusals(t *testing.T) {
	_, err := saying("mntr is not executed because it is not in the whitelist.\n").Ask(t.Context(), "zk1:2181", "mntr")
	var refused *RefusedError
	if !errors.As(err, &refused) {
		t.Fatalf("got %v; want a RefusedError", err)
	}
	if want := (RefusedError{"mntr", "mntr is not executed because it is not in the whitelist."}); *refused != want {
		t.Errorf("got %+v; want %+v", *refused, want)
	}

	for _, c := range []struct {
		word, text string
		want       error
	}{
		{"srvr", "This ZooKeeper instance is not currently serving requests\n", ErrNotServing},
		{"mntr", "This instance is not currently serving requests", ErrNotServing}, // ClickHouse Keeper
		{"hash", "This ZooKeeper instance is not currently serving requests", ErrNotServing},
		{"lsnp", "", ErrNoReply},
		{"hash", "", nil},
		{"wchc", "\n", nil},
		{"ruok", "imok", nil},
	} {
		text, err := saying(c.text).Ask(t.Context(), "zk1:2181", c.word)
		if err != c.want || text != c.text {
			t.Errorf("%s answered with %q: got %q, %v; want %v", c.word, c.text, text, err, c.want)
		}
	}
}

func TestAskRejectsWhatIsNoWord(t *testing.T) {
	for _, word := range []string{"", "srv", "srvr\n"} {
		if _, err := saying("x").Ask(t.Context(), "zk1:2181", word); err == nil {
			t.Errorf("%q was sent", word)
		}
	}
}

func TestAskReturnsWhatCameBeforeTheConnectionBroke(t *testing.T) {
	broken := errors.New("connection reset")
	client := &Client{Dial: func(context.Context, string, string) (net.Conn, error) {
		return &brokenConn{text: strings.NewReader("Zookeeper ver"), err: broken}, nil
	}}
	text, err := client.Ask(t.Context(), "zk1:2181", "srvr")
	if text != "Zookeeper ver" || !errors.Is(err, broken) {
		t.Errorf("got %q, %v", text, err)
	}
}

// brokenConn accepts a word, delivers a text and then fails.
type brokenConn struct {
	net.Conn
	text io.Reader
	err  error
}

func (c *brokenConn) Write(b []byte) (int, error)   { return len(b), nil }
func (c *brokenConn) Close() error                  { return nil }
func (c *brokenConn) SetDeadline(_ time.Time) error { return nil }
func (c *brokenConn) Read(b []byte) (n int, err error) {
	if n, err = c.text.Read(b); err == io.EOF {
		err = c.err
	}
	return n, err
}

func TestAskEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		defer close(hang)
		client := server(func(_, _ string, conn net.Conn) {
			io.WriteString(conn, "half a re")
			<-hang
		})

		start := time.Now()
		text, err := client.Ask(t.Context(), "zk1:2181", "cons")
		if took := time.Since(start); took != DefaultTimeout || !errors.Is(err, context.DeadlineExceeded) || text != "half a re" {
			t.Errorf("without a deadline: got %q, %v after %v", text, err, took)
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		_, err = client.Ask(ctx, "zk1:2181", "cons")
		if took := time.Since(start); took != time.Second || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with a deadline: got %v after %v", err, took)
		}

		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		ctx, stop := context.WithTimeout(ctx, time.Hour)
		defer stop()
		start = time.Now()
		_, err = client.Ask(ctx, "zk1:2181", "cons")
		if took := time.Since(start); took != time.Minute || !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: got %v after %v", err, took)
		}
	})
}

func TestAskEndsWhileNobodyReadsTheWord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		defer there.Close()
		client := &Client{Dial: func(context.Context, string, string) (net.Conn, error) { return here, nil }}
		_, err := client.Ask(t.Context(), "zk1:2181", "cons")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAskCutsOffAnEndlessReply(t *testing.T) {
	client := &Client{Dial: func(context.Context, string, string) (net.Conn, error) {
		return &brokenConn{text: endless{}}, nil
	}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for word, want := range map[string]int{"mntr": maxShortReply, "srvr": maxShortReply, "cons": MaxReply} {
		text, err := client.Ask(ctx, "zk1:2181", word)
		if !errors.Is(err, ErrTooLarge) || len(text) != want {
			t.Errorf("%s: got %d bytes, %v", word, len(text), err)
		}
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

// Every server is asked before any has answered, and the replies keep the order of the list.
func TestAskAllIsParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servers := []string{"zk1:2181", "zk2:2181", "zk3:2181"}
		var asked sync.WaitGroup
		asked.Add(len(servers))
		client := server(func(address, word string, conn net.Conn) {
			asked.Done()
			asked.Wait()
			io.WriteString(conn, word+" "+address)
		})
		var got []string
		for _, r := range client.AskAll(t.Context(), servers, "srvr") {
			got = append(got, r.Server, r.Text)
			if r.Err != nil {
				t.Error(r.Err)
			}
		}
		want := []string{"zk1:2181", "srvr zk1:2181", "zk2:2181", "srvr zk2:2181", "zk3:2181", "srvr zk3:2181"}
		if !slices.Equal(got, want) {
			t.Errorf("got %q; want %q", got, want)
		}
	})
}

func TestSetTraceMask(t *testing.T) {
	client := server(func(_, word string, conn net.Conn) {
		mask := make([]byte, 8)
		io.ReadFull(conn, mask)
		if word == "stmk" && string(mask) == "\x00\x00\x00\x00\x00\x00\x01\x36" {
			io.WriteString(conn, "310")
		}
	})
	if mask, err := client.SetTraceMask(t.Context(), "zk1:2181", 310); mask != 310 || err != nil {
		t.Errorf("got %d, %v", mask, err)
	}
}
