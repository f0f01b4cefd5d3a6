package zktest_test

import (
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

func BenchmarkGet(b *testing.B) {
	for _, way := range []string{"tcp", "memory"} {
		b.Run(way, func(b *testing.B) {
			conn := benchConn(b, way)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := conn.Get("/zookeeper"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPipelinedSet(b *testing.B) {
	for _, way := range []string{"tcp", "memory"} {
		b.Run(way, func(b *testing.B) {
			conn := benchConn(b, way)
			ops := make([]any, 1000)
			for i := range ops {
				ops[i] = &zk.SetDataRequest{Path: "/", Data: []byte("data"), Version: -1}
			}
			b.ReportAllocs()
			for b.Loop() {
				for _, r := range conn.Pipeline(ops...) {
					if r.Err != nil {
						b.Fatal(r.Err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(ops)), "ns/set")
		})
	}
}

func benchConn(b *testing.B, way string) *zk.Conn {
	server := zktest.NewServer()
	b.Cleanup(server.Close)
	servers, dialer := []string{"zk"}, zk.Dialer(server.Dialer())
	if way == "tcp" {
		servers, dialer = []string{server.Addr()}, nil
	}
	conn, _, err := zk.ConnectWithDialer(servers, 10*time.Second, dialer)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(conn.Close)
	return conn
}
