package zk_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/internal/wire"
)

// cannedServer answers every request at once with the record of its opcode, so that the client is all that is measured.
func cannedServer(t testing.TB, records map[wire.Op][]byte) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		conns.Wait()
	})
	conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer c.Close()
				canned(c, records)
			})
		}
	})
	return l.Addr().String()
}

// canned holds little memory while nothing comes.
func canned(c net.Conn, records map[wire.Op][]byte) {
	r := bufio.NewReaderSize(c, 4<<10)
	var head [12]byte
	if _, err := io.ReadFull(r, head[:4]); err != nil {
		return
	}
	r.Discard(int(binary.BigEndian.Uint32(head[:4])))
	c.Write(wire.AppendFrame(nil, &wire.ConnectResponse{TimeOut: 10000, SessionID: 1, Passwd: make([]byte, 16)}))
	var out []byte
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return
		}
		r.Discard(int(binary.BigEndian.Uint32(head[:4])) - 8)
		body := records[wire.Op(int32(binary.BigEndian.Uint32(head[8:])))]
		out = binary.BigEndian.AppendUint32(out, uint32(16+len(body)))
		out = append(out, head[4:8]...) // xid
		out = binary.BigEndian.AppendUint64(out, 1)
		out = binary.BigEndian.AppendUint32(out, 0)
		out = append(out, body...)
		if r.Buffered() == 0 || len(out) > 4<<10 {
			if _, err := c.Write(out); err != nil {
				return
			}
			if out = out[:0]; cap(out) > 16<<10 {
				out = nil
			}
		}
	}
}

// dataRecords answers getData with so many bytes.
func dataRecords(bytes int) map[wire.Op][]byte {
	var stat wire.Stat
	return map[wire.Op][]byte{
		wire.OpGetData: (&wire.GetDataResponse{Data: make([]byte, bytes)}).Append(nil),
		wire.OpSetData: stat.Append(nil),
	}
}

// childrenRecords answers getChildren2 with so many names.
func childrenRecords(names int) map[wire.Op][]byte {
	var r wire.GetChildren2Response
	for i := range names {
		r.Children = append(r.Children, fmt.Sprintf("child-%010d", i))
	}
	return map[wire.Op][]byte{wire.OpGetChildren2: r.Append(nil)}
}

func BenchmarkGet(b *testing.B) {
	c, _, err := zk.Connect([]string{cannedServer(b, dataRecords(100))}, 10*time.Second, quiet, zk.WithSingleReads())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	for _, callers := range []int{1, 16, 256, 1024} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			b.ReportAllocs()
			var all sync.WaitGroup
			for i := range callers {
				all.Go(func() {
					for range (b.N + i) / callers {
						if _, _, err := c.Get("/bench/n000001"); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
		})
	}
}

// BenchmarkParkAndWake is what a blocking call costs without a client: 256 goroutines wait, and one wakes all that do.
func BenchmarkParkAndWake(b *testing.B) {
	const callers = 256
	var mu sync.Mutex
	var waiting []chan struct{}
	wake := make(chan struct{}, 1)
	go func() { // ends when wake is closed
		for range wake {
			mu.Lock()
			ready := waiting
			waiting = nil
			mu.Unlock()
			for _, w := range ready {
				w <- struct{}{}
			}
		}
	}()
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			own := make(chan struct{}, 1)
			for range (b.N + i) / callers {
				mu.Lock()
				waiting = append(waiting, own)
				first := len(waiting) == 1
				mu.Unlock()
				if first {
					select {
					case wake <- struct{}{}:
					default:
					}
				}
				<-own
			}
		})
	}
	all.Wait()
	close(wake)
}

func BenchmarkChildren(b *testing.B) {
	c, _, err := zk.Connect([]string{cannedServer(b, childrenRecords(100_000))}, 10*time.Second, quiet)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	b.ReportAllocs()
	for b.Loop() {
		if names, _, err := c.Children("/"); err != nil || len(names) != 100_000 {
			b.Fatal(len(names), err)
		}
	}
}
