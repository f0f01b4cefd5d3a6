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
)

// cannedServer answers every request at once, as if it were a getData of 100 bytes, so that the client is all that
// is measured. It takes what has arrived, and answers it in one write.
func cannedServer(b *testing.B) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	var conns sync.WaitGroup
	b.Cleanup(func() {
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
				canned(c)
			})
		}
	})
	return l.Addr().String()
}

func canned(c net.Conn) {
	r := bufio.NewReaderSize(c, 64<<10)
	var head [12]byte
	if _, err := io.ReadFull(r, head[:4]); err != nil {
		return
	}
	r.Discard(int(binary.BigEndian.Uint32(head[:4])))
	hello := binary.BigEndian.AppendUint32(nil, 37)
	hello = binary.BigEndian.AppendUint32(hello, 0)
	hello = binary.BigEndian.AppendUint32(hello, 10000)
	hello = binary.BigEndian.AppendUint64(hello, 1)
	hello = binary.BigEndian.AppendUint32(hello, 16)
	c.Write(append(hello, make([]byte, 17)...))
	record := binary.BigEndian.AppendUint32(nil, 100)
	record = append(record, make([]byte, 100+68)...)
	var out []byte
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return
		}
		r.Discard(int(binary.BigEndian.Uint32(head[:4])) - 8)
		body := record
		if op := binary.BigEndian.Uint32(head[8:]); op == 11 || int32(op) == -11 {
			body = nil
		}
		out = binary.BigEndian.AppendUint32(out, uint32(16+len(body)))
		out = append(out, head[4:8]...) // xid
		out = binary.BigEndian.AppendUint64(out, 1)
		out = binary.BigEndian.AppendUint32(out, 0)
		out = append(out, body...)
		if r.Buffered() == 0 || len(out) > 64<<10 {
			if _, err := c.Write(out); err != nil {
				return
			}
			out = out[:0]
		}
	}
}

func BenchmarkGet(b *testing.B) {
	c, _, err := zk.Connect([]string{cannedServer(b)}, 10*time.Second, quiet, zk.WithSingleReads())
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
