package zk_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// A reply that the client does not accept costs its call, and neither the connection nor other
// calls.
func TestReplyTooLarge(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server, zk.WithMaxBufferSize(100<<10))
		await(t, events, zk.StateHasSession)
		create(t, c, "/d")
		for i := range 2000 {
			create(t, c, fmt.Sprintf("/d/%064d", i))
		}
		_, err := c.Create("/large", bytes.Repeat([]byte("x"), 200<<10), 0, acl)
		wantErr(t, err, nil)
		_, err = c.Create("/small", []byte("x"), 0, acl)
		wantErr(t, err, nil)
		calls := map[string]func() error{
			"Get":       func() error { _, _, err := c.Get("/large"); return err },
			"GetW":      func() error { _, _, _, err := c.GetW("/large"); return err },
			"Children":  func() error { _, _, err := c.Children("/d"); return err },
			"ChildrenW": func() error { _, _, _, err := c.ChildrenW("/d"); return err },
			"MultiRead": func() error {
				_, err := c.MultiRead(&zk.GetDataRequest{Path: "/small"}, &zk.GetDataRequest{Path: "/large"})
				return err
			},
			"Pipeline": func() error {
				results := c.Pipeline(&zk.GetDataRequest{Path: "/small"}, &zk.GetDataRequest{Path: "/large"}, &zk.GetDataRequest{Path: "/small"})
				wantErr(t, results[0].Err, nil)
				wantErr(t, results[2].Err, nil)
				return results[1].Err
			},
		}
		for name, call := range calls {
			if err := call(); !errors.Is(err, zk.ErrReplyTooLarge) {
				t.Errorf("%s: %v", name, err)
			}
			data, _, err := c.Get("/small")
			if string(data) != "x" || err != nil {
				t.Errorf("after %s: %q, %v", name, data, err)
			}
		}
		wantConnected(t, events)
		long := many(2000, &zk.CreateRequest{Path: "/" + strings.Repeat("s", 64), Flags: zk.FlagSequence, Acl: acl})
		_, err = c.Multi(long...)
		if !errors.Is(err, zk.ErrReplyTooLarge) || !zk.MaybeApplied(err) {
			t.Errorf("creates that were made: %v, may have been applied: %v", err, zk.MaybeApplied(err))
		}
	})
}

// Gets whose replies are too long together travel alone.
func TestGetsTooLargeTogether(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server, zk.WithMaxBufferSize(100<<10), zk.WithMaxConnBufferSize(1<<10))
		await(t, events, zk.StateHasSession)
		other, _ := connect(t, server)
		_, err := other.Create("/a", bytes.Repeat([]byte("x"), 50<<10), 0, acl)
		wantErr(t, err, nil)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if data, _, err := c.Get("/a"); len(data) != 50<<10 || err != nil {
					t.Errorf("%d bytes, %v", len(data), err)
				}
			})
		}
		all.Wait()
		wantConnected(t, events)
	})
}

// wantConnected fails if the connection was lost.
func wantConnected(t *testing.T, events <-chan zk.Event) {
	t.Helper()
	synctest.Wait()
	select {
	case e := <-events:
		t.Errorf("event %v %v: %v", e.Type, e.State, e.Err)
	default:
	}
}

// endless is a server that grants a session, and whose next frame claims a length and never ends.
type endless struct {
	claim uint32
	xid   int32
	chunk int
	every time.Duration
}

func (e endless) dial(string, string, time.Duration) (net.Conn, error) {
	client, server := net.Pipe()
	requests := make(chan struct{}, 1) // closed when the client has closed its side
	go func() {                        // ends then too
		defer close(requests)
		for {
			if _, err := server.Read(make([]byte, 4<<10)); err != nil {
				return
			}
			select {
			case requests <- struct{}{}:
			default:
			}
		}
	}()
	go func() { // ends likewise
		defer server.Close()
		<-requests
		if _, err := server.Write(e.grant()); err != nil {
			return
		}
		<-requests
		out := e.begin()
		for sent := 0; sent < 1<<20; sent += len(out) {
			if _, err := server.Write(out); err != nil {
				return
			}
			out = make([]byte, e.chunk)
			pass(e.every)
		}
		for range requests { // it hangs
		}
	}()
	return client, nil
}

// grant returns the frame that grants a session.
func (e endless) grant() []byte {
	b := []byte{0, 0, 0, 37, 0, 0, 0, 0}
	b = binary.BigEndian.AppendUint32(b, uint32(timeout/time.Millisecond))
	b = binary.BigEndian.AppendUint64(b, 7)
	b = binary.BigEndian.AppendUint32(b, 16)
	return append(b, make([]byte, 17)...)
}

// begin returns the beginning of the frame that does not end.
func (e endless) begin() []byte {
	b := binary.BigEndian.AppendUint32(nil, e.claim)
	b = binary.BigEndian.AppendUint32(b, uint32(e.xid))
	return append(b, make([]byte, 12)...)
}

// A reply that never ends holds up nothing for ever: the server must send 64 KiB of it in two
// thirds of the session timeout, else the connection ends, and with it the call. Close does not
// wait for it. Memory is taken for what has arrived only.
func FuzzEndlessReply(f *testing.F) {
	for _, claim := range []uint32{1<<31 - 1, 1 << 28, 1<<28 + 1, 1 << 20, 16, 17, 1 << 31, 0} {
		for _, xid := range []int32{1, 2, 0, -1, -2, -4, -8} {
			f.Add(claim, xid, uint16(1), uint16(1000))
			f.Add(claim, xid, uint16(1<<15), uint16(0))
		}
	}
	f.Fuzz(func(t *testing.T, claim uint32, xid int32, chunk, every uint16) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		synctest.Test(t, func(t *testing.T) {
			e := endless{claim, xid, max(1, int(chunk)), time.Duration(every) * time.Millisecond}
			c, _ := connectTo(t, e.dial)
			begun := time.Now()
			c.Get("/a")
			c.Close()
			if took := time.Since(begun); took > 3*time.Minute {
				t.Errorf("the call and Close took %v", took)
			}
			pass(2 * time.Minute) // the servers have ended
		})
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 64<<20 {
			t.Errorf("%d bytes allocated", got)
		}
	})
}
