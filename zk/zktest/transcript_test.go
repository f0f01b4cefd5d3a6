package zktest_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/internal/wire"
	"github.com/zkfs/zkfs/zk/zktest"
)

var record = flag.String("record", "", "the version of the ZooKeeper here: write down in testdata what it answers")

// Each file of testdata is a conversation with a fresh ZooKeeper of some version, which a fresh
// server of this package must repeat word for word: errors, zxids, Stats, events and their order.
// They are recorded by
//
//	go test -run Transcripts -record 3.8.0
//
// from the ZooKeeper that [zk.Server] finds, Debian's or that of ZOOKEEPER_HOME. In a file,
//
//	a> create path="/a" data="x" $open
//	a< create xid=1 zxid=0x2 path="/a"
//
// The letter names a connection, which begins with a handshake of its own unless it is asked for as
// createSession. What comes before the answer to a request stands before it, and nothing is read
// without a request. ! sends bytes in hexadecimal, or nothing, and reads what answers the
// operation. ? is >, but shows the frames that come in hexadecimal. ~ sends a request that is not
// answered. $open is the ACL that is open to all; $a stands for the session of a, and for its
// password.
//
// Folders with names of [zktest.WithServer] are not recorded: no such server was at hand. They are
// written from the sources of the server, which each file names.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimPrefix(file, "testdata/"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			version := filepath.Base(filepath.Dir(file))
			server := zktest.WithVersion(version)
			if slices.Contains(zktest.Servers(), version) {
				server = zktest.WithServer(version)
			}
			switch *record {
			case "":
				synctest.Test(t, func(t *testing.T) { // where no session expires while there is something to say
					s := zktest.NewServer(server,
						zktest.WithSuper("super:secret"), zktest.WithSessionTimeouts(400*time.Millisecond, time.Minute))
					defer s.Close()
					same(t, string(want), converse(t, func() (net.Conn, error) { return s.Dialer()("tcp", "any", 0) }, string(want)))
				})
			case version:
				addr := realServer(t)
				got := converse(t, func() (net.Conn, error) { return net.Dial("tcp", addr) }, string(want))
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// realServer starts a ZooKeeper and returns its address.
func realServer(t *testing.T) string {
	t.Helper()
	ts, err := zk.StartTestClusterFunc(1, func(_ int, _ *zk.ServerConfig, srv *zk.Server) {
		srv.JVMFlags = append(srv.JVMFlags, "-Dzookeeper.DigestAuthenticationProvider.superDigest=super:lK75jTNcA+U9vtVEw5vB51mj/w4=")
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ts.Stop(); err != nil {
			t.Error(err)
		}
	})
	return fmt.Sprintf("127.0.0.1:%d", ts.Servers[0].Port)
}

// same compares transcripts line by line.
func same(t *testing.T, want, got string) {
	t.Helper()
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range w {
		if i >= len(g) || w[i] != g[i] {
			t.Fatalf("line %d:\n%s\nwant\n%s", i+1, strings.Join(g[i:min(len(g), i+3)], "\n"), w[i])
		}
	}
}

// converse sends the requests of a transcript to a server and returns the transcript of what comes of it.
func converse(t *testing.T, dial func() (net.Conn, error), script string) string {
	t.Helper()
	c := &conversation{t: t, dial: dial, talkers: map[string]*talker{}}
	defer func() {
		for _, k := range c.talkers {
			k.nc.Close()
		}
	}()
	for line := range strings.Lines(script) {
		line = strings.TrimSuffix(line, "\n")
		name, rest, _ := strings.Cut(line, " ")
		switch {
		case strings.HasSuffix(name, "<"):
			continue
		case strings.HasSuffix(name, ">"):
			fmt.Fprintln(&c.out, line)
			c.request(name[:len(name)-1], rest)
		case strings.HasSuffix(name, "!"):
			fmt.Fprintln(&c.out, line)
			c.raw(name[:len(name)-1], rest)
		case strings.HasSuffix(name, "?"):
			fmt.Fprintln(&c.out, line)
			c.bytes(name[:len(name)-1], rest)
		case strings.HasSuffix(name, "~"):
			fmt.Fprintln(&c.out, line)
			c.unanswered(name[:len(name)-1], rest)
		default:
			fmt.Fprintln(&c.out, line)
		}
	}
	return c.out.String()
}

// A conversation is the connections to a server, and what was said.
type conversation struct {
	t       *testing.T
	dial    func() (net.Conn, error)
	talkers map[string]*talker
	out     strings.Builder
}

// A talker is one connection.
type talker struct {
	nc       net.Conn
	xid      int32
	session  int64
	password []byte
}

func (c *conversation) talker(name string, greet bool) *talker {
	k := c.talkers[name]
	if k == nil {
		nc, err := c.dial()
		if err != nil {
			c.t.Fatal(err)
		}
		k = &talker{nc: nc}
		c.talkers[name] = k
		if greet {
			c.handshake(k, &wire.ConnectRequest{TimeOut: 10000, Passwd: make([]byte, 16)})
		}
	}
	return k
}

// handshake returns the answer, nil if the server hangs up.
func (c *conversation) handshake(k *talker, r *wire.ConnectRequest) *wire.Message {
	c.write(k, wire.AppendFrame(nil, r))
	m := c.read(k, wire.OpCreateSession)
	if m != nil {
		answer := m.Record.(*wire.ConnectResponse)
		k.session, k.password = answer.SessionID, answer.Passwd
	}
	return m
}

func (c *conversation) write(k *talker, b []byte) {
	if _, err := k.nc.Write(b); err != nil {
		c.t.Logf("write: %v", err) // the server has hung up, which reading tells
	}
}

// read reads the next frame, whatever it is, as one that answers op; nil if the server has hung up.
func (c *conversation) read(k *talker, op wire.Op) *wire.Message {
	k.nc.SetReadDeadline(time.Now().Add(20 * time.Second))
	body, err := wire.ReadFrame(k.nc, nil, 1<<24)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		c.t.Fatalf("no answer to %v", op)
	}
	if err != nil {
		return nil
	}
	if len(body) >= 4 && string(body[:4]) == "\xff\xff\xff\xff" && op != wire.OpCreateSession {
		op = wire.OpNotification
	}
	m, err := wire.DecodeReply(body, op)
	if err != nil {
		c.t.Fatalf("%v: %v", op, err)
	}
	return &m
}

