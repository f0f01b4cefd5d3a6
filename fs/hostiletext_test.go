package fs

import (
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/zkfs/zkfs/zk"
)

// hostile is what no terminal may get: colours, a new title, an end of the line, text from right to
// left, a control in one byte.
const hostile = "\x1b[31m\x1b]0;title\a\rlast zxid \u202e\u2066\u200e\u061c\u009b2J\u2028\x7f"

// shown returns what cat prints, and fails the test if a terminal does more with it than show it.
func (w *world) shown(file string) string {
	w.t.Helper()
	text, err := strconv.Unquote(strings.TrimPrefix(w.do("cat", file), "ok "))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range text {
		if r != '\n' && r != '\t' && !unicode.IsGraphic(r) {
			w.t.Errorf("%s: %U in %q", file, r, text)
			break
		}
	}
	return text
}

// What contenders say about themselves any client may have written.
func TestQueueOfHostileContenders(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/x.lock", "")
	for _, data := range []string{hostile, "two\n0000000009 0x1 lines", "\xff\xfe", ""} {
		if _, err := w.other.Create("/x.lock/"+"c-lock-", []byte(data), zk.FlagEphemeralSequential, zk.WorldACL(zk.PermAll)); err != nil {
			t.Fatal(err)
		}
	}
	if text := w.shown("x.lock"); strings.Count(text, "\n") != 4 || !strings.Contains(text, `\x1b[31m`) {
		t.Errorf("the queue is %q", text)
	}
}

func TestStatusOfHostileServers(t *testing.T) {
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
			io.ReadFull(c, make([]byte, 4))
			io.WriteString(c, "zk_version\t3.8.0"+hostile+"\r\nMode: "+hostile+"\n")
			c.Close()
		}
	}()
	w := newWorld(t, Options{Servers: []string{l.Addr().String()}, FsName: "zk1/" + hostile})
	text := w.shown(".status")
	if !strings.Contains(text, "\nzk_version\t3.8.0\\x1b[31m") || !strings.Contains(text, "source           zk1/\\x1b[31m") {
		t.Errorf("the status is %s", text)
	}
}
