package zk_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// FuzzSession plays back to a client what a server has answered in a whole session, changed anywhere: in the handshake, in replies of every
// kind, in the results of a multi and a multiRead, in events. The client has to stay alive, to answer each call in time, to end
// all goroutines when it is closed, and to allocate in proportion to what it has read.
func FuzzSession(f *testing.F) {
	for _, version := range []string{"3.4.14", "3.8.0", "3.9.3"} {
		recorded := record(f, version)
		f.Add(recorded)
		f.Add(recorded[:len(recorded)/2])
		for _, claim := range []uint32{1 << 31, 1<<31 - 1, 1 << 24, 1 << 16} { // as the length of any frame
			for at := 0; at < len(recorded); at += 4 + int(binary.BigEndian.Uint32(recorded[at:])) {
				changed := bytes.Clone(recorded)
				binary.BigEndian.PutUint32(changed[at:], claim)
				f.Add(changed)
			}
		}
	}
	f.Fuzz(func(t *testing.T, answers []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		p := &player{answers: answers}
		synctest.Test(t, func(t *testing.T) { p.play(t) })
		runtime.ReadMemStats(&after)
		// A connection has buffers of its own, and what a client reads it reads again after each reconnect.
		limit := uint64(p.dials * (1<<20 + 64*len(answers)))
		if got := after.TotalAlloc - before.TotalAlloc; got > limit {
			t.Errorf("%d bytes allocated for %d in %d connections", got, len(answers), p.dials)
		}
	})
}

// sessionTime bounds the calls of converse, all together.
const sessionTime = time.Minute

// converse makes calls of every kind, one after the other. change is called where the recorded events come from.
func converse(ctx context.Context, c *zk.Conn, change func(func(other *zk.Conn))) {
	v := c.WithContext(ctx)
	await := func(events <-chan zk.Event) {
		select {
		case <-events:
		case <-ctx.Done():
		}
	}
	v.Create("/a", []byte("data"), 0, acl)
	v.Create("/a/b", nil, zk.FlagEphemeralSequential, acl)
	v.CreateStat("/c", nil, 0, acl)
	v.Get("/a")
	v.Children("/a")
	v.Exists("/none")
	_, _, data, _ := v.GetW("/a")
	_, _, missing, _ := v.ExistsW("/d")
	_, _, children, _ := v.ChildrenW("/a")
	watcher, _ := v.AddWatch("/", zk.AddWatchPersistentRecursive)
	change(func(other *zk.Conn) {
		other.Set("/a", []byte("more"), -1)
		other.Create("/d", nil, 0, acl)
		other.Create("/a/e", nil, 0, acl)
	})
	if data != nil {
		await(data)
	}
	if missing != nil {
		await(missing)
	}
	if children != nil {
		await(children)
	}
	if watcher != nil {
		select {
		case <-watcher.Events():
		case <-ctx.Done():
		}
		go watcher.Stop() // has no context of its own; ends with the client
	}
	v.Set("/a", []byte("x"), 1)
	v.GetACL("/a")
	v.SetACL("/a", acl, -1)
	v.AddAuth("digest", []byte("u:p"))
	v.Multi(&zk.CreateRequest{Path: "/m", Acl: acl}, &zk.SetDataRequest{Path: "/m", Data: []byte("m"), Version: -1},
		&zk.CheckVersionRequest{Path: "/m", Version: 1}, &zk.DeleteRequest{Path: "/m", Version: -1})
	v.Multi(&zk.CreateRequest{Path: "/m", Acl: acl}, &zk.DeleteRequest{Path: "/none", Version: -1})
	v.MultiRead(&zk.GetDataRequest{Path: "/a"}, &zk.GetChildrenRequest{Path: "/a"}, &zk.GetDataRequest{Path: "/none"})
	v.Pipeline(&zk.GetDataRequest{Path: "/a"}, &zk.ExistsRequest{Path: "/none"}, &zk.GetChildrenRequest{Path: "/"}, &zk.SyncRequest{Path: "/"})
	v.Ephemerals("/")
	v.AllChildrenNumber("/")
	v.WhoAmI()
	v.Sync("/")
	v.Delete("/a", -1)
	v.Delete("/c", -1)
}

// record returns what a server of some version answers in a session.
func record(f *testing.F, version string) []byte {
	f.Helper()
	server := zktest.NewServer(zktest.WithVersion(version))
	defer server.Close()
	dial := func(dialer zk.Dialer) *zk.Conn {
		c, _, err := zk.Connect([]string{"zk"}, timeout, quiet, zk.WithDialer(dialer))
		if err != nil {
			f.Fatal(err)
		}
		return c
	}
	r := &recorder{}
	c := dial(func(network, address string, timeout time.Duration) (net.Conn, error) {
		conn, err := server.Dialer()(network, address, timeout)
		return &recordedConn{conn, r}, err
	})
	other := dial(server.Dialer())
	defer other.Close()
	ctx, cancel := context.WithTimeout(context.Background(), sessionTime)
	defer cancel()
	converse(ctx, c, func(change func(*zk.Conn)) { change(other) })
	c.Close()
	if ctx.Err() != nil || len(r.read) < 500 {
		f.Fatalf("%d bytes from a server of %s, %v", len(r.read), version, ctx.Err())
	}
	return r.read
}

// recorder gathers what was read from connections.
type recorder struct {
	mu   sync.Mutex // guards read
	read []byte
}

type recordedConn struct {
	net.Conn
	r *recorder
}

func (c *recordedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	c.r.read = append(c.r.read, b[:n]...)
	return n, err
}

// player is a server that answers each connection with the same bytes: a frame whenever the client waits for something.
type player struct {
	answers []byte

	mu    sync.Mutex // guards the following
	dials int
	conn  net.Conn // the last one
	left  []byte   // for it
}

// play lets a client have its conversation with the player. It runs in a bubble.
func (p *player) play(t *testing.T) {
	c, _ := connectTo(t, p.dial)
	ctx, cancel := context.WithTimeout(t.Context(), sessionTime)
	defer cancel()
	done := make(chan time.Duration)
	go func() { // ends soon after ctx
		start := time.Now()
		converse(ctx, c, func(func(*zk.Conn)) {})
		done <- time.Since(start)
	}()
	for over := false; !over; {
		synctest.Wait()
		if !p.answer() {
			time.Sleep(100 * time.Millisecond)
		}
		select {
		case took := <-done:
			if over = true; took > sessionTime {
				t.Errorf("the calls took %v", took)
			}
		default:
		}
	}
}

func (p *player) dial(string, string, time.Duration) (net.Conn, error) {
	client, server := net.Pipe()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dials++
	p.conn, p.left = server, p.answers
	go func() { // ends when the client closes its side
		defer server.Close()
		for buf := make([]byte, 4<<10); ; {
			if _, err := server.Read(buf); err != nil {
				return
			}
		}
	}()
	return client, nil
}

// answer sends the next frame, or all that is left if it claims to be longer, and reports whether there was one and somebody read it.
func (p *player) answer() bool {
	p.mu.Lock()
	if p.conn == nil || len(p.left) == 0 {
		p.mu.Unlock()
		return false
	}
	n := len(p.left)
	if n >= 4 {
		if length := int(int32(binary.BigEndian.Uint32(p.left))); length >= 0 && length < n-4 {
			n = 4 + length
		}
	}
	conn, frame := p.conn, p.left[:n]
	p.left = p.left[n:]
	p.mu.Unlock()
	conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, err := conn.Write(frame)
	return err == nil
}