// send sends a request.
func (c *conversation) send(name, text string) (*talker, wire.Message) {
	m, err := wire.ParseRequest(c.expand(text))
	if err != nil {
		c.t.Fatalf("%s: %v", text, err)
	}
	k := c.talker(name, m.Op != wire.OpCreateSession)
	if r, ok := m.Record.(*wire.ConnectRequest); ok && r.Passwd == nil {
		r.Passwd = make([]byte, 16)
	}
	if m.Xid == 0 && m.Op != wire.OpCreateSession {
		k.xid++
		m.Xid = k.xid
	}
	c.write(k, m.AppendRequest(nil))
	return k, m
}

// bytes sends a request and shows what comes, up to its answer, in hexadecimal.
func (c *conversation) bytes(name, text string) {
	k, _ := c.send(name, text)
	for {
		k.nc.SetReadDeadline(time.Now().Add(20 * time.Second))
		body, err := wire.ReadFrame(k.nc, nil, 1<<24)
		if err != nil {
			fmt.Fprintf(&c.out, "%s< closed\n", name)
			return
		}
		fmt.Fprintf(&c.out, "%s< %x\n", name, body)
		if !bytes.HasPrefix(body, []byte("\xff\xff\xff\xff")) {
			return
		}
	}
}

// unanswered sends a request and checks that nothing comes of it.
func (c *conversation) unanswered(name, text string) {
	k, _ := c.send(name, text)
	k.nc.SetReadDeadline(time.Now().Add(time.Second))
	if n, err := k.nc.Read(make([]byte, 1)); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("%s: %d bytes, error %v, want silence", text, n, err)
	}
}

// request sends a request and reads what comes, up to its answer.
func (c *conversation) request(name, text string) {
	if strings.HasPrefix(text, wire.OpCreateSession.String()) {
		m, err := wire.ParseRequest(c.expand(text))
		if err != nil {
			c.t.Fatalf("%s: %v", text, err)
		}
		c.say(name, c.handshake(c.talker(name, false), m.Record.(*wire.ConnectRequest)))
		return
	}
	k, m := c.send(name, text)
	for {
		answer := c.read(k, m.Op)
		c.say(name, answer)
		if answer == nil || answer.Op != wire.OpNotification || m.Op == wire.OpNotification {
			return
		}
	}
}

// raw sends bytes and reads what answers the operation.
func (c *conversation) raw(name, text string) {
	op, hexed, _ := strings.Cut(text, " ")
	m, err := wire.ParseRequest(op)
	if err != nil {
		c.t.Fatal(err)
	}
	b, err := hex.DecodeString(strings.ReplaceAll(hexed, " ", ""))
	if err != nil {
		c.t.Fatalf("%s: %v", text, err)
	}
	k := c.talker(name, true)
	c.write(k, b)
	c.say(name, c.read(k, m.Op))
}

// expand replaces what begins with $ in a request.
func (c *conversation) expand(text string) string {
	text = strings.ReplaceAll(text, "$open", `acl=[{perms=31 scheme="world" id="anyone"}]`)
	for _, name := range slices.Sorted(maps.Keys(c.talkers)) {
		k := c.talkers[name]
		text = strings.ReplaceAll(text, "passwd=$"+name, "passwd="+strconv.Quote(string(k.password)))
		text = strings.ReplaceAll(text, "sessionID=$"+name, fmt.Sprintf("sessionID=%#x", uint64(k.session)))
	}
	return text
}

var times = regexp.MustCompile(` ?\b[cm]time=\d+`)

// say writes down what has come, without times, and with names for sessions.
func (c *conversation) say(name string, m *wire.Message) {
	if m == nil {
		fmt.Fprintf(&c.out, "%s< closed\n", name)
		return
	}
	switch r := m.Record.(type) {
	case *wire.GetChildrenResponse:
		slices.Sort(r.Children)
	case *wire.GetChildren2Response:
		slices.Sort(r.Children)
	case *wire.GetEphemeralsResponse:
		slices.Sort(r.Ephemerals)
	case *wire.WhoAmIResponse:
		slices.SortFunc(r.ClientInfo, func(a, b wire.ClientInfo) int { return strings.Compare(a.AuthScheme+a.User, b.AuthScheme+b.User) })
	}
	text := times.ReplaceAllString(m.String(), "")
	for _, other := range slices.Sorted(maps.Keys(c.talkers)) {
		if id := c.talkers[other].session; id != 0 {
			named := regexp.MustCompile(fmt.Sprintf(`\b(sessionID|ephemeralOwner)=%#x\b`, uint64(id)))
			text = named.ReplaceAllString(text, "$1=$$"+other)
		}
	}
	fmt.Fprintf(&c.out, "%s< %s\n", name, text)
}
