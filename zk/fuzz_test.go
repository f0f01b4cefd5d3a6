package zk_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// FuzzServer lets a client with calls and watches of every kind read whatever bytes a server may send, and looks that it
// neither panics nor hangs: all calls end with their context, and Close ends all goroutines.
func FuzzServer(f *testing.F) {
	const hello = "\x00\x00\x00\x25\x00\x00\x00\x00\x00\x00\x27\x10\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x10" +
		"0123456789abcdef\x00"
	f.Add([]byte(hello))
	f.Add([]byte(hello + "\x00\x00\x00\x10\xff\xff\xff\xfe\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00"))
	f.Add([]byte(hello + "\x00\x00\x00\x10\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x05\xff\xff\xff\x9b"))
	f.Add([]byte(hello + "\x00\x00\x00\x1e\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x03\x00\x00\x00\x02/a"))
	f.Add([]byte("\x00\x00\x00\x25\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10"))
	f.Add([]byte("HTTP/1.1 200 OK\r\n\r\n"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		synctest.Test(t, func(t *testing.T) {
			c, _ := connectTo(t, func(string, string, time.Duration) (net.Conn, error) {
				client, server := net.Pipe()
				go func() { // ends when the client closes its side
					defer server.Close()
					go server.Write(answer) // likewise
					for buf := make([]byte, 4<<10); ; {
						if _, err := server.Read(buf); err != nil {
							return
						}
					}
				}()
				return client, nil
			})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			v := c.WithContext(ctx)
			start := time.Now()
			for _, call := range []func(){
				func() { v.GetW("/a") },
				func() { v.ExistsW("/b") },
				func() { v.ChildrenW("/a") },
				func() { v.Create("/a", nil, 0, acl) },
				func() { v.GetACL("/a") },
				func() { v.Multi(&zk.CreateRequest{Path: "/a"}, &zk.DeleteRequest{Path: "/a"}) },
				func() { v.MultiRead(&zk.GetDataRequest{Path: "/a"}, &zk.GetChildrenRequest{Path: "/a"}) },
				func() { v.AddWatch("/", zk.AddWatchPersistentRecursive) },
				func() { v.AddAuth("digest", []byte("a:b")) },
				func() { v.WhoAmI() },
				func() { v.Ephemerals("/") },
			} {
				go call() // ends with ctx
			}
			v.Get("/a")
			<-ctx.Done()
			synctest.Wait()
			if took := time.Since(start); took > time.Minute {
				t.Errorf("a call took %v", took)
			}
		})
	})
}
